"""What the audits make of npm's reports and of licences."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import audit
import install


class Npm(unittest.TestCase):
    def test_an_answer_that_is_no_report_is_not_taken_for_a_clean_one(self) -> None:
        for text in (
            "",
            "npm error audit endpoint returned an error",
            "{}",
            json.dumps({"message": "405 Method Not Allowed", "method": "POST"}),
            json.dumps({"error": {"code": "ENOAUDIT", "summary": "no audit"}}),
        ):
            result = audit.read_npm_audit("cdk", text)
            self.assertIsNone(result.ok, text)
            self.assertIn("database unreachable", result.detail)

    def test_serious_vulnerabilities_fail(self) -> None:
        def report(**severities: str) -> str:
            return json.dumps(
                {"vulnerabilities": {name: {"severity": it} for name, it in severities.items()}}
            )

        self.assertEqual(audit.read_npm_audit("cdk", report())[1:], (True, ""))
        self.assertEqual(audit.read_npm_audit("cdk", report(a="moderate"))[1:], (True, "a (moderate)"))
        worst = audit.read_npm_audit("cdk", report(b="low", a="high"))
        self.assertEqual(worst[1:], (False, "a (high), b (low)"))

    def test_licences(self) -> None:
        for expression, fine in (
            ("MIT", True),
            ("(MIT OR GPL-3.0-or-later)", True),
            ("MIT AND Apache-2.0", True),
            ("(MIT AND GPL-3.0-only) OR GPL-2.0-only", False),
            ("GPL-3.0-only", False),
            ("UNLICENSED", False),
            ("", False),
        ):
            self.assertEqual(audit.accepted(expression), fine, expression)

    def test_a_package_of_another_licence_is_named(self) -> None:
        lock = {"packages": {"": {}, "node_modules/a": {"license": "MIT"}, "node_modules/b": {}}}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "package-lock.json"
            file.write_text(json.dumps(lock))
            self.assertEqual(audit.npm_licences(file.parent)[1:], (False, "b (none)"))
        for packages in (install.CDK, install.APP):
            self.assertEqual(audit.npm_licences(packages)[1:], (True, ""), packages)


if __name__ == "__main__":
    unittest.main()
