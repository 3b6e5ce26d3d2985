"""The module against the template of the CDK app: nothing differs but what has to, and every kind of
difference is found.
"""

from __future__ import annotations

import unittest

from evaluate import Module
from hcl import Refused
from parity import EXPECTED, ONLY_CDK, Expected, compare
from support import DEPLOYMENTS, DISTRIBUTED, MODULE, OWN, PLAIN, Deployment, copied, synthesized

# what is spoiled: a deployment, a file, text, what takes its place, and how the difference is named
SPOILED: dict[str, tuple[Deployment, str, str, str, str]] = {
    "how long a queue hides a message": (PLAIN, "queues.tf", "each.value.hiddenTimeouts *", "5 *", r"aws_sqs_queue\.work\[intake|aws_sqs_queue\.work\[[\w-]+\] .*: VisibilityTimeout: "),
    "how long a queue keeps messages": (PLAIN, "queues.tf", "14 * 24 *", "4 * 24 *", r"aws_sqs_queue\.dead_letters\[intake\] .*: MessageRetentionPeriod: 1209600 in the CDK app, 345600"),
    "when a message is given up": (PLAIN, "queues.tf", "= local.max_receive_count", "= 3", r"aws_sqs_queue\.work.*: RedrivePolicy\.maxReceiveCount: 100 in the CDK app, 3 in Terraform"),
    "where dead letters go": (PLAIN, "queues.tf", 'aws_sqs_queue.dead_letters[each.key].arn\n    maxReceiveCount', 'aws_sqs_queue.dead_letters["intake"].arn\n    maxReceiveCount', r"RedrivePolicy\.deadLetterTargetArn"),
    "encryption of queues": (PLAIN, "queues.tf", "? null : true\n", "? null : false\n", r"SqsManagedSseEnabled: true in the CDK app, false"),
    "a key of one's own": (OWN, "secrets.tf", "  kms_key_id              = local.data_key_arn\n", "", r"aws_secretsmanager_secret\.customer_key .*KmsKeyId: .* in the CDK app, nothing in Terraform"),
    "what a role may ask of a key": (OWN, "encryption.tf", '"sqs:SendMessage"    = local.kms_write', '"sqs:SendMessage"    = local.kms_read', r"aws_iam_role\.function\[documents\] .*kms:GenerateDataKey"),
    "through which service": (OWN, "encryption.tf", '"kms:ViaService" = "${service}.', '"kms:ViaService" = "*.', r"aws_iam_role\.function\[intake\] .*kms:ViaService"),
    "who may use a queue": (PLAIN, "queues.tf", '"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"', r"aws_sqs_queue_policy\.work.*PolicyDocument"),
    "what EventBridge may put into a queue": (PLAIN, "queues.tf", 'each.key == "intake"', 'each.key == "schedules"', r"aws_sqs_queue_policy\.dead_letters\[intake\] .*events\.amazonaws\.com sqs:SendMessage.* in the CDK app, nothing in Terraform"),
    "a time-out": (PLAIN, "functions.tf", "local.timeout_seconds[each.key]\n", "60\n", r"aws_lambda_function\.function\[intake\] .*: Timeout: 15 in the CDK app, 60"),
    "memory": (PLAIN, "functions.tf", "local.memory_megabytes[each.key]\n", "128\n", r"MemorySize: 256 in the CDK app, 128"),
    "room for files": (PLAIN, "functions.tf", "size = ephemeral_storage.value", "size = 512", r"function\[statement-run\] .*EphemeralStorage\.Size: 4096 in the CDK app, 512"),
    "the processor": (PLAIN, "functions.tf", "[var.architecture]", '["x86_64"]', r"Architectures\[0\]"),
    "a variable that is missing": (PLAIN, "functions.tf", "      BATCH_CONCURRENCY ", "      BATCHES_AT_ONCE ", r"Environment\.Variables\.BATCH_CONCURRENCY: \"10\" in the CDK app, nothing in Terraform"),
    "a variable that is too many": (PLAIN, "functions.tf", "        SECRET_PREFIX ", '        MORE = "1"\n        SECRET_PREFIX ', r"Environment\.Variables\.MORE: nothing in the CDK app"),
    "a variable that is another": (PLAIN, "functions.tf", "FLOW_QUEUE_URL        = aws_sqs_queue.work[row.fills].url", "FLOW_QUEUE_URL     = aws_sqs_queue.work[name].url", r"Variables\.FLOW_QUEUE_URL"),
    "what is logged": (PLAIN, "functions.tf", '"TRACE"', '"INFO"', r"LoggingConfig\.ApplicationLogLevel: \"TRACE\" in the CDK app, \"INFO\""),
    "how long logs stay": (PLAIN, "functions.tf", "retention_in_days = 90", "retention_in_days = 30", r"aws_cloudwatch_log_group\.function.*RetentionInDays: 90 in the CDK app, 30"),
    "size of batches": (PLAIN, "functions.tf", "= each.value.batchSize\n", "= 1\n", r"aws_lambda_event_source_mapping\.work\[[\w-]+\] .*BatchSize"),
    "failures of single messages": (PLAIN, "functions.tf", '["ReportBatchItemFailures"]', "[]", r"FunctionResponseTypes"),
    "concurrency": (PLAIN, "functions.tf", "local.max_concurrency[each.key]", "5", r"ScalingConfig\.MaximumConcurrency: 20 in the CDK app, 5"),
    "repetitions of events": (PLAIN, "functions.tf", "= local.async_retries", "= 0", r"event_invoke_config\.intake .*MaximumRetryAttempts: 2 in the CDK app, 0"),
    "where refused events go": (PLAIN, "functions.tf", '      destination = aws_sqs_queue.dead_letters["intake"].arn', '      destination = aws_sqs_queue.dead_letters["schedules"].arn', r"event_invoke_config\.intake .*OnFailure\.Destination"),
    "which changes are followed": (DISTRIBUTED, "functions.tf", '"accepted", "archived",', '"accepted",', r"event_source_mapping\.changes\[outcome-events\] .*FilterCriteria"),
    "a right that is missing": (PLAIN, "roles.tf", '"dynamodb:DeleteItem"', '"dynamodb:GetItem"', r"aws_iam_role\.function\[[\w-]+\] .*dynamodb:DeleteItem on .*: true in the CDK app, nothing in Terraform"),
    "a right that is too many": (PLAIN, "roles.tf", '["kms:GetPublicKey", "kms:Sign"]', '["kms:*", "kms:GetPublicKey", "kms:Sign"]', r"function\[archive-seal\] .*kms:\* on .*: nothing in the CDK app, true in Terraform"),
    "a right on more": (PLAIN, "roles.tf", "/${local.folders}document*", "/*", r"function\[documents\] .*s3:GetObjectVersion"),
    "a condition of a right": (PLAIN, "roles.tf", '["recipient#*"]', '["*"]', r"function\[documents\] .*dynamodb:UpdateItem .*recipient#"),
    "who may send to whom": (PLAIN, "roles.tf", 'if name != "account-statements"', 'if name != "return-letters"', r"function\[intake\] .*sqs:SendMessage"),
    "who takes a role": (PLAIN, "schedules.tf", "schedule-group/${var.prefix}-passes", "schedule-group/*", r"aws_iam_role\.pass_schedules .*AssumeRolePolicyDocument"),
    "what people may do": (OWN, "people.tf", '"scheduler:DeleteSchedule"', '"scheduler:*"', r"aws_iam_role\.person\[operator\] .*scheduler"),
    "which people are trusted": (OWN, "people.tf", '{ Bool = { "aws:MultiFactorAuthPresent" = "true" } }', '{ Bool = { "aws:MultiFactorAuthPresent" = "false" } }', r"aws_iam_role\.person\[operator\] .*AssumeRolePolicyDocument"),
    "a threshold": (PLAIN, "alarms.tf", "threshold   = row.oldestSeconds\n", "threshold   = 60\n", r"aws_cloudwatch_metric_alarm\.above\[[\w-]+-late\] .*: Threshold: "),
    "periods of an alarm": (PLAIN, "alarms.tf", "datapoints_to_alarm = 3", "datapoints_to_alarm = 2", r"DatapointsToAlarm: 3 in the CDK app, 2"),
    "the statistic of an alarm": (PLAIN, "alarms.tf", '"p99"', '"p50"', r"above\[intake-slow\] .*ExtendedStatistic"),
    "the text of an alarm": (PLAIN, "alarms.tf", "The log has the reason.\"", "Look into the log.\"", r"AlarmDescription"),
    "an alarm on an expression": (PLAIN, "alarms.tf", '"Suppressed", "Unknown"]', '"Unknown"]', r"aws_cloudwatch_metric_alarm\.failed\[[\w-]+\] .*Metrics"),
    "what silence means": (PLAIN, "alarms.tf", 'treat_missing_data  = "breaching"', 'treat_missing_data  = "ignore"', r"silent\[0\] .*TreatMissingData"),
    "whom alarms notify": (OWN, "alarms.tf", "  ok_actions          = local.notified\n", "", r"OKActions\b.*: \[?\"arn.* in the CDK app, nothing"),
    "an alarm that is missing": (PLAIN, "alarms.tf", "    local.throttled,\n", "", r"only in the CDK app, not in Terraform as aws_cloudwatch_metric_alarm\.above\[[\w-]+-throttled\]"),
    "how often a pass is made": (PLAIN, "schedules.tf", '"rate(${local.periods[each.key]})"', '"rate(2 hours)"', r"aws_scheduler_schedule\.pass\[archive-seal\] .*ScheduleExpression"),
    "what becomes of a missed pass": (PLAIN, "schedules.tf", "maximum_retry_attempts       = 2", "maximum_retry_attempts       = 5", r"Target\.RetryPolicy\.MaximumRetryAttempts: 2 in the CDK app, 5"),
    "which events are accepted": (PLAIN, "events.tf", '["shopifyWebhook"]', '["webhook"]', r"aws_cloudwatch_event_rule\.webhooks .*EventPattern"),
    "how long EventBridge tries": (PLAIN, "events.tf", "= 185", "= 3", r"Targets\[0\]\.RetryPolicy\.MaximumRetryAttempts: 185 in the CDK app, 3"),
    "who may invoke": (PLAIN, "events.tf", '"events.amazonaws.com"', '"sns.amazonaws.com"', r"webhooks .*Principal"),
    "a route": (PLAIN, "http.tf", '    "POST /u/{token}",\n', "", r"only in the CDK app, not in Terraform as aws_apigatewayv2_route\.documents\[POST /u/\{token\}\]"),
    "which version is in force": (PLAIN, "functions.tf", "= aws_lambda_function.function[each.key].version\n", '= "$LATEST"\n', r"aws_lambda_alias\.live\[intake\] .*FunctionVersion"),
    "versions": (PLAIN, "functions.tf", "  publish = true\n", "", r"aws_lambda_function\.function\[intake\] .*: Missing: .*publish"),
    "what is invoked": (PLAIN, "schedules.tf", "aws_lambda_alias.live[each.key].arn", "aws_lambda_function.function[each.key].arn", r"aws_scheduler_schedule\.pass\[archive-seal\] .*Target\.Arn"),
    "which alarm is in which group": (PLAIN, "alarm-groups.tf", '"<flow>-unknown", group = "documents-in-doubt"', '"<flow>-unknown", group = "work-delayed"', r"aws_cloudwatch_composite_alarm\.group\[documents-in-doubt\] .*AlarmRule.*-unknown"),
    "whom groups notify": (DISTRIBUTED, "alarm-groups.tf", "alarm_actions     = local.topics", "alarm_actions     = []", r"composite_alarm\.group\[events-lost\] .*AlarmActions"),
    "the section of the runbook": (PLAIN, "alarm-groups.tf", 'section = "<queue>-late"', 'section = "<queue>-(late)"', r"-late\] .*AlarmDescription"),
    "a saved query": (PLAIN, "queries.tf", "sort deliveries desc", "sort deliveries asc", r"aws_cloudwatch_query_definition\.query\[retries\] .*QueryString"),
    "a throttle": (PLAIN, "http.tf", "throttling_rate_limit  = 5\n", "throttling_rate_limit  = 50\n", r"aws_apigatewayv2_stage\.documents .*RouteSettings\.\$default\.ThrottlingRateLimit: 5 in the CDK app, 50"),
    "what the access log keeps": (PLAIN, "http.tf", '"$context.routeKey"', '"$context.path"', r"AccessLogSettings\.Format\.route"),
    "the time-out of the API": (PLAIN, "http.tf", "* 1000, 29000", "* 1000, 9000", r"TimeoutInMillis: 20000 in the CDK app, 9000"),
    "the domain": (OWN, "http.tf", '"TLS_1_2"', '"TLS_1_0"', r"aws_apigatewayv2_domain_name\.documents\[0\] .*SecurityPolicy"),
    "the way in": (OWN, "http.tf", "= local.with_domain && !local.with_distribution\n}", "= false\n}", r"DisableExecuteApiEndpoint: true in the CDK app, false"),
    "the distribution": (DISTRIBUTED, "http.tf", '"TLSv1.2_2021"', '"TLSv1.1_2016"', r"aws_cloudfront_distribution\.documents\[0\] .*MinimumProtocolVersion"),
    "rotation of a key": (PLAIN, "storage.tf", "enable_key_rotation     = true", "enable_key_rotation     = false", r"aws_kms_key\.archive .*EnableKeyRotation: true in the CDK app, false"),
    "the kind of a key": (PLAIN, "storage.tf", "ECC_NIST_EDWARDS25519", "ECC_NIST_P256", r"aws_kms_key\.log .*KeySpec"),
    "who may use a key": (PLAIN, "storage.tf", ":iam::${local.account}:root", ":iam::999999999999:root", r"aws_kms_key\.archive .*KeyPolicy"),
    "the lock of the archive": (PLAIN, "storage.tf", "mode = var.lock_mode", 'mode = "GOVERNANCE"', r"aws_s3_bucket\.archive .*ObjectLockConfiguration\.Rule\.DefaultRetention\.Mode"),
    "a bucket without a lock": (PLAIN, "storage.tf", "  object_lock_enabled = true\n", "", r"ObjectLockEnabled: true in the CDK app, nothing"),
    "versions of objects": (PLAIN, "storage.tf", 'versioning_configuration {\n    status = "Enabled"', 'versioning_configuration {\n    status = "Suspended"', r"VersioningConfiguration\.Status"),
    "what expires": (PLAIN, "storage.tf", "days = 14, noncurrent_days = 1", "days = 15, noncurrent_days = 1", r"aws_s3_bucket\.operations .*Rules\.work\.ExpirationInDays: 14 in the CDK app, 15"),
    "what never expires": (PLAIN, "storage.tf", '{ id = "access", prefix = "access/"', '{ id = "config", prefix = "config/", days = 1 },\n    { id = "access", prefix = "access/"', r"Rules\.config: nothing in the CDK app"),
    "who reaches a bucket": (PLAIN, "storage.tf", "block_public_policy     = true", "block_public_policy     = false", r"PublicAccessBlockConfiguration\.BlockPublicPolicy"),
    "what a bucket refuses": (PLAIN, "storage.tf", '"s3:DeleteObjectVersion"', '"s3:DeleteObject"', r"aws_s3_bucket_policy\.operations .*Deny AWS \* s3:DeleteObjectVersion"),
    "encryption of the archive": (PLAIN, "storage.tf", "      kms_master_key_id = aws_kms_key.archive.arn\n", "", r"KMSMasterKeyID"),
    "the log of access": (PLAIN, "storage.tf", '= "access/archive/"', '= "logs/"', r"LoggingConfiguration\.LogFilePrefix"),
    "an index": (PLAIN, "storage.tf", '    range_key       = "check_epoch_ms"\n', "", r"aws_dynamodb_table\.ledger .*GlobalSecondaryIndexes\.by-check\.KeySchema"),
    "time to live": (PLAIN, "storage.tf", '"expires_epoch_s"', '"expires"', r"aws_dynamodb_table\.ledger .*TimeToLiveSpecification\.AttributeName"),
    "recovery to a point in time": (PLAIN, "storage.tf", "  point_in_time_recovery {\n    enabled = true", "  point_in_time_recovery {\n    enabled = false", r"PointInTimeRecoveryEnabled: true in the CDK app, false"),
    "the stream of a table": (DISTRIBUTED, "storage.tf", '"NEW_AND_OLD_IMAGES"', '"KEYS_ONLY"', r"StreamSpecification\.StreamViewType"),
    "protection of a table": (PLAIN, "storage.tf", "deletion_protection_enabled = true", "deletion_protection_enabled = false", r"DeletionProtectionEnabled"),
    "what is kept": (PLAIN, "storage.tf", "prevent_destroy = true", "prevent_destroy = false", r"aws_kms_key\.archive .*DeletionPolicy: kept by the CDK app only"),
    "how a secret is made": (PLAIN, "secrets.tf", "password_length     = 64", "password_length     = 12", r"aws_secretsmanager_secret\.customer_key .*GenerateSecretString\.PasswordLength: 64 in the CDK app, 12"),
    "a secret without a value": (PLAIN, "secrets.tf", '"aws_secretsmanager_secret_version" "customer_key"', '"aws_secretsmanager_secret_version" "other"', r"GenerateSecretString.*in the CDK app, nothing"),
    "an output": (PLAIN, "outputs.tf", "aws_kms_key.log.key_id", "aws_kms_key.archive.key_id", r"output LogKey: "),
    "an output that is missing": (PLAIN, "outputs.tf", "        ScheduleGroup ", "        Schedules ", r"output ScheduleGroup: .* in the CDK app, nothing in Terraform"),
    "a resource that is too many": (PLAIN, "more.tf", "", 'resource "aws_sqs_queue" "more" {\n  name = "more"\n}\n', r"aws_sqs_queue\.more: only in Terraform"),
    "an argument that is too many": (PLAIN, "queues.tf", "  for_each = local.workers\n\n", "  for_each = local.workers\n\n  delay_seconds = 5\n", r"`delay_seconds` is only in Terraform, and not compared"),
}  # fmt: skip


class ParityTest(unittest.TestCase):
    maxDiff = None

    def test_nothing_differs_but_what_has_to(self) -> None:
        used: set[Expected] = set()
        for deployment in DEPLOYMENTS:
            with self.subTest(deployment.name):
                self.assertEqual(
                    compare(MODULE, synthesized(deployment.name), deployment.variables, used), []
                )
        self.assertEqual({*EXPECTED, *ONLY_CDK} - used, set(), "a reason that nothing needs any more")

    def test_every_kind_of_difference_is_found(self) -> None:
        for what, (deployment, file, old, new, expected) in SPOILED.items():
            with self.subTest(what):
                folder = copied((file, old, new))
                found = compare(folder, synthesized(deployment.name), deployment.variables, set())
                self.assertTrue(found)
                self.assertRegex("\n".join(found), expected)

    def test_what_makes_no_deployment_is_refused(self) -> None:
        for variables, expected in (
            ({}, "create_bus"),
            ({"event_bus": "a", "create_bus": True}, "create_bus"),
            ({"event_bus": "a", "unknown": 1}, "unknown"),
            ({"event_bus": "a", "outcome_bus": "b", "create_outcome_bus": True}, "create_outcome_bus"),
            ({"event_bus": "a", "trust_operator": ["arn:aws:iam::111122223333:root"]}, "trust_operator"),
            ({"event_bus": "a", "timeout": {"nobody": 5}}, "timeout"),
            ({"event_bus": "a", "timeout": {"reconcile": 900}}, "the period of reconcile must be longer"),
            ({"event_bus": "a", "max_retention_days": 30, "lock_days": 31}, "lock_days"),
            (
                {
                    "event_bus": "a",
                    "documents_certificate": "arn:aws:acm:eu-central-1:111122223333:certificate/1",
                },
                "documents_certificate",
            ),
            ({"event_bus": "a", "documents_domain": "documents.shop.example"}, "documents_certificate"),
            ({"event_bus": "a", "prefix": "Upper"}, "prefix"),
        ):
            with self.subTest(variables), self.assertRaisesRegex(Refused, expected):
                Module(MODULE, variables).check_preconditions()


if __name__ == "__main__":
    unittest.main()
