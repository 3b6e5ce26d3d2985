"""Which permissions a recorded call of AWS needs, by the Service Authorization Reference.

Also those that AWS needs in a role's name without a call of ours: to poll a queue for a function, to write its
log, to deliver what it refused, to do what a schedule says. The template says which those are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from iam import SECURE, Request, Template
from processes import Failure

# operations that need the permission of another's name
BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
STEPS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
POLL = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
FOLLOW = tuple(
    f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
)
SCHEDULES = {
    "GET": "GetSchedule",
    "POST": "CreateSchedule",
    "PUT": "UpdateSchedule",
    "DELETE": "DeleteSchedule",
}


class Calls:
    """Reads the calls of one deployment."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.here = f"{template.region}:{template.account}"
        # which key a bucket's objects are encrypted with
        self.keys: dict[str, str] = {}
        for logical, bucket in template.of_type("AWS::S3::Bucket"):
            rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
            for rule in rules:
                key = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
                if key is not None:
                    self.keys[template.names[logical]] = template.resolve(key)

    def needed(self, call: Mapping[str, Any]) -> list[Request]:
        """What the caller of a recorded call must be allowed."""
        match call["service"]:
            case "s3":
                return list(self._s3(call))
            case "dynamodb":
                return list(self._dynamodb(call))
            case "sqs":
                operation = call["target"].rpartition(".")[2]
                queue = call["names"]["QueueUrl"].rpartition("/")[2]
                action = f"sqs:{BATCHES.get(operation, operation)}"
                return [Request(action, f"arn:aws:sqs:{self.here}:{queue}")]
            case "secretsmanager":
                action = f"secretsmanager:{call['target'].rpartition('.')[2]}"
                return [Request(action, self.template.secret(call["names"]["SecretId"]))]
            case "kms":
                # KMS calls itself TrentService; a key is named by its id
                action = f"kms:{call['target'].rpartition('.')[2]}"
                return [Request(action, f"arn:aws:kms:{self.here}:key/{call['names']['KeyId']}")]
            case "events":
                action = f"events:{call['target'].rpartition('.')[2]}"
                buses = [bus.rpartition("/")[2] for bus in call["names"]["EventBusNames"]]
                return [Request(action, f"arn:aws:events:{self.here}:event-bus/{bus}") for bus in buses]
            case "scheduler":
                return list(self._scheduler(call))
            case "lambda":
                return [self._lambda(call)]
        raise Failure(f"this check does not know what is needed for {call}")

    def _dynamodb(self, call: Mapping[str, Any]) -> Iterator[Request]:
        operation, names = call["target"].rpartition(".")[2], call["names"]
        table = f"arn:aws:dynamodb:{self.here}:table/"
        if operation in ("TransactWriteItems", "TransactGetItems"):
            for step, name in names["TransactItems"]:
                yield Request(f"dynamodb:{STEPS.get(step, step)}", table + name)
        elif operation in ("BatchGetItem", "BatchWriteItem"):
            for name in names["RequestItems"]:
                yield Request(f"dynamodb:{operation}", table + name)
        else:
            index = f"/index/{names['IndexName']}" if "IndexName" in names else ""
            yield Request(f"dynamodb:{operation}", table + names["TableName"] + index)

    def _s3(self, call: Mapping[str, Any]) -> Iterator[Request]:
        bucket, _, key = call["path"].lstrip("/").partition("/")
        query, headers = call["query"], call["headers"]
        whole, entry = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
        version = "Version" if "versionId" in query else ""
        secure = {SECURE: "true"}
        match call["method"], key:
            case "GET", "":
                named = ("prefix", "delimiter", "max-keys")
                context = {f"s3:{name}": query[name] for name in named if name in query}
                action = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
                yield Request(action, whole, {**context, **secure})
            case (("GET" | "HEAD"), _) if "retention" in query:
                yield Request("s3:GetObjectRetention", entry, secure)
            case "GET", _ if "legal-hold" in query:
                yield Request("s3:GetObjectLegalHold", entry, secure)
            case (("GET" | "HEAD"), _):
                yield Request(f"s3:GetObject{version}", entry, secure)
                if call["method"] == "HEAD" and key.endswith("/record.json"):
                    # S3 leaves out how it is locked for who has no right to know, and that is what is asked for
                    yield Request("s3:GetObjectRetention", entry, secure)
                    yield Request("s3:GetObjectLegalHold", entry, secure)
                # the checksum of an encrypted object is part of what is encrypted
                if call["method"] == "GET" or "x-amz-checksum-mode" in headers:
                    yield from self._key(bucket, "kms:Decrypt")
            case "PUT", _ if "legal-hold" in query:
                yield Request("s3:PutObjectLegalHold", entry, secure)
            case "PUT", _ if "retention" in query:
                yield Request("s3:PutObjectRetention", entry, {**locked(headers), **secure})
            case "PUT", _ if key:
                yield Request("s3:PutObject", entry, secure)
                if "if-match" in headers:
                    yield Request("s3:GetObject", entry, secure)
                if "x-amz-object-lock-mode" in headers:
                    yield Request("s3:PutObjectRetention", entry, {**locked(headers), **secure})
                if "x-amz-object-lock-legal-hold" in headers:
                    yield Request("s3:PutObjectLegalHold", entry, secure)
                if "x-amz-tagging" in headers:
                    yield Request("s3:PutObjectTagging", entry, secure)
                if (source := headers.get("x-amz-copy-source")) is not None:
                    yield Request("s3:GetObject", f"arn:aws:s3:::{source.lstrip('/')}", secure)
                yield from self._key(bucket, "kms:GenerateDataKey")
            case "DELETE", _ if key:
                yield Request(f"s3:DeleteObject{version}", entry, secure)
            case _:
                raise Failure(f"this check does not know what is needed for {call}")

    def _key(self, bucket: str, action: str) -> Iterator[Request]:
        if bucket in self.keys:
            yield Request(action, self.keys[bucket])

    def _scheduler(self, call: Mapping[str, Any]) -> Iterator[Request]:
        _, _, name = call["path"].strip("/").partition("/")
        if call["path"].rstrip("/") == "/schedules":
            # it takes no resource: whoever may list, lists the account's
            yield Request("scheduler:ListSchedules", "*")
            return
        group = call["names"].get("GroupName") or call["query"].get("groupName")
        schedule = f"arn:aws:scheduler:{self.here}:schedule/{group}/{name}"
        yield Request(f"scheduler:{SCHEDULES[call['method']]}", schedule)
        if (role := call["names"].get("RoleArn")) is not None:
            yield Request("iam:PassRole", role, {"iam:passedtoservice": "scheduler.amazonaws.com"})

    def _lambda(self, call: Mapping[str, Any]) -> Request:
        _, kind, *rest = call["path"].strip("/").split("/")
        match call["method"], kind, rest:
            case "GET", "event-source-mappings", []:
                # it takes no resource: whoever may list, lists the account's
                return Request("lambda:ListEventSourceMappings", "*")
            case "PUT", "event-source-mappings", [name]:
                fed = {
                    self.template.names[logical]: self.template.resolve(mapping["FunctionName"])
                    for logical, mapping in self.template.of_type("AWS::Lambda::EventSourceMapping")
                }
                mapping = f"arn:aws:lambda:{self.here}:event-source-mapping:{name}"
                return Request("lambda:UpdateEventSourceMapping", mapping, {"lambda:functionarn": fed[name]})
            case "POST", "functions", [name, "invocations"]:
                qualifier = call["query"].get("Qualifier")
                function = unquote(name).rpartition(":function:")[2]
                function = function if qualifier is None else f"{function}:{qualifier}"
                return Request("lambda:InvokeFunction", f"arn:aws:lambda:{self.here}:function:{function}")
        raise Failure(f"this check does not know what is needed for {call}")

    def scheduled(self, call: Mapping[str, Any]) -> Iterator[tuple[str, Request]]:
        """What the schedule that a call makes needs, with the ARN of the role that it acts as."""
        names = call["names"]
        if call["service"] == "scheduler" and "RoleArn" in names:
            for arn in (names["TargetArn"], names["DeadLetterArn"]):
                yield names["RoleArn"], Request("sqs:SendMessage", arn)

    def in_name_of(self) -> Iterator[tuple[str, Request]]:
        """What AWS itself does as a role, with the role's logical id."""
        template = self.template
        roles = {}
        for logical, function in template.of_type("AWS::Lambda::Function"):
            roles[logical] = function["Role"]["Fn::GetAtt"][0]
            group = template.resolve(function["LoggingConfig"]["LogGroup"])
            stream = f"arn:aws:logs:{self.here}:log-group:{group}:log-stream:any"
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                yield roles[logical], Request(action, stream)
        # what invokes a function names its alias
        for logical, alias in template.of_type("AWS::Lambda::Alias"):
            roles[logical] = roles[alias["FunctionName"]["Ref"]]
        for _, mapping in template.of_type("AWS::Lambda::EventSourceMapping"):
            source = template.resolve(mapping["EventSourceArn"])
            role = roles[mapping["FunctionName"]["Ref"]]
            for action in FOLLOW if ":dynamodb:" in source else POLL:
                yield role, Request(action, source)
            failed = mapping.get("DestinationConfig", {}).get("OnFailure")
            if failed is not None:
                for request in refused(template.resolve(failed["Destination"])):
                    yield role, request
        for _, config in template.of_type("AWS::Lambda::EventInvokeConfig"):
            failed = config.get("DestinationConfig", {}).get("OnFailure")
            if failed is not None:
                for request in refused(template.resolve(failed["Destination"])):
                    yield roles[config["FunctionName"]["Ref"]], request
        for _, schedule in template.of_type("AWS::Scheduler::Schedule"):
            target = schedule["Target"]
            role = target["RoleArn"]["Fn::GetAtt"][0]
            yield role, Request("lambda:InvokeFunction", template.resolve(target["Arn"]))
            yield role, Request("sqs:SendMessage", template.resolve(target["DeadLetterConfig"]["Arn"]))


def refused(destination: str) -> list[Request]:
    """What Lambda needs to put a refused event where the function says."""
    match destination.split(":")[2]:
        case "sqs":
            return [Request("sqs:SendMessage", destination)]
        case "s3":
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
            key = f"{destination}/aws/lambda/async/function/any"
            secure = {SECURE: "true"}
            return [Request("s3:PutObject", key, secure), Request("s3:ListBucket", destination, secure)]
    raise Failure(f"this check does not know what is needed for the destination {destination}")


def locked(headers: Mapping[str, str]) -> dict[str, str]:
    """The condition keys of a retention."""
    context = {"s3:object-lock-mode": headers["x-amz-object-lock-mode"]}
    until = headers.get("x-amz-object-lock-retain-until-date")
    if until is not None:
        days = (datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds() / 86_400
        context["s3:object-lock-remaining-retention-days"] = str(max(0, round(days)))
    return context
