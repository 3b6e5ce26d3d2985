"""A restore, rehearsed on the local stack: documents are made and backed up, then what works on the data, both stacks and the
contents of what AWS Backup keeps are lost, restored, adopted and compared with what was there.

What the emulator cannot do is done in its place: recovery points are copies of the items and objects, as AWS Backup restores
them into tables of other names. The archive, its key and the table of secrets are not lost here: the archive has a copy of its
own in another account, and the secrets have none on purpose.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import install
from emulator import Emulator
from processes import Failure
from progress import Progress
from stack import PREFIX, SAMPLES, SHOP, LocalStack

PORT_BASE = 4690
SETTLE_SECONDS = 120
SEND_SECONDS = 120
# what is retained in AWS is retained here
CONTEXT = {"destroyable": "false", "firstDeployment": "true"}
BACKED_UP = ("TableName", "LinksTable")
BEFORE = ("orders-create.json", "targeted-offers/customer-joined-segment.json")
# after the recovery point
AFTER = ("orders-paid.json",)


class Drill:
    def __init__(self) -> None:
        self.stack = LocalStack("drill", PORT_BASE, context=CONTEXT)
        self.begun = time.monotonic()

    def run(self) -> None:
        self.stack.up()
        try:
            self.rehearse()
        finally:
            self.stack.down()

    def rehearse(self) -> None:
        self.send(*BEFORE)
        backup = Backup(self.data)
        self.say(f"recovery point: {backup}")
        self.send(*AFTER)
        self.erase(self.customer())
        before = Picture(self.data)
        self.say(f"before the loss: {before}")
        self.lose()
        lost = time.monotonic()
        outputs = backup.restore(self.stack.outputs())
        self.adopt(outputs, before.customer_key)
        # before anybody works with what was restored
        erased = json.loads(self.stack.invoke("privacy", {"reapply": SHOP}))
        after = Picture(self.data)
        self.say(f"after the restore: {after}")
        self.compare(backup, before, after)
        self.expect("erasures that were done again", erased, {"requests": 1})
        self.work_again(before)
        self.say(f"restored within {time.monotonic() - lost:.0f} s, after {time.monotonic() - self.begun:.0f} s")

    @property
    def data(self) -> Data:
        return Data(self.stack.emulator(), self.stack.outputs(), self.stack)

    def send(self, *samples: str) -> None:
        files = [str((SAMPLES / name).relative_to(install.ROOT)) for name in samples]
        command = [str(install.require_binary("ctl")), "send", *files]
        environment = self.stack.environment()
        done = subprocess.run(command, cwd=install.ROOT, env=environment, timeout=SEND_SECONDS, check=False)
        if done.returncode != 0:
            raise Failure(f"sending {', '.join(samples)}: exit code {done.returncode}")
        self.settle()

    def settle(self) -> None:
        """Until nothing is on its way but what an erasure has put off: it is done a second time, an hour later."""
        progress = Progress(self.stack.emulator(), self.stack.outputs())
        self.wait("settled", lambda: set(progress.waiting()) <= {"Privacy"})

    def wait(self, what: str, until: Callable[[], bool]) -> None:
        end = time.monotonic() + SETTLE_SECONDS
        while not until():
            if time.monotonic() > end:
                raise Failure(f"not {what} within {SETTLE_SECONDS} s")
            time.sleep(0.5)

    def customer(self) -> str:
        event = json.loads((SAMPLES / BEFORE[1]).read_text())
        gid: str = event["detail"]["payload"]["customer_id"]
        return gid

    def erase(self, customer: str) -> None:
        """As Shopify's topic comes through the function that takes it."""
        request = {"v": 1, "shop": SHOP, "topic": "customers/redact", "request": "0" * 32}
        body = {**request, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "customer": customer}
        message = {"QueueUrl": self.stack.outputs()["QueueUrlPrivacy"], "MessageBody": json.dumps(body)}
        self.stack.emulator().call("sqs", "AmazonSQS.SendMessage", message)
        done = f"privacy/requests/{SHOP}/{request['request']}.json"
        self.wait("erased", lambda: done in Picture(self.data).operations)

    def lose(self) -> None:
        """Both stacks, and the contents of everything that is backed up."""
        self.stack.destroy()
        data = self.data
        for output in BACKED_UP:
            data.delete_table(output)
        data.empty("OperationsBucket")

    def adopt(self, outputs: Mapping[str, str], customer_key: str) -> None:
        self.stack.adopt(outputs, self.stack.directory / "cdk.out")
        self.stack.deploy_again()
        # the emulator imports no secret, and makes those anew that AWS adopts
        self.stack.emulator().put_secret_text(f"{PREFIX}/customer-key", customer_key)

    def compare(self, backup: Backup, before: Picture, after: Picture) -> None:
        self.expect("the archive", after.archive, before.archive)
        self.expect("the operations bucket", after.operations, {**after.operations, **backup.operations})
        self.expect("the key of the pseudonyms", after.customer_key == before.customer_key, True)
        self.expect("communications", set(after.ledger), set(backup.communications))
        self.expect("secrets of who was erased", after.secrets, before.secrets)
        for id, (state, customer) in after.ledger.items():
            self.expect(f"the state of {id}", state, before.ledger[id][0])
            self.expect(f"whether {id} still names its customer", bool(customer), bool(before.ledger[id][1]))
        # they are in the archive and not in the ledger: whoever lets events in would send them again
        forgotten = sorted(set(before.ledger) - set(after.ledger))
        records = (name.rpartition("@")[0] for name in after.archive)
        known = {key.split("/")[-2] for key in records if key.endswith("/record.json")}
        self.expect("what the ledger has forgotten", sorted(known - set(after.ledger)), forgotten)
        self.say(f"forgotten since the recovery point, and found in the archive: {len(forgotten)}")

    def work_again(self, before: Picture) -> None:
        sealed = json.loads(self.stack.invoke("archive-seal"))
        self.expect("shops whose evidence is not intact", sealed["failed_shops"], 0)
        # what the recovery point has is not sent again, whichever way it comes
        self.send(*BEFORE)
        after = Picture(self.data)
        self.expect("what was sent", after.sent, before.sent)

    def expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            raise Failure(f"{what}: expected {wanted}, found {found}")

    def say(self, text: str) -> None:
        print(f"\n── {text}", flush=True)


class Data:
    """What a deployment keeps, as it is in the emulator."""

    def __init__(self, emulator: Emulator, outputs: Mapping[str, str], stack: LocalStack) -> None:
        self.emulator, self.outputs, self.stack = emulator, outputs, stack

    def items(self, output: str) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"TableName": self.outputs[output]}
        found = []
        while True:
            page = self.emulator.call("dynamodb", "DynamoDB_20120810.Scan", body)
            found += page.get("Items", [])
            if not page.get("LastEvaluatedKey"):
                return found
            body["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def table(self, output: str) -> dict[str, Any]:
        """What is needed to make such a table."""
        name = {"TableName": self.outputs[output]}
        found = self.emulator.call("dynamodb", "DynamoDB_20120810.DescribeTable", name)["Table"]
        made = {key: found[key] for key in ("AttributeDefinitions", "KeySchema")}
        indexes = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in found.get("GlobalSecondaryIndexes", [])
        ]
        stream = {"StreamSpecification": found["StreamSpecification"]} if found.get("StreamSpecification") else {}
        return {**made, **stream, **({"GlobalSecondaryIndexes": indexes} if indexes else {})}

    def delete_table(self, output: str) -> None:
        self.emulator.call("dynamodb", "DynamoDB_20120810.DeleteTable", {"TableName": self.outputs[output]})

    def objects(self, output: str) -> dict[str, bytes]:
        """Every version of every object, by `<key>` and version."""
        bucket = self.outputs[output]
        root = ElementTree.fromstring(self.emulator.request("GET", "s3", f"/{bucket}?versions"))
        space = root.tag.partition("}")[0] + "}"
        if root.findtext(f"{space}IsTruncated") == "true":
            raise Failure(f"{bucket} has more objects than a drill looks at")
        found = {}
        for version in root.iter(f"{space}Version"):
            key, number = version.findtext(f"{space}Key"), version.findtext(f"{space}VersionId")
            path = f"/{bucket}/{key}?versionId={number}"
            found[f"{key}@{number}"] = self.emulator.request("GET", "s3", path)
        return found

    def empty(self, output: str) -> None:
        for name in self.objects(output):
            key, _, number = name.rpartition("@")
            self.emulator.request("DELETE", "s3", f"/{self.outputs[output]}/{key}?versionId={number}")


class Backup:
    """A recovery point: the tables and the operations bucket, as the plan of AWS Backup names them."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.tables = {output: (data.table(output), data.items(output)) for output in BACKED_UP}
        self.contents = data.objects("OperationsBucket")
        self.operations = {name.rpartition("@")[0]: digest(body) for name, body in self.contents.items()}

    @property
    def communications(self) -> list[str]:
        return [item["pk"]["S"] for item in self.tables["TableName"][1] if "flow" in item]

    def restore(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """AWS Backup restores a table under another name. Answers the outputs with the names of what was restored."""
        restored = dict(outputs)
        for output, (table, items) in self.tables.items():
            name = restored[output] = f"restored-{output.lower()}"
            made = {**table, "TableName": name, "BillingMode": "PAY_PER_REQUEST"}
            self.data.emulator.call("dynamodb", "DynamoDB_20120810.CreateTable", made)
            for item in items:
                put = {"TableName": name, "Item": item}
                self.data.emulator.call("dynamodb", "DynamoDB_20120810.PutItem", put)
        for name, body in self.contents.items():
            key = name.rpartition("@")[0]
            self.data.emulator.request("PUT", "s3", f"/{outputs['OperationsBucket']}/{key}", body)
        return restored

    def __str__(self) -> str:
        rows = sum(len(items) for _, items in self.tables.values())
        return f"{rows} items, {len(self.contents)} objects"


class Picture:
    """What there is: to be compared with what there was."""

    def __init__(self, data: Data) -> None:
        self.archive = {name: digest(body) for name, body in data.objects("ArchiveBucket").items()}
        contents = data.objects("OperationsBucket")
        self.operations = {name.rpartition("@")[0]: digest(body) for name, body in contents.items()}
        ledger = [item for item in data.items("TableName") if "flow" in item]
        self.ledger = {it["pk"]["S"]: (it["state"]["S"], it.get("customer", {}).get("S")) for it in ledger}
        secrets = [item["pk"]["S"] for item in data.items("CommitmentsTable")]
        self.secrets = sorted(name for name in secrets if "#erasable#" in name)
        self.customer_key = data.emulator.secret_text(f"{PREFIX}/customer-key")
        self.sent = len(data.stack.ask_stub("exstream", "emails")["emails"])

    def __str__(self) -> str:
        counts = f"{len(self.archive)} archived objects, {len(self.ledger)} communications"
        return f"{counts}, {len(self.secrets)} secrets of erasable documents, {self.sent} e-mails"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
