"""Compares what the roles may do with what was done: every call allowed, every permission used.

Stands on the recording that a stack started with `up --record` makes. Whoever runs the check runs all tests before:
a permission that no test uses fails it, unless it stands in `EXCUSES`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calls import Calls
from iam import Request, Statement, Template, allowed, like
from install import BY_KIND

# what sets a user agent's application id, and with it the caller in the recording
APP_ID = "AWS_SDK_UA_APP_ID"


@dataclass(frozen=True)
class Excuse:
    """A permission that no test uses, and why a role has it all the same."""

    role: str
    action: str
    # the end of the resource's ARN, with IAM's wildcards
    resource: str
    reason: str


def excuses(
    roles: tuple[str, ...], permissions: tuple[tuple[str, str], ...], reason: str
) -> tuple[Excuse, ...]:
    """The same for each of these roles with each of these actions on the end of a resource's ARN."""
    return tuple(Excuse(role, action, resource, reason) for role in roles for action, resource in permissions)


FLOWS = BY_KIND["flow"]
RUNS = BY_KIND["run"]
ONE_CODE = "the flows share the code that does it, and the tests do it with another flow"
AFTER_A_REFUSAL = (
    "after a refusal only, to tell what is missing from what may not be read: shared/objects/tests/it, and `ctl run` "
    "for a shop that is not served"
)
EXPIRED = "evidence that has expired: shared/archive/tests/it/holds.rs, functions/archive-seal/tests/it/facts.rs"
PRIVACY = "the rest of Shopify's privacy topics: functions/privacy/tests/it"
OUT_OF_TIME = "a run whose time has ended sends itself the next message: tests/it of the function"

EXCUSES = (
    *excuses(
        FLOWS,
        (
            ("s3:GetObject", "/work/*"),
            # reading what an earlier attempt or an earlier issue left
            ("s3:GetObject", "*archive*"),
            ("s3:GetObjectVersion", "*archive*"),
            ("s3:ListBucket", "*archive*"),
            ("s3:GetObjectRetention", "/record.json"),
            ("s3:GetObjectLegalHold", "/record.json"),
            ("s3:ListBucketVersions", "*"),
            ("kms:Decrypt", "*"),
            ("dynamodb:DeleteItem", "*"),
            ("sqs:ChangeMessageVisibility", "*"),
            # publishing a page, and asking for the next channel
            ("dynamodb:GetItem", "*Links*"),
            ("dynamodb:PutItem", "*Links*"),
            ("dynamodb:UpdateItem", "*Links*"),
            ("secretsmanager:GetSecretValue", "/link-key-*"),
        ),
        ONE_CODE,
    ),
    *(Excuse(flow, "sqs:SendMessage", f"-{flow}", ONE_CODE) for flow in FLOWS),
    *excuses(
        ("delivery-status",),
        tuple(("sqs:SendMessage", f"-{flow}") for flow in FLOWS),
        "the next channel after a bounce: functions/delivery-status/tests/it/next_channel.rs",
    ),
    *excuses(
        (*FLOWS, "write-back", "PeopleRecords*"), (("s3:ListBucket", "*operations*"),), AFTER_A_REFUSAL
    ),
    *excuses(
        ("delivery-status", "write-back", "PeopleAuditor*", "PeopleOperator*", "PeopleRecords*"),
        (("s3:ListBucket", "*archive*"),),
        AFTER_A_REFUSAL,
    ),
    *excuses(
        (*FLOWS, "delivery-status", "write-back", "PeopleOperator*"),
        (("s3:PutObjectLegalHold", "/fact-*.json"),),
        "what is added to evidence that is held: shared/archive/tests/it/holds.rs",
    ),
    # what can be erased: only marketing is, in the tests
    *excuses(
        (*FLOWS, "archive-seal", "documents", "staff-console", "PeopleOperator*", "PeopleAuditor*"),
        (
            ("dynamodb:GetItem", "*Commitments*"),
            ("dynamodb:PutItem", "*Commitments*"),
            ("dynamodb:Query", "*Commitments*/index/by-key"),
        ),
        "opening what can be erased: shared/flow/src/tests/erasable.rs, shared/archive/tests/it",
    ),
    *excuses(
        ("privacy",),
        (
            ("dynamodb:GetItem", "*"),
            ("kms:Decrypt", "*"),
            ("kms:GenerateDataKey", "*"),
            # what waits to be printed, and what is done again: another day, after a restore
            ("s3:DeleteObject", "*"),
            ("s3:GetObject", "*"),
            ("s3:ListBucket", "*"),
            ("sqs:ChangeMessageVisibility", "*"),
            # what has expired
            ("s3:DeleteObjectVersion", "*"),
            ("s3:GetObjectRetention", "/record.json"),
            ("s3:GetObjectVersion", "/fact-*.json"),
            ("s3:ListBucketVersions", "*archive*"),
            ("s3:PutObject", "/disposal/*"),
            ("s3:PutObjectRetention", "/disposal/*"),
        ),
        PRIVACY,
    ),
    # the tests search by name and by e-mail address
    *excuses(
        ("staff-console", "PeopleOperator*", "PeopleAuditor*", "PeopleSupport*"),
        (
            ("dynamodb:Query", "*Ledger*/index/by-customer"),
            ("dynamodb:Query", "*Ledger*/index/by-email"),
            ("dynamodb:Query", "*Ledger*/index/by-undelivered"),
        ),
        "shared/ledger/tests/it/search.rs",
    ),
    *excuses(
        ("staff-console",),
        (
            ("dynamodb:UpdateItem", "*Ledger*"),
            ("kms:Decrypt", "*"),
            ("s3:GetObject", "*"),
            ("s3:GetObjectVersion", "*"),
            ("s3:ListBucket", "*"),
            ("dynamodb:GetItem", "*Links*"),
            ("s3:ListBucketVersions", "*"),
            ("s3:PutObjectLegalHold", "*"),
            ("secretsmanager:GetSecretValue", "*"),
            ("sqs:ChangeMessageVisibility", "*"),
            ("sqs:DeleteMessage", "*"),
            ("sqs:GetQueueAttributes", "*"),
            ("sqs:ReceiveMessage", "*"),
            ("sqs:SendMessage", "*"),
            ("cloudwatch:GetMetricData", "*"),
            ("lambda:InvokeFunction", "*-intake:*"),
            ("s3:PutObject", "/audit/*"),
        ),
        "functions/staff-console/tests/it",
    ),
    Excuse("archive-seal", "s3:GetObject", "/disposal/*", EXPIRED),
    *excuses(
        ("PeopleRecords*",),
        (
            ("s3:DeleteObjectVersion", "*"),
            ("s3:GetObjectVersion", "/fact-*.json"),
            ("s3:GetObject", "/disposal/*"),
            ("s3:PutObject", "/disposal/*"),
            ("s3:PutObjectRetention", "/disposal/*"),
        ),
        EXPIRED,
    ),
    Excuse(
        "PeopleRecords*",
        "secretsmanager:GetSecretValue",
        "/customer-key-*",
        "`ctl hold --customer`; the tests hold by communication, order and query",
    ),
    Excuse(
        "privacy",
        "dynamodb:UpdateItem",
        "StorageLinks*",
        "links of a customer who is erased: functions/privacy/tests/it; the tests' customers have none",
    ),
    *excuses(
        ("PeopleOperator*",),
        (
            ("lambda:InvokeFunction", "*-intake:*"),
            ("sqs:ChangeMessageVisibility", "-dlq"),
            ("sqs:DeleteMessage", "-dlq"),
            ("sqs:GetQueueAttributes", "-dlq"),
            ("sqs:ReceiveMessage", "-dlq"),
        ),
        "`ctl dlq` of other queues: shared/dead-letters/tests/it; the tests work off order-confirmation's",
    ),
    *excuses(
        (*(flow for flow in FLOWS if flow != "order-confirmation"), *RUNS, "privacy", "write-back"),
        (("sqs:SendMessage", "-dlq"),),
        "what cannot work: shared/work/tests/it/redelivery.rs; in the tests order-confirmation gives it up",
    ),
    *(Excuse(run, "sqs:SendMessage", f"-{run}", OUT_OF_TIME) for run in RUNS),
    Excuse(
        "reconcile",
        "sqs:SendMessage",
        "-shipping-documents",
        "a shipment of which no event came: functions/reconcile/tests/it/pass.rs",
    ),
    Excuse(
        "reconcile",
        "secretsmanager:PutSecretValue",
        "/token-*",
        "a token that ends within the hour: functions/reconcile/tests/it",
    ),
    Excuse(
        "PeopleOperator*",
        "sqs:SendMessage",
        "*",
        "`ctl resend` writes to the queue of the flow that made the communication; the tests issue one flow's again",
    ),
)


# what is run by whoever deploys, with rights of their own and no role of the stack's
DEPLOYERS = ("ctl-doctor", "ctl-go-live", "ctl-setup")


@dataclass
class Role:
    name: str
    # the callers that act as this role
    callers: tuple[str, ...]
    policy: list[Statement]
    requests: Counter[Request] = field(default_factory=Counter)


@dataclass(frozen=True)
class Finding:
    what: str
    role: str
    detail: str


class Comparison:
    def __init__(self, template: Template, excuses: Iterable[Excuse] = EXCUSES) -> None:
        self.template, self.excuses = template, list(excuses)
        self.calls = Calls(template)
        self.denials = template.denials()
        self.roles: dict[str, Role] = {}
        callers = defaultdict(list)
        for _, function in template.of_type("AWS::Lambda::Function"):
            name = function["Environment"]["Variables"][APP_ID]
            callers[function["Role"]["Fn::GetAtt"][0]].append(name)
        for logical, _ in template.of_type("AWS::IAM::Role"):
            commands = template.resources[logical].get("Metadata", {}).get("Commands", [])
            names = tuple(callers[logical] or commands)
            name = names[0] if callers[logical] else logical
            self.roles[logical] = Role(name, names, template.policy_of(logical))
        for logical, request in self.calls.in_name_of():
            self.roles[logical].requests[request] += 1
        self.unknown: Counter[str] = Counter()

    def read(self, recording: Path) -> int:
        """Takes a recording. Answers how many calls it holds."""
        lines = recording.read_text().splitlines()
        for line in lines:
            self.add(json.loads(line))
        return len(lines)

    def add(self, call: Mapping[str, Any]) -> None:
        if call["caller"] in DEPLOYERS:
            return
        mine = [role for role in self.roles.values() if call["caller"] in role.callers]
        if not mine:
            self.unknown[f"{call['caller']}: {call['service']} {call['target'] or call['method']}"] += 1
        for role in mine:
            role.requests.update(self.calls.needed(call))
        for arn, request in self.calls.scheduled(call):
            for logical, role in self.roles.items():
                if self.template.arn(logical) == arn:
                    role.requests[request] += 1

    def findings(self) -> list[Finding]:
        found = [
            Finding("unknown caller", "-", f"{call} ({count} calls)") for call, count in self.unknown.items()
        ]
        for role in self.roles.values():
            for request, count in role.requests.items():
                if not allowed(request, role.policy, self.denials):
                    found.append(Finding("not allowed", role.name, f"{request} ({count} calls)"))
            found += [
                Finding("unused", role.name, f"{action} {resource}")
                for action, resource in unused(role)
                if not any(excused(it, role, action, resource) for it in self.excuses)
            ]
        return sorted(found, key=lambda it: (it.what, it.role, it.detail))


def unused(role: Role) -> list[tuple[str, str]]:
    """Each action of the role's policy with each resource, where no request needs the two together."""
    return [
        (action, resource)
        for statement in role.policy
        if statement.effect == "Allow"
        for action in statement.actions
        for resource in statement.resources
        if not any(
            Statement("Allow", (action,), (resource,), statement.conditions).covers(request)
            for request in role.requests
        )
    ]


def excused(excuse: Excuse, role: Role, action: str, resource: str) -> bool:
    return like(excuse.role, role.name) and excuse.action == action and like(f"*{excuse.resource}", resource)


def table(findings: Iterable[Finding]) -> str:
    rows = [("finding", "role", "permission"), *((it.what, it.role, it.detail) for it in findings)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{what:{widths[0]}}  {role:{widths[1]}}  {detail}" for what, role, detail in rows)
