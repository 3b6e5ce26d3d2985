"""The comparison of roles with recorded calls, both ways, on a template of two functions and a person."""

from __future__ import annotations

import copy
import unittest
from typing import Any

from iam import Request, Statement, Template, allowed, condition, like
from processes import Failure
from rights import Comparison, Excuse, table

NAMES = {
    "Bucket": "b",
    "Key": "k",
    "Table": "t",
    "Queue": "http://127.0.0.1:4566/000000000001/q",
    "Lost": "http://127.0.0.1:4566/000000000001/lost",
    "Secret": "arn:aws:secretsmanager:eu-west-1:000000000001:secret:p/key-AbC123",
    "FlowRole": "flow-role",
    "FlowFunction": "p-flow",
    "FlowLog": "/aws/lambda/p-flow",
    "Auditor": "auditor",
}
ARN = {name: {"Fn::GetAtt": [name, "Arn"]} for name in NAMES}


def allow(*actions: str, on: Any, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **condition}


def below(bucket: str, key: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [ARN[bucket], f"/{key}"]]}


LIST = allow("s3:ListBucket", on=ARN["Bucket"], Condition={"StringLike": {"s3:prefix": ["config/*"]}})
FLOW = [
    allow("logs:CreateLogStream", "logs:PutLogEvents", on=ARN["FlowLog"]),
    allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", on=ARN["Queue"]),
    allow("sqs:SendMessage", on=ARN["Lost"]),
    allow("s3:GetObject", on=below("Bucket", "config/*")),
    LIST,
    allow("kms:Decrypt", on=ARN["Key"]),
    allow("dynamodb:Query", on={"Fn::Join": ["", [ARN["Table"], "/index/by-order"]]}),
    allow("secretsmanager:GetSecretValue", on={"Ref": "Secret"}),
]
POLICY = {"Policies": [{"PolicyDocument": {"Statement": FLOW}}]}
TEMPLATE: dict[str, Any] = {
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": ARN["Key"],
                        }
                    }
                ]
            }
        },
    },
    "Key": {"Type": "AWS::KMS::Key"},
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Lost": {"Type": "AWS::SQS::Queue"},
    "Secret": {"Type": "AWS::SecretsManager::Secret"},
    "FlowLog": {"Type": "AWS::Logs::LogGroup"},
    "FlowRole": {"Type": "AWS::IAM::Role", "Properties": POLICY},
    "FlowFunction": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": ARN["FlowRole"],
            "LoggingConfig": {"LogGroup": {"Ref": "FlowLog"}},
            "Environment": {"Variables": {"AWS_SDK_UA_APP_ID": "flow"}},
        },
    },
    "Batches": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"EventSourceArn": ARN["Queue"], "FunctionName": {"Ref": "FlowFunction"}},
    },
    "Asynchronous": {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "FlowFunction"},
            "DestinationConfig": {"OnFailure": {"Destination": ARN["Lost"]}},
        },
    },
    "Auditor": {
        "Type": "AWS::IAM::Role",
        "Metadata": {"Commands": ["ctl-show"]},
        "Properties": {
            "Policies": [
                {"PolicyDocument": {"Statement": [allow("s3:GetObjectVersion", on=below("Bucket", "*"))]}},
                {"PolicyDocument": {"Statement": [allow("kms:Decrypt", on=ARN["Key"])]}},
            ]
        },
    },
}


def call(service: str, target: str | None = None, caller: str = "flow", **more: Any) -> dict[str, Any]:
    plain = {"method": "POST", "path": "/", "query": {}, "headers": {}, "names": {}, "status": 200}
    return {"caller": caller, "service": service, "target": target, **plain, **more}


def s3(method: str, path: str, caller: str = "flow", headers: Any = None, **query: str) -> dict[str, Any]:
    return call("s3", caller=caller, method=method, path=path, query=query, headers=headers or {})


# one of everything that the two roles are for
CALLS = [
    s3("GET", "/b/config/a.toml"),
    s3("GET", "/b", prefix="config/"),
    call("dynamodb", "DynamoDB_20120810.Query", names={"TableName": "t", "IndexName": "by-order"}),
    call("secretsmanager", "secretsmanager.GetSecretValue", names={"SecretId": "p/key"}),
    s3("GET", "/b/2026/record.json", "ctl-show", versionId="v1"),
]


class Roles(unittest.TestCase):
    def compare(
        self, calls: list[dict[str, Any]], change: Any = None, excuses: tuple[Excuse, ...] = ()
    ) -> list[str]:
        resources = copy.deepcopy(TEMPLATE)
        if change is not None:
            change(resources["FlowRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"])
        template = Template({"Resources": resources}, NAMES, "eu-west-1", "000000000001")
        comparison = Comparison(template, excuses)
        for it in calls:
            comparison.add(it)
        return [f"{it.what}: {it.role}: {it.detail}" for it in comparison.findings()]

    def test_a_key_that_signs_is_named_by_its_id(self) -> None:
        template = Template({"Resources": TEMPLATE}, NAMES, "eu-west-1", "000000000001")
        needed = Comparison(template).calls.needed(call("kms", "TrentService.Sign", names={"KeyId": "k"}))
        self.assertEqual(needed, [Request("kms:Sign", "arn:aws:kms:eu-west-1:000000000001:key/k")])
        self.assertEqual(template.resolve(ARN["Key"]), needed[0].resource)

    def test_roles_that_are_used_and_no_more_pass(self) -> None:
        self.assertEqual(self.compare(CALLS), [])

    def test_a_removed_permission_is_found(self) -> None:
        for index, statement in enumerate(FLOW):
            found = self.compare(CALLS, lambda policy, index=index: policy.pop(index))
            self.assertTrue(found, statement)
            self.assertTrue(all(it.startswith("not allowed: flow: ") for it in found), found)
            self.assertEqual(len(found), len(statement["Action"]), found)

    def test_an_added_permission_is_found(self) -> None:
        for added in (
            allow("dynamodb:PutItem", on=ARN["Table"]),
            allow("s3:GetObject", on=below("Bucket", "work/*")),
            allow("s3:GetObject", on=ARN["Queue"]),
            allow("dynamodb:Query", on=ARN["Table"]),
        ):
            found = self.compare(CALLS, lambda policy, added=added: policy.append(added))
            self.assertEqual(len(found), 1, found)
            self.assertTrue(found[0].startswith(f"unused: flow: {added['Action'][0]} arn:aws:"), found)

    def test_a_permission_is_unused_as_long_as_nobody_calls(self) -> None:
        for index, it in enumerate(CALLS):
            found = self.compare([*CALLS[:index], *CALLS[index + 1 :]])
            self.assertTrue(found and all(text.startswith("unused: ") for text in found), (it, found))

    def test_a_list_without_a_prefix_is_not_allowed(self) -> None:
        for path, query in (("/b", {}), ("/b/", {"list-type": "2"}), ("/b", {"prefix": "work/"})):
            found = self.compare([*CALLS, s3("GET", path, **query)])
            self.assertEqual([it.partition(" arn")[0] for it in found], ["not allowed: flow: s3:ListBucket"])

    def test_other_resources_are_not_allowed(self) -> None:
        for other in (
            s3("GET", "/b/work/a"),
            s3("GET", "/other/config/a.toml"),
            call("dynamodb", "DynamoDB_20120810.Query", names={"TableName": "t", "IndexName": "by-check"}),
            call("dynamodb", "DynamoDB_20120810.Query", names={"TableName": "t"}),
            call("sqs", "AmazonSQS.ReceiveMessage", names={"QueueUrl": "http://x/1/lost"}),
            call("secretsmanager", "secretsmanager.GetSecretValue", names={"SecretId": "p/key-2"}),
            s3("GET", "/b/2026/record.json", "ctl-show"),
        ):
            found = self.compare([*CALLS, other])
            self.assertTrue(found and all(it.startswith("not allowed: ") for it in found), (other, found))

    def test_whoever_has_no_role_is_named(self) -> None:
        found = self.compare([*CALLS, s3("GET", "/b/config/a.toml", "ctl-else")])
        self.assertEqual(found, ["unknown caller: -: ctl-else: s3 GET (1 calls)"])

    def test_whoever_deploys_needs_no_role(self) -> None:
        asked = [s3("PUT", "/b/config/a.toml", caller) for caller in ("ctl-doctor", "ctl-setup")]
        self.assertEqual(self.compare([*CALLS, *asked]), [])

    def test_an_excuse_holds_for_what_it_names(self) -> None:
        def add(policy: list[Any]) -> None:
            policy.append(allow("dynamodb:PutItem", on=ARN["Table"]))

        for role, action, resource, excused in (
            ("flow", "dynamodb:PutItem", "table/t", True),
            ("fl*", "dynamodb:PutItem", "*", True),
            ("other", "dynamodb:PutItem", "table/t", False),
            ("flow", "dynamodb:UpdateItem", "table/t", False),
            ("flow", "dynamodb:PutItem", "table/u", False),
        ):
            found = self.compare(CALLS, add, (Excuse(role, action, resource, "for a reason"),))
            self.assertEqual(found == [], excused, (role, action, resource))

    def test_what_is_not_understood_stops_the_check(self) -> None:
        for strange in (
            {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
            allow("s3:GetObject", on={"Fn::ImportValue": "x"}),
            allow(
                "s3:GetObject", on=below("Bucket", "*"), Condition={"DateLessThan": {"aws:CurrentTime": "x"}}
            ),
        ):
            with self.assertRaises(Failure):
                self.compare([*CALLS, s3("GET", "/b/x")], lambda policy, it=strange: policy.append(it))
        with self.assertRaises(Failure):
            self.compare([call("athena", "AmazonAthena.StartQueryExecution")])

    def test_the_table_is_aligned(self) -> None:
        resources = {"Resources": TEMPLATE}
        findings = Comparison(Template(resources, NAMES, "eu-west-1", "000000000001")).findings()
        lines = table(findings).splitlines()
        self.assertEqual({line.index(" arn") > 0 for line in lines[1:]}, {True})
        self.assertEqual(lines[0].split(), ["finding", "role", "permission"])


class Evaluation(unittest.TestCase):
    def test_wildcards_are_those_of_iam(self) -> None:
        for pattern, text, matches in (
            ("a/*", "a/b/c", True),
            ("a/*", "a/", True),
            ("a/*", "a", False),
            ("a?c", "abc", True),
            ("a?c", "ac", False),
            ("a.c", "abc", False),
            ("[a]*", "a", False),
        ):
            self.assertEqual(like(pattern, text), matches, (pattern, text))

    def test_conditions(self) -> None:
        for operator, value, wanted, holds in (
            ("StringLike", "config/a", ["config/*"], True),
            ("StringLike", None, ["config/*"], False),
            ("StringLikeIfExists", None, ["config/*"], True),
            ("StringNotEquals", "a", ["a", "b"], False),
            ("StringNotEquals", None, ["a"], True),
            ("Bool", "true", ["true"], True),
            ("Bool", None, ["false"], False),
            ("BoolIfExists", None, ["false"], True),
            ("Null", None, ["true"], True),
            ("Null", "x", ["true"], False),
            ("NumericGreaterThan", "4000", ["3650"], True),
            ("NumericGreaterThan", "365", ["3650"], False),
        ):
            self.assertEqual(condition(operator, value, wanted), holds, (operator, value))

    def test_a_denial_wins(self) -> None:
        request = Request("s3:PutObject", "arn:aws:s3:::b/x")
        policy = [Statement("Allow", ("s3:*",), ("*",))]
        self.assertTrue(allowed(request, policy))
        self.assertFalse(allowed(request, policy, [Statement("Deny", ("s3:putobject",), ("*",))]))
        self.assertFalse(allowed(request, []))


if __name__ == "__main__":
    unittest.main()
