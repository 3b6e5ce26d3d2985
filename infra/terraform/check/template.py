"""The template of the CDK app: which of Terraform's resources each of its resources is, and what its
references come to.

A reference becomes what the module has in that place, a name or the mark of something that only AWS
decides, so that both sides speak of the same thing in the same words.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evaluate import Module, mark

PSEUDO = {
    "AWS::AccountId": mark("data.aws_caller_identity.current", "account_id"),
    "AWS::Partition": mark("data.aws_partition.current", "partition"),
    "AWS::Region": mark("data.aws_region.current", "region"),
    "AWS::URLSuffix": mark("data.aws_partition.current", "dns_suffix"),
}
# what `Ref` gives, as an attribute of the resource of Terraform
REF = {
    "AWS::ApiGatewayV2::Api": "id",
    "AWS::ApiGatewayV2::DomainName": "domain_name",
    "AWS::ApiGatewayV2::Integration": "id",
    "AWS::ApiGatewayV2::Stage": "name",
    "AWS::DynamoDB::Table": "name",
    "AWS::Events::EventBus": "name",
    "AWS::Events::Rule": "name",
    "AWS::KMS::Key": "key_id",
    "AWS::CloudWatch::Alarm": "alarm_name",
    "AWS::Lambda::Alias": "arn",
    "AWS::Lambda::Function": "function_name",
    "AWS::Logs::LogGroup": "name",
    "AWS::S3::Bucket": "bucket",
    "AWS::Scheduler::ScheduleGroup": "name",
    "AWS::SecretsManager::Secret": "arn",
    "AWS::SQS::Queue": "url",
}
GET_ATT = {
    "Arn": "arn",
    "DomainName": "domain_name",
    "QueueName": "name",
    "RegionalDomainName": "domain_name_configuration[0].target_domain_name",
    "StreamArn": "stream_arn",
    "Version": "version",
}
# ways to say the same of a resource of Terraform
ALIASES = {
    ("aws_s3_bucket", "id"): "bucket",
    ("aws_secretsmanager_secret", "id"): "arn",
    ("aws_sqs_queue", "id"): "url",
}
# resources that have no name of their own in the template, by what CDK calls them
BY_ID = {
    "DocumentsApiIntegration": "aws_apigatewayv2_integration.documents",
    "DocumentsApiMapping": "aws_apigatewayv2_api_mapping.documents[0]",
    "DocumentsApiDistribution": "aws_cloudfront_distribution.documents[0]",
    "DocumentsApiDomain": "aws_apigatewayv2_domain_name.documents[0]",
    "DocumentsApiStage": "aws_apigatewayv2_stage.documents",
    "KeyOfCompute": "aws_kms_key.compute[0]",
    "KeyOfData": "aws_kms_key.data[0]",
    "SchedulesFunctionRole": "aws_iam_role.pass_schedules",
    "SchedulesRunRole": "aws_iam_role.run_schedules",
    "StorageAccessLogs": "aws_s3_bucket.access_logs[0]",
    "StorageAccessLogsPolicy": "aws_s3_bucket_policy.access_logs[0]",
    "StorageArchive": "aws_s3_bucket.archive",
    "StorageArchiveKey": "aws_kms_key.archive",
    "StorageArchivePolicy": "aws_s3_bucket_policy.archive",
    "StorageCommitments": "aws_dynamodb_table.commitments",
    "StorageLedger": "aws_dynamodb_table.ledger",
    "StorageLinks": "aws_dynamodb_table.links",
    "StorageLogKey": "aws_kms_key.log",
    "StorageOperations": "aws_s3_bucket.operations",
    "StorageOperationsPolicy": "aws_s3_bucket_policy.operations",
    "Webhooks": "aws_cloudwatch_event_rule.webhooks",
}


class Template:
    def __init__(self, file: Path, module: Module) -> None:
        self.json = json.loads(file.read_text())
        self.module = module
        self.prefix = module.variables["prefix"]
        self.instances = module.instances()
        self.rows: dict[str, Any] = module.local("rows")
        self.resources: dict[str, Any] = self.json["Resources"]
        self._addresses: dict[str, str] = {}

    def address(self, logical_id: str) -> str:
        """Which of Terraform's resources it is."""
        if logical_id not in self._addresses:
            self._addresses[logical_id] = self._find(logical_id)
        return self._addresses[logical_id]

    def _find(self, logical_id: str) -> str:
        resource = self.resources[logical_id]
        kind, properties = resource["Type"], resource.get("Properties", {})
        finder = getattr(self, f"_find_{kind.split('::')[1]}_{kind.split('::')[2]}", None)
        found = finder(logical_id, properties) if finder else None
        return found or BY_ID.get(self._stem(logical_id), f"nothing like {kind} {logical_id}")

    def _stem(self, logical_id: str) -> str:
        return re.sub(r"[0-9A-F]{8}$", "", logical_id)

    def _short(self, name: str, prefix: str = "") -> str:
        return name.removeprefix(f"{prefix}{self.prefix}-")

    def _function_of(self, value: Any) -> str:
        logical_id = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
        properties = self.resources[logical_id]["Properties"]
        if self.resources[logical_id]["Type"] == "AWS::Lambda::Alias":
            return self._function_of(properties["FunctionName"])
        return self._short(properties["FunctionName"])

    def _find_SQS_Queue(self, logical_id: str, properties: Any) -> str:
        name = self._short(properties["QueueName"])
        return (
            f"aws_sqs_queue.dead_letters[{name[:-4]}]"
            if name.endswith("-dlq")
            else f"aws_sqs_queue.work[{name}]"
        )

    def _find_SQS_QueuePolicy(self, logical_id: str, properties: Any) -> str:
        return self.address(properties["Queues"][0]["Ref"]).replace("aws_sqs_queue.", "aws_sqs_queue_policy.")

    def _find_Lambda_Function(self, logical_id: str, properties: Any) -> str:
        return f"aws_lambda_function.function[{self._short(properties['FunctionName'])}]"

    def _find_Lambda_Alias(self, logical_id: str, properties: Any) -> str:
        return f"aws_lambda_alias.live[{self._function_of(properties['FunctionName'])}]"

    def _find_Lambda_Version(self, logical_id: str, properties: Any) -> str:
        # a version is published with the function
        return self.address(properties["FunctionName"]["Ref"])

    def _find_CloudWatch_CompositeAlarm(self, logical_id: str, properties: Any) -> str:
        return f"aws_cloudwatch_composite_alarm.group[{self._short(properties['AlarmName'])}]"

    def _find_Logs_QueryDefinition(self, logical_id: str, properties: Any) -> str:
        return f"aws_cloudwatch_query_definition.query[{properties['Name'].removeprefix(f'{self.prefix}/')}]"

    def _find_Lambda_EventSourceMapping(self, logical_id: str, properties: Any) -> str:
        source = self.resources[properties["EventSourceArn"]["Fn::GetAtt"][0]]["Type"]
        kind = "work" if source == "AWS::SQS::Queue" else "changes"
        return f"aws_lambda_event_source_mapping.{kind}[{self._function_of(properties['FunctionName'])}]"

    def _find_Lambda_EventInvokeConfig(self, logical_id: str, properties: Any) -> str:
        name = self._function_of(properties["FunctionName"])
        which = "intake" if name == "intake" else f"pass[{name}]"
        return f"aws_lambda_function_event_invoke_config.{which}"

    def _find_Lambda_Permission(self, logical_id: str, properties: Any) -> str:
        names = {"apigateway.amazonaws.com": "documents", "events.amazonaws.com": "webhooks"}
        return f"aws_lambda_permission.{names.get(properties['Principal'], properties['Principal'])}"

    def _find_IAM_Role(self, logical_id: str, properties: Any) -> str | None:
        stem = self._stem(logical_id)
        if stem.startswith("People"):
            return f"aws_iam_role.person[{stem.removeprefix('People').lower()}]"
        names = {f"{pascal(name)}Role": f"aws_iam_role.function[{name}]" for name in self.rows}
        return names.get(stem)

    def _find_Logs_LogGroup(self, logical_id: str, properties: Any) -> str:
        name = properties["LogGroupName"]
        if name.startswith("/aws/apigateway/"):
            return f"aws_cloudwatch_log_group.{self._short(name, '/aws/apigateway/')}_access"
        return f"aws_cloudwatch_log_group.function[{self._short(name, '/aws/lambda/')}]"

    def _find_CloudWatch_Alarm(self, logical_id: str, properties: Any) -> str:
        name = self._short(properties["AlarmName"])
        if name == "source-silent":
            return "aws_cloudwatch_metric_alarm.silent[0]"
        return f"aws_cloudwatch_metric_alarm.{f'failed[{name[:-7]}]' if 'Metrics' in properties else f'above[{name}]'}"

    def _find_Scheduler_Schedule(self, logical_id: str, properties: Any) -> str:
        return f"aws_scheduler_schedule.pass[{self._short(properties['Name'])}]"

    def _find_Scheduler_ScheduleGroup(self, logical_id: str, properties: Any) -> str:
        return f"aws_scheduler_schedule_group.{'runs' if properties['Name'] == self.prefix else 'passes'}"

    def _find_ApiGatewayV2_Api(self, logical_id: str, properties: Any) -> str:
        return f"aws_apigatewayv2_api.{self._short(properties['Name'])}"

    def _find_ApiGatewayV2_Route(self, logical_id: str, properties: Any) -> str:
        return f"aws_apigatewayv2_route.documents[{properties['RouteKey']}]"

    def _find_SecretsManager_Secret(self, logical_id: str, properties: Any) -> str:
        return f"aws_secretsmanager_secret.{properties['Name'].removeprefix(f'{self.prefix}/').replace('-', '_')}"

    def _find_Events_EventBus(self, logical_id: str, properties: Any) -> str:
        return f"aws_cloudwatch_event_bus.{'own' if properties['Name'] == self.prefix else 'outcomes'}[0]"

    def resolve(self, value: Any) -> Any:
        """A value with its references replaced."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return PSEUDO[value["Ref"]] if value["Ref"] in PSEUDO else self._attribute(value["Ref"], None)
        if set(value) == {"Fn::GetAtt"}:
            return self._attribute(*value["Fn::GetAtt"])
        if set(value) == {"Fn::Join"}:
            separator, parts = value["Fn::Join"]
            return separator.join(str(self.resolve(part)) for part in parts)
        if any(key.startswith("Fn::") for key in value) and set(value) != {"Fn::Sub"}:
            raise ValueError(f"{sorted(value)} is not understood")
        return {key: self.resolve(item) for key, item in value.items()}

    def _attribute(self, logical_id: str, attribute: str | None) -> Any:
        kind, address = self.resources[logical_id]["Type"], self.address(logical_id)
        name = GET_ATT[attribute] if attribute else REF[kind]
        instance = self.instances.get(address)
        if instance is None or "[0]." in name:
            return mark(address, name)
        value = canonical(instance.get(name))
        # CloudFormation's ARN of a log group is that of its streams
        return f"{value}:*" if kind == "AWS::Logs::LogGroup" and attribute == "Arn" else value


def canonical(value: Any) -> Any:
    """The same with one way to say it of each thing."""
    if isinstance(value, str):
        return re.sub(
            r"⟦((\w+)\.[^⟧]*)\.(\w+)⟧", lambda m: mark(m[1], ALIASES.get((m[2], m[3]), m[3])), value
        )
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    return value


def pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))
