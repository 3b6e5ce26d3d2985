"""The module's variables against the table of docs/deployment.md, which the tests of the CDK app hold to
its context.
"""

from __future__ import annotations

import re
import unittest
from typing import Any

from evaluate import Module
from hcl import Refused, read_folder
from support import MODULE, PLAIN, ROOT

# what only the CDK app has, and why
ONLY_CDK = {
    "firstDeployment": "CloudFormation takes back a first deployment that failed; guards would stop that.",
    "destroyable": "`prevent_destroy` takes no variable: README.md, Taking it down.",
    "rollOut": "Terraform moves an alias itself; it does not wait for CodeDeploy.",
    "endpointUrl": "An emulator is deployed to by the CDK app alone; Terraform's provider has endpoints of its own.",
}
# written for the CDK app first: a deployment of the module that needs them adds the resources beside it
ONLY_CDK |= dict.fromkeys(
    (
        "vpc",
        "vpcCidr",
        "vpcZones",
        "natGateways",
        "vpcSubnets",
        "vpcSecurityGroups",
        "httpsProxy",
        "noProxy",
        "caBundle",
    ),
    "Networks are made by the CDK app alone: README.md, What it does not have.",
)
ONLY_CDK |= dict.fromkeys(
    ("copyAccount", "copyBucket", "copyKey", "backupDays", "copyVault"),
    "The second copy and backups are made by the CDK app alone: README.md, What it does not have.",
)
ONLY_CDK["costTags"] = "The provider has `default_tags` for all resources."
ONLY_CDK["tracesLayer"] = "Layers are attached by the CDK app alone: README.md, What it does not have."
# a context key for each function or flow is a map with their names as keys
MAPS = {
    "maxConcurrency<Flow>": "max_concurrency_of",
    "maxConcurrencyWriteBack": "max_concurrency_of",
    "timeout<Function>": "timeout",
    "memory<Function>": "memory",
    "storageStatementRun": "storage",
    "everyArchiveSeal": "every",
    "everyDeliveryStatus": "every",
    "everyReconcile": "every",
}
# what is null unless it is given, and what it then is
FROM_FACTS = {"max_receive_count", "retry_base", "async_retries", "write_back_window", "lock_days"}


def rows() -> list[tuple[list[str], list[str], str]]:
    """Of each row of the table: context keys, defaults, and the values that are taken."""
    text = (ROOT / "docs/deployment.md").read_text()
    table = text.split("| context | default | values | meaning |\n")[1].split("\n\n")[0]
    found = []
    for line in table.splitlines()[1:]:
        keys, default, values, _ = (cell.strip() for cell in line.strip("|").split(" | ", 3))
        found.append((re.findall(r"`([^`]+)`", keys), re.findall(r"`([^`]+)`", default), values))
    return found


def snake(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()


class VariablesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.variables = {b.labels[0]: b for b in read_folder(MODULE) if b.type == "variable"}
        self.module = Module(MODULE, PLAIN.variables)

    def test_each_setting_of_the_cdk_app_is_a_variable(self) -> None:
        keys = [key for row, _, _ in rows() for key in row]
        self.assertGreater(len(keys), 30)
        # the console is the CDK app's alone
        wanted = {
            MAPS.get(key, snake(key)) for key in keys if key not in ONLY_CDK and not key.startswith("console")
        }
        self.assertEqual(wanted, set(self.variables))
        self.assertEqual({*ONLY_CDK, *MAPS} - set(keys), set(), "left over")

    def test_each_has_the_same_default(self) -> None:
        compared = 0
        for keys, defaults, _ in rows():
            if len(keys) != len(defaults):
                continue
            for key, default in zip(keys, defaults, strict=False):
                name = snake(key)
                if key in ONLY_CDK or key in MAPS or name not in self.variables:
                    continue
                compared += 1
                with self.subTest(name):
                    self.assertEqual(self.default(name), default)
        self.assertGreater(compared, 20)

    def default(self, name: str) -> str:
        value: Any = self.module.variables[name]
        if name in ("max_concurrency", "run_concurrency"):
            value = self.module.local("max_concurrency")[
                "order-confirmation" if name == "max_concurrency" else "offer-run"
            ]
        elif value is None and name in FROM_FACTS:
            value = self.module.local(name)
        if isinstance(value, list):
            value = ",".join(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def test_each_takes_the_same_numbers(self) -> None:
        compared = 0
        for keys, _, values in rows():
            bounds = re.fullmatch(r"(\d+) to (\d+)", values)
            for key in keys if bounds else []:
                name = MAPS.get(key, snake(key))
                if key in ONLY_CDK or key.startswith("console"):
                    continue
                least, most = (int(bound) for bound in bounds.groups())  # type: ignore[union-attr]
                compared += 1
                with self.subTest(key):
                    self.accepts(key, name, least)
                    self.accepts(key, name, most)
                    for beyond in (least - 1, most + 1):
                        with self.assertRaisesRegex(Refused, name):
                            self.accepts(key, name, beyond)
        self.assertGreater(compared, 20)

    def accepts(self, key: str, name: str, number: int) -> None:
        function = (
            "statement-run"
            if key.endswith("StatementRun")
            else "write-back"
            if key.endswith("WriteBack")
            else "return-letters"
        )
        passes = {
            "everyArchiveSeal": "archive-seal",
            "everyDeliveryStatus": "delivery-status",
            "everyReconcile": "reconcile",
        }
        value = {passes.get(key, function): number} if key in MAPS else number
        Module(MODULE, {**PLAIN.variables, name: value})


if __name__ == "__main__":
    unittest.main()
