"""checkov reads the module as it is. What it finds is an exception with a reason, or fails; so does a
reason without a finding.
"""

from __future__ import annotations

import json
import re
import subprocess
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ROOT, SECONDS, copied

CHECKOV = ROOT / ".local/.lint-venv/bin/checkov"
CLOUDFRONT = r"aws_cloudfront_distribution\.documents"


@dataclass(frozen=True)
class Exception_:
    id: str
    on: str
    reason: str


EXCEPTIONS = (
    Exception_("CKV_AWS_28", r"aws_dynamodb_table\.commitments", "A deleted secret must not come back: with it, what a leaf of the log was could be told again."),
    Exception_("CKV_AWS_50", r"aws_lambda_function", "A line per communication and the ledger say where each is; traces would cost a request per message more."),
    Exception_("CKV_AWS_86", CLOUDFRONT, "CloudFront's log would have each path, and a path is the key to a document."),
    Exception_("CKV_AWS_115", r"aws_lambda_function", "Event source mappings bound the concurrency; a reservation would take from the account what other functions need."),
    Exception_("CKV_AWS_116", r"aws_lambda_function", "Work comes from SQS, whose queues have dead-letter queues; events for intake have an on-failure destination."),
    Exception_("CKV_AWS_117", r"aws_lambda_function", "The functions call AWS, Shopify and Exstream over TLS and nothing in a private network."),
    Exception_("CKV_AWS_144", r"aws_s3_bucket\.(archive|operations|access_logs)", "A copy in another region is a decision about where personal data may be."),
    Exception_("CKV_AWS_145", r"aws_s3_bucket\.(operations|access_logs)", "S3 delivers access logs only to a bucket whose default encryption is its own."),
    Exception_("CKV_AWS_272", r"aws_lambda_function", "Whoever may deploy may deploy another module, too; packages are compared by their hash."),
    Exception_("CKV_AWS_305", CLOUDFRONT, "There is nothing at the root of the domain: links name documents."),
    Exception_("CKV_AWS_309", r"aws_apigatewayv2_route", "A link is its own authorization: 256 bits that the function looks up."),
    Exception_("CKV_AWS_310", CLOUDFRONT, "There is one origin: the API of this deployment."),
    Exception_("CKV_AWS_338", r"aws_cloudwatch_log_group\.", "Evidence is in the archive; lines older than three months help nobody who looks for a fault."),
    Exception_("CKV_AWS_374", CLOUDFRONT, "Customers are where they are; the web ACL can bar countries."),
    Exception_("CKV2_AWS_32", CLOUDFRONT, "The function sets the headers of every answer."),
    Exception_("CKV2_AWS_47", CLOUDFRONT, "The web ACL is the operator's; the functions are Rust, and nothing in them reads Log4j's texts."),
    Exception_("CKV2_AWS_57", r"aws_secretsmanager_secret\.", "A rotated key would give every customer another pseudonym, and a document that is being sent a second link."),
    Exception_("CKV2_AWS_62", r"aws_s3_bucket\.", "Nothing waits for objects: whoever puts one says so by a message."),
)  # fmt: skip


def findings(folder: Path) -> list[tuple[str, str, str]]:
    """Of each finding: check, resource, place."""
    arguments = [
        "--framework",
        "terraform",
        "--compact",
        "--quiet",
        "--skip-download",
        "--output",
        "json",
        "--directory",
        str(folder),
    ]
    done = subprocess.run(
        [str(CHECKOV), *arguments], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    report: Any = json.loads(done.stdout)
    if report["summary"]["parsing_errors"] or report["summary"]["passed"] < 50:
        raise AssertionError(f"checkov has not read the module: {report['summary']}")
    return [
        (c["check_id"], c["resource"], f"{c['file_path']}:{c['file_line_range'][0]}")
        for c in report["results"]["failed_checks"]
    ]


def excuse(check: str, resource: str) -> Exception_ | None:
    return next((one for one in EXCEPTIONS if one.id == check and re.search(one.on, resource)), None)


class CheckovTest(unittest.TestCase):
    def test_checkov_finds_nothing_that_has_no_reason_and_no_reason_is_left_over(self) -> None:
        found = findings(copied())
        self.assertEqual([one for one in found if excuse(*one[:2]) is None], [])
        used = {excuse(*one[:2]) for one in found}
        self.assertEqual([one.id for one in EXCEPTIONS if one not in used], [])

    def test_checkov_finds_what_is_wrong(self) -> None:
        folder = copied(("storage.tf", "enable_key_rotation     = true", "enable_key_rotation     = false"))
        found = [
            (check, resource) for check, resource, _ in findings(folder) if excuse(check, resource) is None
        ]
        self.assertIn("CKV_AWS_7", {check for check, _ in found})


if __name__ == "__main__":
    unittest.main()
