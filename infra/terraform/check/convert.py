"""A resource of Terraform in the words of CloudFormation, so that it can be compared with the template.

Every argument is either translated, or left over; what is left over is a difference. So nothing that the
module sets goes unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from evaluate import Instance, Module, Nested
from template import canonical

Properties = dict[str, Any]


class Reader:
    """What a block says, and what of it nobody has asked for yet."""

    def __init__(self, nested: Nested) -> None:
        self._values = {name: canonical(value) for name, value in nested.set().items()}
        self._blocks = {name: [Reader(block) for block in blocks] for name, blocks in nested.nested().items()}
        self._asked: list[Reader] = []

    def take(self, name: str) -> Any:
        return self._values.pop(name, None)

    def blocks(self, name: str) -> list[Reader]:
        found = self._blocks.pop(name, [])
        self._asked += found
        return found

    def block(self, name: str) -> Reader | None:
        found = self.blocks(name)
        return found[0] if found else None

    def renamed(self, names: dict[str, str]) -> Properties:
        values = {new: self.take(old) for old, new in names.items()}
        return {new: value for new, value in values.items() if value is not None}

    def left(self) -> list[str]:
        return [*self._values, *self._blocks, *(name for reader in self._asked for name in reader.left())]


class Parts:
    """The resources of Terraform that together are one of CloudFormation."""

    def __init__(self, module: Module, address: str) -> None:
        self.module, self.address = module, address
        self.instances = module.instances()
        self.readers: dict[str, Reader] = {}

    def main(self) -> Reader:
        return self.part(self.address, required=True)  # type: ignore[return-value]

    def part(self, address: str, required: bool = False) -> Reader | None:
        if address not in self.instances:
            if required:
                raise KeyError(address)
            return None
        return self.readers.setdefault(address, Reader(self.instances[address]))

    def same(self, kind: str) -> Reader | None:
        """The resource of another kind that has the same name and key."""
        return self.part(f"{kind}.{self.address.split('.', 1)[1]}")

    def instance(self) -> Instance:
        return self.instances[self.address]


def nested(properties: Properties, name: str, value: Any) -> None:
    if value not in (None, {}, []):
        properties[name] = value


def queue(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "name": "QueueName",
            "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
            "kms_master_key_id": "KmsMasterKeyId",
            "kms_data_key_reuse_period_seconds": "KmsDataKeyReusePeriodSeconds",
            "visibility_timeout_seconds": "VisibilityTimeout",
            "message_retention_seconds": "MessageRetentionPeriod",
        }
    )
    redrive = reader.take("redrive_policy")
    nested(properties, "RedrivePolicy", json.loads(redrive) if redrive else None)
    return properties


def queue_policy(parts: Parts) -> Properties:
    reader = parts.main()
    return {"Queues": [reader.take("queue_url")], "PolicyDocument": reader.take("policy")}


def function(parts: Parts) -> Properties:
    reader = parts.main()
    # where a package comes from differs; that there is one, and that a changed one is a version of its own, does not
    missing = [name for name in ("filename", "source_code_hash", "publish") if not reader.take(name)]
    properties = reader.renamed(
        {
            "function_name": "FunctionName",
            "runtime": "Runtime",
            "architectures": "Architectures",
            "handler": "Handler",
            "memory_size": "MemorySize",
            "timeout": "Timeout",
            "role": "Role",
            "kms_key_arn": "KmsKeyArn",
        }
    )
    nested(properties, "Missing", missing)
    environment, storage, logging = (
        reader.block(n) for n in ("environment", "ephemeral_storage", "logging_config")
    )
    nested(properties, "Environment", environment and environment.renamed({"variables": "Variables"}))
    nested(properties, "EphemeralStorage", storage and storage.renamed({"size": "Size"}))
    names = {
        "application_log_level": "ApplicationLogLevel",
        "log_format": "LogFormat",
        "log_group": "LogGroup",
    }
    nested(
        properties,
        "LoggingConfig",
        logging and logging.renamed({**names, "system_log_level": "SystemLogLevel"}),
    )
    return properties


def version(parts: Parts) -> Properties:
    """A version is published with the function, not a resource of its own."""
    function = parts.instance()
    return {"FunctionName": function.get("function_name")} if function.get("publish") is True else {}


def alias(parts: Parts) -> Properties:
    names = {"name": "Name", "function_name": "FunctionName", "function_version": "FunctionVersion"}
    return parts.main().renamed(names)


def event_source_mapping(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "function_name": "FunctionName",
            "event_source_arn": "EventSourceArn",
            "batch_size": "BatchSize",
            "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
            "function_response_types": "FunctionResponseTypes",
            "starting_position": "StartingPosition",
            "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
            "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
        }
    )
    scaling, filters = reader.block("scaling_config"), reader.block("filter_criteria")
    nested(
        properties,
        "ScalingConfig",
        scaling and scaling.renamed({"maximum_concurrency": "MaximumConcurrency"}),
    )
    if filters:
        properties["FilterCriteria"] = {
            "Filters": [one.renamed({"pattern": "Pattern"}) for one in filters.blocks("filter")]
        }
    nested(properties, "DestinationConfig", _on_failure(reader, "destination_arn"))
    return properties


def _on_failure(reader: Reader, name: str) -> Properties | None:
    config = reader.block("destination_config")
    failure = config and config.block("on_failure")
    return {"OnFailure": failure.renamed({name: "Destination"})} if failure else None


def event_invoke_config(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "function_name": "FunctionName",
            "qualifier": "Qualifier",
            "maximum_retry_attempts": "MaximumRetryAttempts",
        }
    )
    nested(properties, "DestinationConfig", _on_failure(reader, "destination"))
    return properties


def role(parts: Parts) -> Properties:
    reader, policy = parts.main(), parts.same("aws_iam_role_policy")
    properties = reader.renamed(
        {
            "assume_role_policy": "AssumeRolePolicyDocument",
            "description": "Description",
            "max_session_duration": "MaxSessionDuration",
            "name_prefix": "RoleName",
        }
    )
    if policy and policy.take("role") == f"⟦{parts.address}.id⟧":
        properties["Policies"] = [policy.renamed({"name": "PolicyName", "policy": "PolicyDocument"})]
    return properties


def log_group(parts: Parts) -> Properties:
    names = {"name": "LogGroupName", "retention_in_days": "RetentionInDays", "kms_key_id": "KmsKeyId"}
    return parts.main().renamed(names)


def permission(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "action": "Action",
            "principal": "Principal",
            "source_account": "SourceAccount",
            "source_arn": "SourceArn",
        }
    )
    # a function with a qualifier is its alias
    function, qualifier = reader.take("function_name"), reader.take("qualifier")
    aliases = [one for address, one in parts.instances.items() if address.startswith("aws_lambda_alias.")]
    found = [one for one in aliases if (one.get("function_name"), one.get("name")) == (function, qualifier)]
    properties["FunctionName"] = found[0].get("arn") if found else f"{function}:{qualifier}"
    return properties


def rule(parts: Parts) -> Properties:
    reader, target = parts.main(), parts.part("aws_cloudwatch_event_target.intake")
    properties = reader.renamed(
        {
            "name": "Name",
            "description": "Description",
            "event_bus_name": "EventBusName",
            "state": "State",
            "event_pattern": "EventPattern",
        }
    )
    if (
        target
        and target.take("rule") == properties["Name"]
        and target.take("event_bus_name") == properties["EventBusName"]
    ):
        wanted = target.renamed({"target_id": "Id", "arn": "Arn"})
        nested(wanted, "DeadLetterConfig", block(target, "dead_letter_config", {"arn": "Arn"}))
        nested(wanted, "RetryPolicy", block(target, "retry_policy", RETRY))
        properties["Targets"] = [wanted]
    return properties


RETRY = {
    "maximum_event_age_in_seconds": "MaximumEventAgeInSeconds",
    "maximum_retry_attempts": "MaximumRetryAttempts",
}


def block(reader: Reader, name: str, names: dict[str, str]) -> Properties | None:
    found = reader.block(name)
    return found and found.renamed(names)  # type: ignore[return-value]


def composite_alarm(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {"alarm_name": "AlarmName", "alarm_description": "AlarmDescription", "alarm_rule": "AlarmRule"}
    )
    for name, new in (("alarm_actions", "AlarmActions"), ("ok_actions", "OKActions")):
        nested(properties, new, reader.take(name))
    return properties


def query(parts: Parts) -> Properties:
    return parts.main().renamed(
        {"name": "Name", "query_string": "QueryString", "log_group_names": "LogGroupNames"}
    )


def bus(parts: Parts) -> Properties:
    return parts.main().renamed({"name": "Name", "kms_key_identifier": "KmsKeyIdentifier"})


def schedule_group(parts: Parts) -> Properties:
    return parts.main().renamed({"name": "Name"})


def schedule(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "name": "Name",
            "group_name": "GroupName",
            "state": "State",
            "schedule_expression": "ScheduleExpression",
            "kms_key_arn": "KmsKeyArn",
        }
    )
    nested(properties, "FlexibleTimeWindow", block(reader, "flexible_time_window", {"mode": "Mode"}))
    target = reader.block("target")
    if target:
        wanted = target.renamed({"arn": "Arn", "role_arn": "RoleArn", "input": "Input"})
        nested(wanted, "RetryPolicy", block(target, "retry_policy", RETRY))
        nested(wanted, "DeadLetterConfig", block(target, "dead_letter_config", {"arn": "Arn"}))
        properties["Target"] = wanted
    return properties


ALARM = {
    "alarm_name": "AlarmName",
    "alarm_description": "AlarmDescription",
    "namespace": "Namespace",
    "metric_name": "MetricName",
    "period": "Period",
    "statistic": "Statistic",
    "extended_statistic": "ExtendedStatistic",
    "comparison_operator": "ComparisonOperator",
    "threshold": "Threshold",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "treat_missing_data": "TreatMissingData",
}


def alarm(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(ALARM)
    for name, new in (
        ("dimensions", "Dimensions"),
        ("alarm_actions", "AlarmActions"),
        ("ok_actions", "OKActions"),
    ):
        nested(properties, new, reader.take(name))
    queries = []
    for query in reader.blocks("metric_query"):
        wanted = query.renamed(
            {"id": "Id", "label": "Label", "expression": "Expression", "return_data": "ReturnData"}
        )
        metric = query.block("metric")
        if metric:
            inner = metric.renamed(
                {"namespace": "Namespace", "metric_name": "MetricName", "dimensions": "Dimensions"}
            )
            wanted["MetricStat"] = {"Metric": inner, **metric.renamed({"period": "Period", "stat": "Stat"})}
        queries.append(wanted)
    nested(properties, "Metrics", queries)
    return properties


CONVERTERS: dict[str, Callable[[Parts], Properties]] = {
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::CompositeAlarm": composite_alarm,
    "AWS::Events::EventBus": bus,
    "AWS::Events::Rule": rule,
    "AWS::IAM::Role": role,
    "AWS::Lambda::Alias": alias,
    "AWS::Lambda::EventInvokeConfig": event_invoke_config,
    "AWS::Lambda::EventSourceMapping": event_source_mapping,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": permission,
    "AWS::Lambda::Version": version,
    "AWS::Logs::LogGroup": log_group,
    "AWS::Logs::QueryDefinition": query,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::Scheduler::ScheduleGroup": schedule_group,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
}
