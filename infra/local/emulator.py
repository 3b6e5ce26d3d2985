"""The few requests that setting a local stack up needs, without an SDK.

The emulator reads the region and the account out of the credential scope and checks no signature, so requests
carry the scope alone. Never to be pointed at AWS.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from processes import Failure

SECONDS = 10


class Emulator:
    def __init__(self, endpoint: str, region: str, access_key: str) -> None:
        self.endpoint, self.region, self.access_key = endpoint, region, access_key

    def put_secret(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value)
        try:
            self._json("secretsmanager", "CreateSecret", {"Name": name, "SecretString": text})
        except urllib.error.HTTPError as error:
            if b"ResourceExistsException" not in error.read():
                raise Failure(f"creating the secret {name}: HTTP {error.code}") from error
            self._json("secretsmanager", "PutSecretValue", {"SecretId": name, "SecretString": text})

    def lock_objects(self, bucket: str, mode: str, days: int) -> None:
        """Turns Object Lock on, with a default retention: CloudFormation of the emulator leaves it out."""
        body = (
            '<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            f"<Rule><DefaultRetention><Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention></Rule>"
            "</ObjectLockConfiguration>"
        )
        self._send("s3", f"/{bucket}?object-lock", body.encode(), {}, "PUT")

    def _json(self, service: str, action: str, body: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{service}.{action}"}
        self._send(service, "/", json.dumps(body).encode(), headers, "POST")

    def _send(self, service: str, path: str, body: bytes, headers: dict[str, str], method: str) -> None:
        scope = f"{self.access_key}/20260101/{self.region}/{service}/aws4_request"
        authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
        request = urllib.request.Request(
            self.endpoint + path, body, {**headers, "Authorization": authorization}, method=method
        )
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
