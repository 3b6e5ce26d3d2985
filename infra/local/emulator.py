"""The few requests that a local stack's own tools need, without an SDK.

The emulator reads the region and the account out of the credential scope and checks no signature, so its
requests carry the scope alone. Never to be pointed at AWS.
"""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse
from typing import Any
from xml.etree import ElementTree

from processes import Failure

SECONDS = 10
# as long as a function may take
INVOKE_SECONDS = 900


class Emulator:
    def __init__(self, endpoint: str, region: str, access_key: str) -> None:
        self.endpoint, self.region, self.access_key = endpoint, region, access_key

    def put_secret(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value)
        if not self._json("secretsmanager", "CreateSecret", {"Name": name, "SecretString": text}, 400):
            self._json("secretsmanager", "PutSecretValue", {"SecretId": name, "SecretString": text})

    def lock_objects(self, bucket: str, mode: str, days: int) -> None:
        """Turns Object Lock on, with a default retention: CloudFormation of the emulator leaves it out."""
        body = (
            '<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            f"<Rule><DefaultRetention><Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention></Rule>"
            "</ObjectLockConfiguration>"
        )
        url = f"{self.endpoint}/{bucket}?object-lock"
        send("PUT", url, body.encode(), {"Authorization": self._scope("s3")})

    def secret_text(self, name: str) -> str:
        found = self.call("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": name})
        text: str = found["SecretString"]
        return text

    def put_secret_text(self, name: str, text: str) -> None:
        self._json("secretsmanager", "PutSecretValue", {"SecretId": name, "SecretString": text})

    def invoke(self, function: str, payload: Mapping[str, Any] | None = None) -> str:
        """What a function answers to an event; to an empty one, as a schedule would send it, where none is given."""
        url = f"{self.endpoint}/2015-03-31/functions/{function}/invocations"
        headers = {"Authorization": self._scope("lambda"), "Content-Type": "application/json"}
        with _open("POST", url, json.dumps(payload or {}).encode(), headers, INVOKE_SECONDS) as response:
            answer: str = response.read().decode()
            if response.headers.get("X-Amz-Function-Error"):
                raise Failure(f"{function} failed: {answer}")
        return answer

    def items(self, table: str, *attributes: str) -> Iterator[dict[str, str]]:
        """Texts and numbers of every item. Reads the whole table: for a local one."""
        names = {f"#{index}": name for index, name in enumerate(attributes)}
        body: dict[str, Any] = {
            "TableName": table,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
        }
        while True:
            page = self.call("dynamodb", "DynamoDB_20120810.Scan", body)
            for item in page.get("Items", []):
                yield {name: str(text) for name, value in item.items() for text in value.values()}
            if not page.get("LastEvaluatedKey"):
                return
            body["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def waiting(self, queue_url: str) -> int:
        """Messages in a queue, whether they can be received, are being worked on or wait for their time."""
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        body = {"QueueUrl": queue_url, "AttributeNames": names}
        attributes = self.call("sqs", "AmazonSQS.GetQueueAttributes", body).get("Attributes", {})
        return sum(int(attributes.get(name, 0)) for name in names)

    def request(self, method: str, service: str, path: str, body: bytes = b"") -> bytes:
        """What the service answers to a request that is no JSON call."""
        url = self.endpoint + path
        with _open(method, url, body, {"Authorization": self._scope(service)}) as response:
            answer: bytes = response.read()
            return answer

    def names(self, stack: str) -> dict[str, str]:
        """The physical names of a stack's resources, by their logical ids."""
        form = {"Action": "DescribeStackResources", "StackName": stack, "Version": "2010-05-15"}
        headers = {
            "Authorization": self._scope("cloudformation"),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urllib.parse.urlencode(form).encode()
        with _open("POST", self.endpoint, body, headers) as response:
            root = ElementTree.parse(response).getroot()
        found = {}
        for member in root.iter():
            texts = {child.tag.rpartition("}")[2]: child.text or "" for child in member}
            if "LogicalResourceId" in texts:
                found[texts["LogicalResourceId"]] = texts.get("PhysicalResourceId", "")
        return found

    def _json(self, service: str, action: str, body: dict[str, Any], refusal: int | None = None) -> bool:
        headers = self._headers(service, f"{service}.{action}")
        return send("POST", self.endpoint, json.dumps(body).encode(), headers, refusal)

    def call(self, service: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a service that speaks JSON answers."""
        headers = self._headers(service, target)
        with _open("POST", self.endpoint, json.dumps(body).encode(), headers) as response:
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
            return answer

    def _headers(self, service: str, target: str) -> dict[str, str]:
        return {
            "Authorization": self._scope(service),
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": target,
        }

    def _scope(self, service: str) -> str:
        scope = f"{self.access_key}/20260101/{self.region}/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"


def send(method: str, url: str, body: bytes, headers: dict[str, str], refusal: int | None = None) -> bool:
    """Whether the server did it; `refusal` is the status with which it may say no."""
    try:
        with _open(method, url, body, headers):
            return True
    except Refused as error:
        if error.status == refusal:
            return False
        raise


def fetch(url: str, headers: dict[str, str]) -> dict[str, Any]:
    """The JSON at an address."""
    with _open("GET", url, None, headers) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


class Refused(Failure):
    def __init__(self, what: str, status: int) -> None:
        super().__init__(what)
        self.status = status


@contextlib.contextmanager
def _open(
    method: str, url: str, body: bytes | None, headers: dict[str, str], seconds: float = SECONDS
) -> Iterator[HTTPResponse]:
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            yield response
    except urllib.error.HTTPError as error:
        reason = error.read(500).decode(errors="replace")
        raise Refused(f"{method} {url}: HTTP {error.code} {reason}", error.code) from None
    except OSError as error:
        raise Failure(f"{method} {url}: {error}") from None
