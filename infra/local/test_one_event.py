"""A packaged function takes one event, on this machine: as it is, or under qemu-user where it is built for another processor.

The Runtime API and the bus are a server of a few lines on loopback. What is run is the zip of `make package`; where there is none, or no
qemu, the test says so and is skipped.
"""

from __future__ import annotations

import http.server
import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path
from typing import Any

import packages

FUNCTION = "outcome-events"
SECONDS = 120
# what each processor is called by the kernel, by qemu, and where Debian puts its C library (libc6-arm64-cross)
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
LIBRARIES = {"arm64": "/usr/aarch64-linux-gnu", "x86_64": "/usr/x86_64-linux-gnu"}


def image(state: str) -> dict[str, dict[str, str]]:
    texts = {
        "pk": f"{1:032x}",
        "shop": "acme.myshopify.com",
        "flow": "order-confirmation",
        "document": "receipt",
        "subject": "gid://shopify/Order/1",
        "revision": "initial",
        "reported_on": "gid://shopify/Order/1",
        "state": state,
        "channel": "email",
        "write_back": "pending",
    }
    numbers = {"attempts": "1", "created_epoch_ms": "1", "updated_epoch_ms": "1790000000000"}
    return {name: {"S": it} for name, it in texts.items()} | {name: {"N": it} for name, it in numbers.items()}


EVENT = {
    "Records": [
        {
            "eventName": "MODIFY",
            "dynamodb": {
                "SequenceNumber": "s1",
                "ApproximateCreationDateTime": 1790000000,
                "Keys": {"pk": {"S": f"{1:032x}"}},
                "OldImage": image("sending"),
                "NewImage": image("accepted"),
            },
        }
    ]
}


class Aws(http.server.ThreadingHTTPServer):
    """The Runtime API with one event, and a bus that takes everything."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.given = False
        self.answered = threading.Event()
        self.answer: Any = None
        self.put: list[Any] = []


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Aws

    def do_GET(self) -> None:
        if self.server.given:
            # as Lambda does while there is no work
            self.server.answered.wait(SECONDS)
            return
        self.server.given = True
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "1",
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:eu-west-1:000000000000:function:{FUNCTION}",
        }
        self.reply(EVENT, headers)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path.startswith("/2018-06-01/"):
            self.server.answer = (self.path.rpartition("/")[2], body)
            self.reply({}, {})
            self.server.answered.set()
        else:
            self.server.put += body["Entries"]
            self.reply({"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]}, {})

    def reply(self, body: object, headers: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class OneEventTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_arm64(self) -> None:
        self.take_one("arm64")

    def test_x86_64(self) -> None:
        self.take_one("x86_64")

    def take_one(self, architecture: str) -> None:
        command = self.command(architecture)
        server = Aws()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        here = f"127.0.0.1:{server.server_address[1]}"
        environment = {
            "AWS_LAMBDA_RUNTIME_API": here,
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_LOG_STREAM_NAME": "log",
            "AWS_LAMBDA_LOG_GROUP_NAME": "log",
            "AWS_ENDPOINT_URL": f"http://{here}",
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "OUTCOME_BUS": "outcomes",
            "DEAD_LETTER_QUEUE_URL": f"http://{here}/dead",
            "TABLE_NAME": "table",
            "ARCHIVE_BUCKET": "archive",
            "OPERATIONS_BUCKET": "operations",
            "SECRET_PREFIX": "local",
            "MAX_RETENTION_DAYS": "400",
            "CONFIG_TTL_SECONDS": "60",
            "LOG_LEVEL": "info",
        }
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                answered = server.answered.wait(SECONDS)
            finally:
                process.kill()
                process.wait()
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        self.assertTrue(answered, said)
        self.assertEqual(server.answer, ("response", {"batchItemFailures": []}), said)
        (entry,) = server.put
        self.assertEqual(entry["EventBusName"], "outcomes")
        self.assertEqual(json.loads(entry["Detail"])["outcome"], "accepted")

    def command(self, architecture: str) -> list[str]:
        """What starts the packaged program here."""
        package = packages.TARGETS / architecture / f"{FUNCTION}.zip"
        if not package.exists():
            self.skipTest(f"no {package.name} for {architecture}: make package ARCHITECTURES={architecture}")
        with zipfile.ZipFile(package) as archive:
            archive.extract("bootstrap", self.folder)
        program = self.folder / "bootstrap"
        program.chmod(0o755)
        machine = MACHINES[architecture]
        if platform.machine() == machine:
            return [str(program)]
        qemu = shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")
        if qemu is None or not os.path.isdir(LIBRARIES[architecture]):
            self.skipTest(f"no qemu-user for {machine}, or no C library: qemu-user-static, libc6-arm64-cross")
        return [qemu, "-L", LIBRARIES[architecture], str(program)]


if __name__ == "__main__":
    unittest.main()
