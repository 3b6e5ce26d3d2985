"""What the roles of a deployed template may do: its policies with every reference resolved, and their evaluation.

Only what the template uses is understood. An operator, an intrinsic function or an element beyond that stops the
evaluation: a permission that is not understood must not count as checked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from processes import Failure

PARTITION = "aws"


@dataclass(frozen=True)
class Request:
    """One permission that a call needs."""

    action: str
    resource: str
    # the condition keys that AWS gives this request, in lower case; a key that is not here is absent
    context: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        keys = "".join(f" {key}={value}" for key, value in sorted(self.context.items()) if key != SECURE)
        return f"{self.action} {self.resource}{keys}"


SECURE = "aws:securetransport"


@dataclass(frozen=True)
class Statement:
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def covers(self, request: Request) -> bool:
        return (
            any(like(action, request.action, fold=True) for action in self.actions)
            and any(like(resource, request.resource) for resource in self.resources)
            and self.holds(request.context)
        )

    def holds(self, context: Mapping[str, str]) -> bool:
        return all(
            condition(operator, context.get(key.lower()), listed(values))
            for operator, keys in self.conditions.items()
            for key, values in keys.items()
        )


class Template:
    """A synthesized template with the names that its deployment gave."""

    def __init__(
        self, template: Mapping[str, Any], names: Mapping[str, str], region: str, account: str
    ) -> None:
        self.resources: dict[str, dict[str, Any]] = template["Resources"]
        self.names, self.region, self.account = names, region, account

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for logical, resource in self.resources.items():
            if resource["Type"] == kind:
                yield logical, resource.get("Properties", {})

    def resolve(self, value: Any) -> str:
        match value:
            case str():
                return value
            case {"Ref": "AWS::Partition"}:
                return PARTITION
            case {"Ref": "AWS::Region"}:
                return self.region
            case {"Ref": "AWS::AccountId"}:
                return self.account
            case {"Ref": str(logical)} if logical in self.resources:
                is_secret = self.resources[logical]["Type"] == "AWS::SecretsManager::Secret"
                return self.secret(self.names[logical]) if is_secret else self.names[logical]
            case {"Fn::GetAtt": [str(logical), "Arn"]} if logical in self.resources:
                return self.arn(logical)
            case {"Fn::GetAtt": [str(logical), "StreamArn"]} if logical in self.resources:
                return f"{self.arn(logical)}/stream/*"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(map(self.resolve, parts))
        raise Failure(f"the template says {value}, which this check does not understand")

    def secret(self, name: str) -> str:
        """The ARN of a secret by its name or its ARN, without the six characters that AWS adds to each name."""
        if name.startswith("arn:"):
            name = re.sub(r"-\w{6}$", "", name.rpartition(":secret:")[2])
        return f"arn:{PARTITION}:secretsmanager:{self.region}:{self.account}:secret:{name}-??????"

    def arn(self, logical: str) -> str:
        kind, name = self.resources[logical]["Type"], self.names[logical]
        here = f"{self.region}:{self.account}"
        match kind:
            case "AWS::S3::Bucket":
                return f"arn:{PARTITION}:s3:::{name}"
            case "AWS::DynamoDB::Table":
                return f"arn:{PARTITION}:dynamodb:{here}:table/{name}"
            case "AWS::SQS::Queue":
                return f"arn:{PARTITION}:sqs:{here}:{name.rpartition('/')[2]}"
            case "AWS::KMS::Key":
                return f"arn:{PARTITION}:kms:{here}:key/{name}"
            case "AWS::Lambda::Function":
                return f"arn:{PARTITION}:lambda:{here}:function:{name}"
            case "AWS::Logs::LogGroup":
                return f"arn:{PARTITION}:logs:{here}:log-group:{name}:*"
            case "AWS::IAM::Role":
                return f"arn:{PARTITION}:iam::{self.account}:role/{name}"
            case "AWS::Events::EventBus":
                return f"arn:{PARTITION}:events:{here}:event-bus/{name}"
        raise Failure(f"{logical}: this check does not know the ARN of a resource of type {kind}")

    def policy_of(self, role: str) -> list[Statement]:
        """All that a role may do: policies beyond its inline ones are refused here."""
        properties = self.resources[role]["Properties"]
        if properties.get("ManagedPolicyArns"):
            raise Failure(f"{role} has managed policies, which this check does not read")
        for logical, attached in [
            *self.of_type("AWS::IAM::Policy"),
            *self.of_type("AWS::IAM::ManagedPolicy"),
        ]:
            if {"Ref": role} in attached.get("Roles", []):
                raise Failure(f"{logical} adds to {role}: give a role its permissions inline")
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        return [self._statement(it) for document in documents for it in document["Statement"]]

    def denials(self) -> list[Statement]:
        """What the buckets' own policies forbid everybody."""
        documents = [bucket["PolicyDocument"] for _, bucket in self.of_type("AWS::S3::BucketPolicy")]
        statements = [it for document in documents for it in document["Statement"]]
        return [
            self._statement(it)
            for it in statements
            if it["Effect"] == "Deny" and it["Principal"] in ("*", {"AWS": "*"})
        ]

    def _statement(self, statement: Mapping[str, Any]) -> Statement:
        for element in ("NotAction", "NotResource", "NotPrincipal"):
            if element in statement:
                raise Failure(f"{element} in a policy: this check does not understand it")
        resources = map(self.resolve, listed(statement["Resource"]))
        conditions = {
            operator: {key: [self.resolve(it) for it in listed(values)] for key, values in keys.items()}
            for operator, keys in statement.get("Condition", {}).items()
        }
        return Statement(
            statement["Effect"], tuple(listed(statement["Action"])), tuple(resources), conditions
        )


def allowed(request: Request, policy: Iterable[Statement], denials: Iterable[Statement] = ()) -> bool:
    """IAM's rule within an account: a Deny wins, and without an Allow there is nothing."""
    statements = [statement for statement in (*policy, *denials) if statement.covers(request)]
    effects = {statement.effect for statement in statements}
    return "Deny" not in effects and "Allow" in effects


# how each operator compares a key's value with one of the wanted
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": lambda value, wanted: like(wanted, value),
    "ArnEquals": lambda value, wanted: like(wanted, value),
    "ArnLike": lambda value, wanted: like(wanted, value),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
}


def condition(operator: str, value: str | None, wanted: list[str]) -> bool:
    """Whether a condition holds for the one value of a key, which may be absent."""
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if operator.startswith("ForAllValues:"):
        # of a key without values, all have any property; the recording has no values of DynamoDB's keys
        return value is None or condition(operator.partition(":")[2], value, wanted)
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    compare = OPERATORS.get(name.replace("Not", ""))
    if compare is None:
        raise Failure(f"the condition operator {operator} is not understood")
    if value is None:
        # with `IfExists`, and for a negation, an absent key is no obstacle
        return name != operator or negated
    return any(compare(value, it) for it in wanted) != negated


def like(pattern: str, text: str, *, fold: bool = False) -> bool:
    """IAM's wildcards: `*` for any characters, `?` for one."""
    return _compiled(pattern, fold).fullmatch(text) is not None


@functools.cache
def _compiled(pattern: str, fold: bool) -> re.Pattern[str]:
    parts = (
        ".*" if it == "*" else "." if it == "?" else re.escape(it) for it in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if fold else 0))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
