"""Whether the module and the CDK app deploy the same: resource by resource, property by property, right by
right.

What differs is a line that names the resource and the property. `EXPECTED` has what must differ, with the
reason; one that nothing needs any more is a difference, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import convert
import convert_http
import convert_storage
from evaluate import Module
from policies import rights
from template import Template, canonical

CONVERTERS = {**convert.CONVERTERS, **convert_http.CONVERTERS, **convert_storage.CONVERTERS}
# what in CloudFormation is a list or a text, but whose order or spelling means nothing
POLICIES = {"AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument"}
JSON = {"EventPattern", "Format", "Pattern"}
BY_NAME = {
    "AttributeDefinitions": "AttributeName",
    "GlobalSecondaryIndexes": "IndexName",
    "Metrics": "Id",
    "Rules": "Id",
}
UNORDERED = {"AllowedMethods", "LogGroupNames", "NonKeyAttributes", "Queues"}


@dataclass(frozen=True)
class Expected:
    """A property that differs, and has to."""

    type: str
    property: str
    reason: str


EXPECTED = (
    Expected(
        "AWS::Lambda::Version",
        "DeletionPolicy",
        "Terraform deletes no earlier version either: it is not a resource of Terraform's.",
    ),
    Expected(
        "AWS::Lambda::Function",
        "Code",
        "CDK uploads a package to the bucket of its bootstrap; Terraform uploads it to Lambda.",
    ),
    Expected(
        "AWS::DynamoDB::Table",
        "TableName",
        "CloudFormation makes a name up; Terraform would need a replacement to do so, and a table cannot be replaced.",
    ),
    Expected(
        "AWS::DynamoDB::Table",
        r"SSESpecification\.SSEType",
        "There is one type; Terraform's provider says it by itself.",
    ),
    Expected("AWS::S3::Bucket", "BucketName", "Both make a name up; Terraform is told how it begins."),
    Expected("AWS::IAM::Role", "RoleName", "Both make a name up; Terraform is told how it begins."),
    Expected(
        "AWS::KMS::Key",
        "PendingWindowInDays",
        "30 days, which CloudFormation has where nothing is said; checkov asks Terraform to say it.",
    ),
    Expected(
        "AWS::SecretsManager::Secret",
        "RecoveryWindowInDays",
        "CloudFormation has no such property: a secret that it deletes is kept for 30 days.",
    ),
    Expected(
        "AWS::ApiGatewayV2::Stage",
        r"AccessLogSettings\.DestinationArn",
        "CloudFormation's ARN of a log group ends in `:*`; API Gateway takes it without, as Terraform has it.",
    ),
    Expected(
        "AWS::CloudFront::Distribution",
        r"DistributionConfig\.(Origins\[0\]\.Id|DefaultCacheBehavior\.TargetOriginId)",
        "A name within the distribution, which CDK makes up.",
    ),
)


# resources that only the CDK app has, by type and beginning of their logical id
ONLY_CDK = (
    Expected(
        "AWS::CodeDeploy::(Application|DeploymentGroup)",
        "RollOut",
        "CloudFormation starts CodeDeploy when an alias changes, and waits for it; Terraform moves the alias itself.",
    ),
    Expected("AWS::IAM::Role", "RollOutRole", "What CodeDeploy acts as."),
    Expected(
        "AWS::CloudWatch::Dashboard",
        "Dashboard",
        "Not in the module yet: its widgets are made from the alarms by code of the CDK app.",
    ),
)


def differences(template: Template, expected: set[Expected]) -> list[str]:
    """What differs. Whatever was expected and found is added to `expected`."""
    found: list[str] = []
    compared: set[str] = set()
    module = template.module
    for logical_id, resource in template.resources.items():
        kind, address = resource["Type"], template.address(logical_id)
        only = next(
            (e for e in ONLY_CDK if re.fullmatch(e.type, kind) and logical_id.startswith(e.property)), None
        )
        if only is not None:
            expected.add(only)
            continue
        if address not in template.instances:
            found.append(f"{logical_id} ({kind}): only in the CDK app, not in Terraform as {address}")
            continue
        if kind not in CONVERTERS:
            found.append(f"{logical_id} ({kind}): it is not known how to compare it")
            continue
        parts = convert.Parts(module, address)
        theirs = normal(kind, canonical(template.resolve(resource.get("Properties", {}))))
        ours = normal(kind, CONVERTERS[kind](parts))
        compared |= set(parts.readers)
        unlikes = unlike("", theirs, ours)
        stays = resource.get("DeletionPolicy", "Delete").startswith("Retain")
        if stays != parts.instance().keeps():
            unlikes.append(("DeletionPolicy", f"{'kept' if stays else 'deleted'} by the CDK app only"))
        for path, line in unlikes:
            known = next(
                (one for one in EXPECTED if one.type == kind and re.fullmatch(one.property, path)), None
            )
            if known is None:
                found.append(f"{address} ({logical_id}): {path}: {line}")
            else:
                expected.add(known)
        for place, reader in parts.readers.items():
            found += [
                f"{place} ({logical_id}): `{name}` is only in Terraform, and not compared"
                for name in reader.left()
            ]
    found += [f"{address}: only in Terraform" for address in sorted(set(template.instances) - compared)]
    return found + different_outputs(template)


def different_outputs(template: Template) -> list[str]:
    theirs = {name: template.resolve(output["Value"]) for name, output in template.json["Outputs"].items()}
    ours = canonical(template.module.outputs()["stack"][template.prefix])
    return [f"output {path}: {line}" for path, line in unlike("", canonical(theirs), ours)]


def normal(kind: str, value: Any, name: str = "") -> Any:
    """The same value, whichever way it was written."""
    if name in POLICIES:
        return dict.fromkeys(rights(value), True)
    if name == "AlarmRule":
        inner = value[1:-1] if value.startswith("(") else value
        return dict.fromkeys(inner.split(" OR "), True)
    if name in JSON and isinstance(value, str):
        return json.loads(value)
    if name == "Dimensions" and isinstance(value, list):
        return {one["Name"]: one["Value"] for one in value}
    if isinstance(value, dict):
        return {key: normal(kind, item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [normal(kind, item) for item in value]
        key = BY_NAME.get(name)
        if key and all(isinstance(item, dict) and key in item for item in items):
            return {item[key]: item for item in items}
        return sorted(items) if name in UNORDERED else items
    return value


def unlike(path: str, theirs: Any, ours: Any) -> list[tuple[str, str]]:
    """Where two values differ, each place with what each side has there."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            line
            for key in sorted({*theirs, *ours})
            for line in unlike(f"{path}.{key}" if path else key, theirs.get(key), ours.get(key))
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = enumerate(zip(theirs, ours, strict=True))
        return [line for i, pair in pairs for line in unlike(f"{path}[{i}]", *pair)]
    if theirs == ours:
        return []
    return [(path, f"{_shown(theirs)} in the CDK app, {_shown(ours)} in Terraform")]


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def compare(
    folder: Path, template_file: Path, variables: dict[str, Any], expected: set[Expected]
) -> list[str]:
    """What differs between a module with these variables and a synthesized template."""
    module = Module(folder, variables)
    module.check_preconditions()
    return differences(Template(template_file, module), expected)
