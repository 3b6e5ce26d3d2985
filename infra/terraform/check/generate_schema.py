"""Writes `aws-schema.json`: the schema of those resources of the AWS provider that the module uses.

The provider itself is not needed. Its bindings for TypeScript are generated from its schema and carry all
that is checked here: names, types, what is required, what is a block. They come from npm at the version
below, whose hash is checked. Run it again when the module uses another type of resource, or when the pinned
version of the provider changes:

    python3 -B infra/terraform/check/generate_schema.py
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

PACKAGE = "@cdktn/provider-aws"
VERSION = "25.7.0"
INTEGRITY = "sha512-E/nhu0yVZE4mXMgIPuI8tEFt1BExLkA7ARjihdG+/HmfDfzLr+OEF3dkFRvI6glRt30lrrBWQLwXqCJBxcmyUg=="
PROVIDER = "6.66.0"
SCHEMA = Path(__file__).with_name("aws-schema.json")

RESOURCES = [
    "aws_apigatewayv2_api",
    "aws_apigatewayv2_api_mapping",
    "aws_apigatewayv2_domain_name",
    "aws_apigatewayv2_integration",
    "aws_apigatewayv2_route",
    "aws_apigatewayv2_stage",
    "aws_cloudfront_distribution",
    "aws_cloudwatch_composite_alarm",
    "aws_cloudwatch_event_bus",
    "aws_cloudwatch_event_rule",
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_query_definition",
    "aws_dynamodb_table",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_kms_key",
    "aws_lambda_alias",
    "aws_lambda_event_source_mapping",
    "aws_lambda_function",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_permission",
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_object_lock_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_scheduler_schedule",
    "aws_scheduler_schedule_group",
    "aws_secretsmanager_secret",
    "aws_secretsmanager_secret_version",
    "aws_sqs_queue",
    "aws_sqs_queue_policy",
]
DATA = ["aws_caller_identity", "aws_partition", "aws_region"]
EPHEMERAL = ["aws_secretsmanager_random_password"]
# of a type in the bindings to one of Terraform
TYPES: dict[str, Any] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringList": "string",
    "numberList": "number",
    "stringMap": ["map", "string"],
    "numberMap": ["map", "number"],
    "booleanMap": ["map", "bool"],
}
GETTERS: dict[str, Any] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
}


class Bindings:
    """One file of the bindings: a resource and what is nested in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.classes = dict(re.findall(r"^class (\w+) extends cdktn\.\w+ \{\n(.*?)^\}", text, re.M | re.S))
        self.structs: dict[str, str] = {}
        for function in re.split(r"^function ", text, flags=re.M)[1:]:
            head = re.match(r"(\w+)ToHclTerraform\(", function)
            table = re.search(r"^    const attrs = \{(.*?)^    \};", function, re.M | re.S)
            if head is not None:
                self.structs[head.group(1)] = table.group(1).removeprefix("\n") if table else ""

    def block(self, name: str, written: str) -> dict[str, Any]:
        """The schema of a class: `written` is its table of what may be configured."""
        return self._body(self.classes[name], written)

    def main(self) -> dict[str, Any]:
        _name, body = next(
            (n, b) for n, b in self.classes.items() if "tfResourceType" in b or "synthesizeHclAttributes" in b
        )
        found = re.search(
            r"synthesizeHclAttributes\(\) \{\n        const attrs = \{\n(.*?)^        \};", body, re.M | re.S
        )
        return self._body(body, found.group(1) if found else "")

    def _body(self, body: str, written: str) -> dict[str, Any]:
        rows = {
            name: {"value": value, "block": block == "true", "type": kind, "storage": storage}
            for name, value, block, kind, storage in re.findall(
                r"^ +(\w+): \{\n +value: (.*?),\n +isBlock: (\w+),\n"
                r" +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",\n",
                written,
                re.M | re.S,
            )
        }
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        members = re.split(r"^    // (?=\w+ - computed: )", body, flags=re.M)[1:]
        for member in members:
            head = re.match(r"(\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n", member)
            assert head is not None, member
            name = head.group(1)
            flags = dict(
                zip(
                    ("computed", "optional", "required"),
                    (flag == "true" for flag in head.groups()[1:]),
                    strict=False,
                )
            )
            row = rows.pop(name, None)
            if row is not None and row["block"]:
                blocks[name] = self._nested(row, flags["required"])
                continue
            attribute: dict[str, Any] = {
                "type": self._type(member) if row is None else self._written_type(row)
            }
            attribute.update({flag: True for flag, holds in flags.items() if holds})
            if row is not None and "markWriteOnlyAttribute" in row["value"]:
                attribute["write_only"] = True
            attributes[name] = attribute
        if rows:
            raise ValueError(f"rows without a member: {sorted(rows)}")
        return {key: value for key, value in (("attributes", attributes), ("blocks", blocks)) if value}

    def _nested(self, row: dict[str, Any], required: bool) -> dict[str, Any]:
        functions = re.findall(r"(\w+)ToHclTerraform", row["value"])
        struct = functions[-1]
        table = self.structs[struct]
        reference = next(n for n in self.classes if n.lower() == f"{struct}OutputReference".lower())
        many = "listMapperHcl" in row["value"]
        nested: dict[str, Any] = {"nesting": "single" if row["type"] == "struct" else row["type"]}
        if required:
            nested["min"] = 1
        if not many and nested["nesting"] != "single":
            nested["max"] = 1
        nested.update(self.block(reference, table))
        return nested

    def _written_type(self, row: dict[str, Any]) -> Any:
        if row["storage"] in TYPES:
            plain = TYPES[row["storage"]]
            return [row["type"], plain] if row["type"] in ("list", "set") else plain
        # an attribute of nested objects: what is in it is not checked
        return "dynamic"

    def _type(self, member: str) -> Any:
        for getter, kind in GETTERS.items():
            if f".{getter}(" in member:
                if "Fn.tolist(" in member and kind[0] == "list":
                    return ["set", kind[1]]
                return kind
        if "StringMap(" in member:
            return ["map", "string"]
        # an object that the provider computes
        return "dynamic"


def excerpt(package: tarfile.TarFile) -> dict[str, Any]:
    def read(folder: str) -> dict[str, Any]:
        member = package.extractfile(f"package/lib/{folder}/index.js")
        assert member is not None, folder
        text = member.read().decode().split("//# sourceMappingURL=")[0]
        return Bindings(text).main()

    def folder(name: str) -> str:
        return name.removeprefix("aws_").replace("_", "-")

    readme = package.extractfile("package/README.md")
    assert readme is not None
    if f"hashicorp/aws provider version {PROVIDER}" not in readme.read().decode():
        raise ValueError(f"{PACKAGE} {VERSION} is not made from version {PROVIDER} of the provider")
    return {
        "origin": f"npm {PACKAGE} {VERSION}, {INTEGRITY}; written by generate_schema.py",
        "provider": {"source": "hashicorp/aws", "version": PROVIDER},
        "resource": {name: read(folder(name)) for name in sorted(RESOURCES)},
        "data": {name: read(f"data-aws-{folder(name)}") for name in sorted(DATA)},
        "ephemeral": {name: read(f"ephemeral-aws-{folder(name)}") for name in sorted(EPHEMERAL)},
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        name = subprocess.run(
            command, cwd=scratch, check=True, capture_output=True, text=True, timeout=300
        ).stdout.strip()
        path = Path(scratch) / name
        found = "sha512-" + b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        if found != INTEGRITY:
            print(f"{PACKAGE} {VERSION} has the hash {found}, expected {INTEGRITY}", file=sys.stderr)
            return 1
        with tarfile.open(path) as package:
            SCHEMA.write_text(render(excerpt(package)))
    return 0


def render(schema: dict[str, Any]) -> str:
    """A line for each attribute, so that what another version changes can be read."""
    text = json.dumps(schema, indent=1)
    return (
        re.sub(
            r"\{\s+(\"type\": [^{}]*?)\s+\}",
            lambda found: "{ " + " ".join(found.group(1).split()) + " }",
            text,
        )
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
