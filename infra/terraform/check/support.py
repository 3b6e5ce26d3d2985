"""What the tests share: where things are, deployments to compare, and copies of the module to spoil."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CHECK = Path(__file__).parent
MODULE = CHECK.parent
ROOT = MODULE.parents[1]
CDK = ROOT / "infra/cdk"
FACTS = ROOT / "infra/functions.json"
SECONDS = 600

sys.path.append(str(ROOT / "infra/local"))
import templates  # noqa: E402

_scratch = Path(tempfile.mkdtemp(prefix="terraform-check-"))
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)


@dataclass(frozen=True)
class Deployment:
    """The same deployment in the words of both."""

    name: str
    context: dict[str, str]
    variables: dict[str, Any]

    @property
    def prefix(self) -> str:
        return self.context.get("prefix", "shopify-exstream")


_BUS = "aws.partner/shopify.com/123/main"
_IAM = "arn:aws:iam::111122223333:"
_CERTIFICATE = "arn:aws:acm:{}:111122223333:certificate/1"
_ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/documents/1"
_TOPIC = "arn:aws:sns:eu-central-1:111122223333:alarms"

# certificates with what people write between them
_ROOTS = _scratch / "roots.pem"
_ROOTS.write_text(
    "# the first\n-----BEGIN CERTIFICATE-----\nMIIBAg==\n-----END CERTIFICATE-----\n"
    "# the second\n-----BEGIN CERTIFICATE-----\nMIIBAw==\n-----END CERTIFICATE-----\n"
)

PLAIN = Deployment("what is default", {"eventBus": _BUS}, {"event_bus": _BUS})
OWN = Deployment(
    "with buses of its own, people, a domain and other values",
    {
        "createBus": "true",
        "createOutcomeBus": "true",
        "eventSource": "aws.partner/shopify.com/12,my.source/",
        "trustOperator": f"{_IAM}role/operators,{_IAM}user/eve",
        "trustAuditor": f"{_IAM}saml-provider/company",
        "trustSupport": f"{_IAM}role/support",
        "trustRecords": f"{_IAM}role/records",
        "alarmTopic": _TOPIC,
        "alarmNotify": "each",
        "runbookUrl": "https://wiki.example/runbook",
        "rollOut": "at-once",
        "customerManagedKeys": "true",
        "lockMode": "GOVERNANCE",
        "lockDays": "30",
        "maxRetentionDays": "400",
        "prefix": "other",
        "architecture": "x86_64",
        "maxConcurrency": "7",
        "maxConcurrencyReturnLetters": "8",
        "maxConcurrencyWriteBack": "9",
        "maxReceiveCount": "111",
        "runConcurrency": "3",
        "writeBackWindow": "6",
        "timeoutIntake": "14",
        "memoryDocuments": "512",
        "storageStatementRun": "2048",
        "everyReconcile": "60",
        "everyDeliveryStatus": "7",
        "pauseSchedules": "true",
        "recoveredAlarm": "21",
        "failedAlarm": "6",
        "failedAlarmFrom": "4",
        "asyncRetries": "1",
        "retryBase": "0",
        "configTtl": "61",
        "documentsRate": "51",
        "documentsBurst": "101",
        "documentsDomain": "documents.shop.example",
        "documentsCertificate": _CERTIFICATE.format("eu-central-1"),
        "timeStampUrl": "https://stamps.example",
        "timeStampRoots": str(_ROOTS),
        "timeStampDigest": "sha384",
        "timeStampRenewDays": "200",
        "spoolDays": "91",
        "runDays": "61",
        "logLevel": "debug",
        "tracesEndpoint": "http://localhost:4318/v1/traces",
        "tracesPercent": "5",
    },
    {
        "create_bus": True,
        "create_outcome_bus": True,
        "event_source": ["aws.partner/shopify.com/12", "my.source/"],
        "trust_operator": [f"{_IAM}role/operators", f"{_IAM}user/eve"],
        "trust_auditor": [f"{_IAM}saml-provider/company"],
        "trust_support": [f"{_IAM}role/support"],
        "trust_records": [f"{_IAM}role/records"],
        "alarm_topic": _TOPIC,
        "alarm_notify": "each",
        "runbook_url": "https://wiki.example/runbook",
        "customer_managed_keys": True,
        "lock_mode": "GOVERNANCE",
        "lock_days": 30,
        "max_retention_days": 400,
        "prefix": "other",
        "architecture": "x86_64",
        "max_concurrency": 7,
        "max_concurrency_of": {"return-letters": 8, "write-back": 9},
        "max_receive_count": 111,
        "run_concurrency": 3,
        "write_back_window": 6,
        "timeout": {"intake": 14},
        "memory": {"documents": 512},
        "storage": {"statement-run": 2048},
        "every": {"reconcile": 60, "delivery-status": 7},
        "pause_schedules": True,
        "recovered_alarm": 21,
        "failed_alarm": 6,
        "failed_alarm_from": 4,
        "async_retries": 1,
        "retry_base": 0,
        "config_ttl": 61,
        "documents_rate": 51,
        "documents_burst": 101,
        "documents_domain": "documents.shop.example",
        "documents_certificate": _CERTIFICATE.format("eu-central-1"),
        "time_stamp_url": "https://stamps.example",
        "time_stamp_roots": str(_ROOTS),
        "time_stamp_digest": "sha384",
        "time_stamp_renew_days": 200,
        "spool_days": 91,
        "run_days": 61,
        "log_level": "debug",
        "traces_endpoint": "http://localhost:4318/v1/traces",
        "traces_percent": 5,
    },
)
DISTRIBUTED = Deployment(
    "with a bus for outcomes and a distribution",
    {
        "eventBus": _BUS,
        "outcomeBus": "arn:aws:events:eu-central-1:111122223333:event-bus/outcomes",
        "silentHours": "0",
        "alarmTopic": _TOPIC,
        "documentsDomain": "documents.shop.example",
        "documentsCertificate": _CERTIFICATE.format("us-east-1"),
        "documentsWebAcl": _ACL,
    },
    {
        "event_bus": _BUS,
        "outcome_bus": "arn:aws:events:eu-central-1:111122223333:event-bus/outcomes",
        "silent_hours": 0,
        "alarm_topic": _TOPIC,
        "documents_domain": "documents.shop.example",
        "documents_certificate": _CERTIFICATE.format("us-east-1"),
        "documents_web_acl": _ACL,
    },
)
DEPLOYMENTS = (PLAIN, OWN, DISTRIBUTED)


@cache
def packages() -> Path:
    """An empty package of each function, for CDK and for Terraform."""
    folder = _scratch / "packages"
    kinds = [
        kind["functions"]
        for kind in json.loads(FACTS.read_text()).values()
        if isinstance(kind, dict) and "functions" in kind
    ]
    for name in (name for functions in kinds for name in functions):
        (folder / name).mkdir(parents=True)
        (folder / name / "bootstrap").touch()
        with zipfile.ZipFile(folder / name / "bootstrap.zip", "w") as package:
            package.writestr("bootstrap", "")
    return folder


@cache
def synthesized(name: str) -> Path:
    """The templates that the CDK app makes of a deployment, as the command line would, as one."""
    deployment = next(one for one in DEPLOYMENTS if one.name == name)
    out = Path(tempfile.mkdtemp(prefix="cdk.out-", dir=_scratch))
    flags = json.loads((CDK / "cdk.json").read_text())["context"]
    context = {**flags, "codeRoot": str(packages()), **deployment.context}
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        # CloudFormation's own schema rules take seconds to load, and the tests of the CDK app ask them
        "CDK_VALIDATION": "false",
    }
    command = ["node", "--import", "tsx", "bin/app.ts"]
    done = subprocess.run(
        command, cwd=CDK, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the CDK app cannot be synthesized {deployment.name}: {done.stderr[-2000:]}")
    whole = out / "whole.json"
    whole.write_text(json.dumps(templates.joined(out, deployment.prefix)))
    return whole


def copied(change: tuple[str, str, str] | None = None) -> Path:
    """A copy of the module, beside a copy of the table of functions; with one text of a file replaced."""
    infra = Path(tempfile.mkdtemp(prefix="infra-", dir=_scratch))
    folder = infra / "terraform"
    shutil.copytree(MODULE, folder, ignore=shutil.ignore_patterns("check", ".terraform*"))
    shutil.copy(FACTS, infra)
    if change is not None:
        file, old, new = change
        text = (folder / file).read_text() if (folder / file).exists() else ""
        if old not in text:
            raise ValueError(f"{file} has no `{old}`")
        (folder / file).write_text(text.replace(old, new, 1))
    return folder
