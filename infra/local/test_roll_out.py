"""Rolling forward and back between two builds with work in flight, on the emulator: no message is lost, and each is handled
by a version that was in force.

The builds are programs of a few lines that speak the Runtime API and note which messages they handled.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from test_adoption import DeploymentTest

import install
from stack import PREFIX

FUNCTION = "order-confirmation"
WAIT_SECONDS = 60

BUILD = '''#!{python}
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as answer:
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    time.sleep(0.3)
    with open({log!r}, "a") as log:
        for record in event["Records"]:
            log.write("{build} " + record["body"] + "\\n")
    done = json.dumps({{"batchItemFailures": []}}).encode()
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", done)).close()
'''


class RollOutTest(DeploymentTest):
    def test_a_deployment_goes_forward_and_back_with_work_in_flight(self) -> None:
        first = self.build("first")
        before = self.deploy(first)
        kept = self.folder / "before.json"
        kept.write_text(json.dumps({PREFIX: before}))
        second = self.build("second")

        with self.sending(before["QueueUrlOrderConfirmation"], "forward"):
            self.await_build("first", "forward")
            after = self.deploy(second)
            self.await_build("second", "forward")
        self.assertEqual(before["FunctionOrderConfirmation"], f"{PREFIX}-{FUNCTION}:live")
        self.assertEqual([before["VersionOrderConfirmation"], after["VersionOrderConfirmation"]], ["1", "2"])
        # what did not change keeps its version
        self.assertEqual(before["VersionIntake"], after["VersionIntake"])

        with self.sending(before["QueueUrlOrderConfirmation"], "back"):
            self.await_build("second", "back")
            self.go_back(kept)
            self.await_build("first", "back")
        self.await_(lambda: len(self.handled()) == self.sent)
        self.assertEqual(self.in_order("forward"), ["first", "second"])
        self.assertEqual(self.in_order("back"), ["second", "first"])
        handled = Counter(message for _, message in self.handled())
        self.assertEqual(set(handled.values()), {1}, "each message once")
        self.await_(lambda: self.aws.waiting(before["QueueUrlOrderConfirmation"]) == 0)
        self.assertEqual(self.aws.waiting(before["DeadLetterUrlOrderConfirmation"]), 0)

    @property
    def log(self) -> Path:
        return self.folder / "handled"

    def build(self, name: str) -> Path:
        """The stack with another build of one function."""
        bootstrap = self.folder / "lambda" / FUNCTION / "bootstrap"
        bootstrap.write_text(BUILD.format(python=sys.executable, log=str(self.log), build=name))
        bootstrap.chmod(0o755)
        return self.synthesize(name, maxConcurrency="2")

    @contextlib.contextmanager
    def sending(self, queue: str, what: str) -> Iterator[None]:
        """Sends messages all the while."""
        ended = threading.Event()

        def send() -> None:
            number = 0
            while not ended.wait(0.05):
                body = {"QueueUrl": queue, "MessageBody": f"{what}-{number}"}
                self.aws.json("sqs", "AmazonSQS.SendMessage", body)
                number += 1
                self.sent += 1

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join()

    def handled(self) -> list[tuple[str, str]]:
        """Build and message, in the order in which they were handled."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(build, message) for build, message in (line.split() for line in lines)]

    def in_order(self, what: str) -> list[str]:
        """The builds that handled these messages, each once, by the first message of it."""
        return list(dict.fromkeys(build for build, message in self.handled() if message.startswith(what)))

    def await_build(self, build: str, what: str) -> None:
        self.await_(lambda: build in self.in_order(what))

    def await_(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not done():
            self.assertLess(time.monotonic(), deadline, f"of {self.sent} sent, {len(self.handled())} were handled")
            time.sleep(0.1)

    def go_back(self, outputs: Path) -> None:
        """Does what the printed commands say: there may be no AWS command line here."""
        self.step(["node", "--import", "tsx", "bin/go-back.ts", str(outputs)], "go-back")
        commands = self.stack.processes.log("go-back").read_text().splitlines()
        self.assertEqual(len(commands), len(install.FUNCTIONS) - self.left_out)
        for command in commands:
            found = re.fullmatch(
                r"aws lambda update-alias --function-name (\S+) --name (\S+) --function-version (\d+) "
                r"--routing-config '\{\}'",
                command,
            )
            assert found is not None, command
            name, alias, version = found.groups()
            body = json.dumps({"FunctionVersion": version, "RoutingConfig": {}}).encode()
            self.aws.request("PUT", "lambda", f"/2015-03-31/functions/{name}/aliases/{alias}", body)

    # messages that were sent
    sent = 0
    # deployed only where it is asked for: the function that tells outcomes, and the console
    left_out = 2


# of the modules imported here, only this one's tests
del DeploymentTest


if __name__ == "__main__":
    unittest.main()
