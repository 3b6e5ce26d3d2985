"""The few requests that setting a local stack up needs, without an SDK.

The emulator reads the region and the account out of the credential scope and checks no signature, so its
requests carry the scope alone. Never to be pointed at AWS.
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

    def _json(self, service: str, action: str, body: dict[str, Any], refusal: int | None = None) -> bool:
        headers = {
            "Authorization": self._scope(service),
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{service}.{action}",
        }
        return send("POST", self.endpoint, json.dumps(body).encode(), headers, refusal)

    def _scope(self, service: str) -> str:
        scope = f"{self.access_key}/20260101/{self.region}/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"


def send(method: str, url: str, body: bytes, headers: dict[str, str], refusal: int | None = None) -> bool:
    """Whether the server did it; `refusal` is the status with which it may say no."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return True
    except urllib.error.HTTPError as error:
        if error.code == refusal:
            return False
        raise Failure(
            f"{method} {url}: HTTP {error.code} {error.read(500).decode(errors='replace')}"
        ) from None
    except OSError as error:
        raise Failure(f"{method} {url}: {error}") from None
