"""Terraform itself, where it is installed: format, validate, test, and plans with the stand-in of the
provider.

A plan is compared value by value with what `evaluate.py` makes of the module, so that the comparison with
the CDK app, which is made without Terraform, stands on what Terraform would do. Nothing is applied: the
stand-in refuses to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from evaluate import Instance, Module, Nested
from schema import SCHEMA
from stub_provider import ACCOUNT
from support import CHECK, DEPLOYMENTS, OWN, PLAIN, SECONDS, copied, packages

TERRAFORM = shutil.which("terraform")
REASON = "terraform is not on the path: format, init, validate, test and plan are NOT checked"
if TERRAFORM is None:
    print(f"\n*** SKIPPED: {REASON} ***\n", file=sys.stderr)


class Workspace:
    """A copy of the module, a mirror that has nothing but the stand-in, and a home of its own."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.module = copied()
        version = SCHEMA["provider"]["version"]
        system = "linux" if sys.platform.startswith("linux") else sys.platform
        processor = "arm64" if os.uname().machine in ("aarch64", "arm64") else "amd64"
        folder = (
            scratch
            / f"mirror/registry.terraform.io/{SCHEMA['provider']['source']}/{version}/{system}_{processor}"
        )
        folder.mkdir(parents=True)
        program = folder / f"terraform-provider-aws_v{version}"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -B '{CHECK / 'stub_provider.py'}'\n")
        program.chmod(0o755)
        (scratch / "home").mkdir()
        (scratch / "terraform.rc").write_text(
            "disable_checkpoint = true\n"
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{scratch / "mirror"}"\n  }}\n}}\n'
        )

    def run(self, folder: Path, *arguments: str) -> str:
        done = self.attempt(folder, *arguments)
        if done.returncode != 0:
            raise AssertionError(
                f"terraform {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
            )
        return done.stdout

    def attempt(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.scratch / "home"),
            "TMPDIR": str(self.scratch),
            "TF_CLI_CONFIG_FILE": str(self.scratch / "terraform.rc"),
            "TF_IN_AUTOMATION": "1",
        }
        command = [str(TERRAFORM), *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def root(self, variables: dict[str, Any]) -> Path:
        """A root that calls the module."""
        folder = Path(tempfile.mkdtemp(prefix="root-", dir=self.module.parent))
        call = {"source": f"../{self.module.name}", "code_root": str(packages()), **variables}
        root = {
            "provider": {"aws": {"region": "eu-central-1"}},
            "module": {"deployment": call},
            "output": {"stack": {"value": "${module.deployment.stack}"}},
        }
        (folder / "main.tf.json").write_text(json.dumps(root))
        self.run(folder, "init", "-no-color", "-input=false")
        return folder

    def plan(self, folder: Path, *arguments: str) -> dict[str, Any]:
        self.run(folder, "plan", "-no-color", "-input=false", "-lock=false", "-out=plan.bin", *arguments)
        return json.loads(self.run(folder, "show", "-json", "plan.bin"))


@unittest.skipIf(TERRAFORM is None, REASON)
class TerraformTest(unittest.TestCase):
    workspace: Workspace
    scratch: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="terraform-")
        cls.workspace = Workspace(Path(cls.scratch.name))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.cleanup()

    def test_it_is_formatted(self) -> None:
        self.assertEqual(self.workspace.run(CHECK.parent, "fmt", "-check", "-recursive", "-list=true"), "")

    def test_the_example_is_valid_and_can_be_planned(self) -> None:
        folder = self.workspace.module / "examples/production"
        self.workspace.run(folder, "init", "-no-color", "-input=false")
        self.assertTrue(json.loads(self.workspace.run(folder, "validate", "-json"))["valid"])
        plan = self.workspace.plan(
            folder, f"-var=event_bus={PLAIN.variables['event_bus']}", f"-var=code_root={packages()}"
        )
        self.assertTrue(plan["complete"])

    def test_what_the_module_tests_itself(self) -> None:
        self.workspace.run(self.workspace.module, "init", "-no-color", "-input=false")
        out = self.workspace.run(self.workspace.module, "test", "-no-color", f"-var=code_root={packages()}")
        self.assertRegex(out, r"Success! 5 passed, 0 failed")

    def test_a_plan_has_the_values_that_are_compared_with_the_cdk_app(self) -> None:
        for deployment in DEPLOYMENTS:
            with self.subTest(deployment.name):
                plan = self.workspace.plan(self.workspace.root(deployment.variables))
                variables = {**deployment.variables, "code_root": str(packages())}
                self.assertEqual(unlike_plan(plan, Module(self.workspace.module, variables)), [])
                other = Module(self.workspace.module, {**variables, "timeout": {"intake": 9}})
                self.assertRegex(
                    "\n".join(unlike_plan(plan, other)),
                    r"aws_lambda_function\.function\[intake\]\.timeout: 9 evaluated, 1[45] planned",
                )

    def test_no_secret_is_in_a_plan(self) -> None:
        plan = json.dumps(self.workspace.plan(self.workspace.root(PLAIN.variables)))
        self.assertNotIn("stub random_password", plan)

    def test_what_the_schema_does_not_have_is_refused(self) -> None:
        spoiled = copied(("queues.tf", "sqs_managed_sse_enabled", "sqs_sse"))
        self.workspace.run(spoiled, "init", "-no-color", "-input=false")
        self.assertRegex(self.workspace.attempt(spoiled, "validate", "-json").stdout, "sqs_sse")

    def test_the_stand_in_applies_nothing(self) -> None:
        done = self.workspace.attempt(
            self.workspace.root(OWN.variables), "apply", "-auto-approve", "-no-color", "-lock=false"
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("plans and applies nothing", done.stderr + done.stdout)


def unlike_plan(plan: dict[str, Any], module: Module) -> list[str]:
    """Where a plan and the evaluated module differ."""
    (child,) = plan["planned_values"]["root_module"]["child_modules"]
    planned = {
        address_of(one): one.get("values", {}) for one in child["resources"] if one["mode"] == "managed"
    }
    instances = module.instances()
    found = [f"{address}: only in one of both" for address in sorted(set(planned) ^ set(instances))]
    for address in sorted(set(planned) & set(instances)):
        found += unlike(address, known(instances[address]), planned[address])
    # of an output that is known in part, only the change has what is known
    outputs = plan["output_changes"]["stack"]["after"]
    return found + unlike("output stack", in_the_account(module.outputs()["stack"]), outputs)


def address_of(resource: dict[str, Any]) -> str:
    index = f"[{resource['index']}]" if "index" in resource else ""
    return f"{resource['type']}.{resource['name']}{index}"


def known(nested: Nested) -> dict[str, Any]:
    """The arguments and blocks of a resource as they are evaluated."""
    types = nested.schema.get("attributes", {})
    values = {name: value for name, value in nested.set().items() if not types[name].get("write_only")}
    blocks = {name: [known(block) for block in blocks] for name, blocks in nested.nested().items()}
    if isinstance(nested, Instance) and "source_code_hash" in values:
        # the hash of a file is Terraform's to take
        values["source_code_hash"] = None
    return in_the_account({**values, **blocks})


def in_the_account(value: Any) -> Any:
    """A value with what the stand-in's data sources say."""
    text = json.dumps(value, ensure_ascii=False)
    for name, answers in ACCOUNT.items():
        for attribute, answer in answers.items():
            text = text.replace(f"⟦data.{name}.current.{attribute}⟧", answer)
    return json.loads(text)


def unlike(path: str, ours: Any, planned: Any) -> list[str]:
    if isinstance(ours, str) and "⟦" in ours:
        # only AWS decides: a plan has nothing there
        return [] if planned is None else [f"{path}: {ours} evaluated, {planned!r} planned"]
    if isinstance(ours, str) and ours.startswith("{") and isinstance(planned, str):
        return unlike(path, json.loads(ours), json.loads(planned))
    if isinstance(ours, dict) and isinstance(planned, dict):
        keys = sorted({*ours, *(key for key, value in planned.items() if value not in (None, [], {}))})
        return [
            line
            for key in keys
            if key != "source_code_hash"
            for line in unlike(f"{path}.{key}", ours.get(key), planned.get(key))
        ]
    if isinstance(ours, list) and isinstance(planned, list) and len(ours) == len(planned):
        pairs = zip(sorted(ours, key=_order), sorted(planned, key=_order), strict=False)
        return [line for i, pair in enumerate(pairs) for line in unlike(f"{path}[{i}]", *pair)]
    return (
        []
        if ours == planned or (ours in (None, [], {}) and planned in (None, [], {}))
        else [f"{path}: {ours!r} evaluated, {planned!r} planned"]
    )


def _order(value: Any) -> str:
    # sets have no order; blocks are told apart by what they are named
    if isinstance(value, dict):
        return str(value.get("id") or value.get("name") or value.get("route_key") or sorted(value))
    return json.dumps(value, sort_keys=True)


if __name__ == "__main__":
    unittest.main()
