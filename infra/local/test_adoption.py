"""What the templates promise about their own life, on the emulator: a first deployment that failed leaves
nothing in the way of the next, what works on the data goes and comes back beside it, and what deleted stacks
retained is taken up again with everything in it.

Data is retained as in AWS, not as in the local run, where it goes with the stack.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import install
import templates
from emulator import Emulator
from processes import Failure, run
from stack import PREFIX, REGION, START_SECONDS, STEP_SECONDS, LocalStack
from templates import stacks


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class DeploymentTest(unittest.TestCase):
    """An emulator, and empty programs to deploy the stack with."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        install.node_packages()
        install.emulator()
        state = mock.patch.object(install, "STATE", Path(scratch.name))
        state.start()
        self.addCleanup(state.stop)
        self.stack = LocalStack("adoption", free_port())
        self.folder = self.stack.directory
        for name in ("home", "tmp", *(f"lambda/{function}" for function in install.FUNCTIONS)):
            (self.folder / name).mkdir(parents=True)
        for function in install.FUNCTIONS:
            (self.folder / "lambda" / function / "bootstrap").touch()
        self.addCleanup(self.stack.processes.stop_all)
        service = self.stack.emulator_service
        self.stack.processes.start(service)
        self.stack.processes.wait_until_ready(service, START_SECONDS)
        self.aws = Aws(self.stack)
        self.stack._cdk("bootstrap", f"aws://{self.stack.account}/{REGION}")

    def synthesize(self, name: str, **context: str) -> Path:
        out = self.folder / name
        # the address says that it is an emulator: it refuses alarms on expressions, and gets the template without
        given = {
            "createBus": "true",
            "codeRoot": str(self.folder / "lambda"),
            "endpointUrl": self.stack.url("aws"),
            **context,
        }
        flags = [argument for key, value in given.items() for argument in ("--context", f"{key}={value}")]
        self.step(self.stack._cdk_command("synth", "--quiet", "--output", str(out), *flags), "synth")
        return out

    def deploy(self, app: Path) -> dict[str, str]:
        options = ("--outputs-file", str(self.folder / "outputs.json"), "--method", "direct")
        self.stack._cdk("deploy", "--all", "--app", str(app), "--require-approval", "never", *options)
        return templates.outputs(self.folder / "outputs.json")

    def step(self, command: list[str], name: str) -> None:
        env = {**self.stack.base_env, "CDK_VALIDATION": "false"}
        log = self.stack.processes.log(name)
        run(command, env=env, cwd=install.CDK, log=log, seconds=STEP_SECONDS, what=name)


class AdoptionTest(DeploymentTest):
    def test_a_failed_first_deployment_is_repeated_and_what_is_deleted_is_adopted(self) -> None:
        app = self.synthesize("first", firstDeployment="true")
        data, _ = stacks(PREFIX)
        # another owner's bus has the name that the stack wants
        self.aws.json("events", "AWSEvents.CreateEventBus", {"Name": PREFIX})
        before = self.aws.lasting()
        self.assert_fails(self.with_a_bus(app, data))
        self.assertEqual(self.aws.lasting(), before, "left behind by the rollback of the data")
        self.assert_fails(app)
        self.assertEqual(self.aws.lasting()["logs"], [], "left behind by the rollback of what works on it")
        self.aws.json("events", "AWSEvents.DeleteEventBus", {"Name": PREFIX})

        outputs = self.deploy(app)
        self.keep(outputs)
        self.stack._cdk("destroy", PREFIX, "--exclusively", "--app", str(app), "--force")
        self.assertEqual(self.aws.lasting()["logs"], [])
        self.assert_kept(self.deploy(app), outputs)

        self.stack._cdk("destroy", "--all", "--app", str(app), "--force")
        self.stack.adopt(outputs, app)
        self.assert_kept(self.deploy(app), outputs)

    def with_a_bus(self, app: Path, name: str) -> Path:
        """The app with a bus in one of its stacks, made after everything else."""
        copy = self.folder / "with-a-bus"
        shutil.copytree(app, copy)
        file = copy / f"{name}.template.json"
        template = json.loads(file.read_text())
        bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": PREFIX}}
        template["Resources"] |= {"Bus": {**bus, "DependsOn": [*template["Resources"]]}}
        was = hashlib.sha256(file.read_bytes()).hexdigest()
        file.write_text(json.dumps(template))
        # uploaded under the name of its content, as the one before was
        for index in (copy / "manifest.json", copy / f"{name}.assets.json"):
            text = index.read_text()
            self.assertIn(was, text)
            index.write_text(text.replace(was, hashlib.sha256(file.read_bytes()).hexdigest()))
        return copy

    def assert_fails(self, app: Path) -> None:
        with self.assertRaises(Failure) as failed:
            self.deploy(app)
        self.assertIn("EventBus already exists", str(failed.exception))

    def keep(self, outputs: dict[str, str]) -> None:
        item = {"pk": {"S": "kept"}}
        self.aws.json(
            "dynamodb", "DynamoDB_20120810.PutItem", {"TableName": outputs["TableName"], "Item": item}
        )
        self.aws.put(outputs["ArchiveBucket"], "kept", b"evidence")
        message = {"QueueUrl": outputs["DeadLetterUrlReturnLetters"], "MessageBody": "kept"}
        self.aws.json("sqs", "AmazonSQS.SendMessage", message)

    def assert_kept(self, again: dict[str, str], outputs: dict[str, str]) -> None:
        # the HTTP API is made anew, and AWS chooses its address; a domain of one's own would stay
        address = "DocumentsUrl"
        self.assertEqual({**again, address: ""}, {**outputs, address: ""})
        self.assertEqual([*self.aws.items(again["TableName"], "pk")], [{"pk": "kept"}])
        self.assertEqual(self.aws.get(again["ArchiveBucket"], "kept"), b"evidence")
        self.assertEqual(self.aws.waiting(again["DeadLetterUrlReturnLetters"]), 1)


class Aws(Emulator):
    """Requests that only this test makes."""

    def __init__(self, stack: LocalStack) -> None:
        super().__init__(stack.url("aws"), REGION, stack.account)

    def json(self, service: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.call(service, target, body)

    def lasting(self) -> dict[str, Any]:
        """The names of everything that a stack may leave behind."""
        return {
            "queues": self.json("sqs", "AmazonSQS.ListQueues", {}).get("QueueUrls", []),
            "tables": self.json("dynamodb", "DynamoDB_20120810.ListTables", {})["TableNames"],
            "secrets": self.json("secretsmanager", "secretsmanager.ListSecrets", {})["SecretList"],
            "logs": self.json("logs", "Logs_20140328.DescribeLogGroups", {})["logGroups"],
            "buckets": self.request("GET", "s3", "/").count(b"<Bucket>"),
        }

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.request("PUT", "s3", f"/{bucket}/{key}", body)

    def get(self, bucket: str, key: str) -> bytes:
        return self.request("GET", "s3", f"/{bucket}/{key}")


if __name__ == "__main__":
    unittest.main()
