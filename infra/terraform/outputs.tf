# What the operator's command line reads: `terraform output -json stack > stack.json`, then `ctl --stack stack.json`. The same keys
# as the outputs file of the CDK app.

output "stack" {
  description = "Everything that `ctl` and scripts need to know of the deployment, as the outputs file of the CDK app has it"
  value = {
    (var.prefix) = merge(
      {
        BusName                = local.bus_name
        EventSource            = join(",", var.event_source)
        SecretPrefix           = var.prefix
        CustomerKeySecret      = aws_secretsmanager_secret.customer_key.id
        TableName              = aws_dynamodb_table.ledger.name
        ArchiveBucket          = aws_s3_bucket.archive.bucket
        ArchiveKey             = aws_kms_key.archive.key_id
        LogKey                 = aws_kms_key.log.key_id
        CommitmentsTable       = aws_dynamodb_table.commitments.name
        OperationsBucket       = aws_s3_bucket.operations.bucket
        LinksTable             = aws_dynamodb_table.links.name
        LinkKeySecret          = aws_secretsmanager_secret.link_key.id
        DocumentsUrl           = local.documents_url
        MaxRetentionDays       = tostring(var.max_retention_days)
        LockMode               = var.lock_mode
        DeadLetterUrlIntake    = aws_sqs_queue.dead_letters["intake"].url
        DeadLetterUrlSchedules = aws_sqs_queue.dead_letters["schedules"].url
        ScheduleGroup          = aws_scheduler_schedule_group.runs.name
        ScheduleRoleArn        = aws_iam_role.run_schedules.arn
        ScheduleDeadLetterArn  = aws_sqs_queue.dead_letters["schedules"].arn
      },
      local.tells_outcomes ? {
        OutcomeBusName             = local.outcome_bus_name
        DeadLetterUrlOutcomeEvents = aws_sqs_queue.dead_letters["outcome-events"].url
      } : {},
      { for key in aws_kms_key.data : "DataKey" => key.key_id },
      { for bucket in aws_s3_bucket.access_logs : "AccessLogsBucket" => bucket.bucket },
      local.with_domain ? { DocumentsDomainTarget = local.documents_domain_target } : {},
      { for name in keys(local.runs) : "QueueArn${local.pascal[name]}" => aws_sqs_queue.work[name].arn },
      { for name in keys(local.workers) : "QueueUrl${local.pascal[name]}" => aws_sqs_queue.work[name].url },
      { for name in keys(local.workers) : "DeadLetterUrl${local.pascal[name]}" => aws_sqs_queue.dead_letters[name].url },
      { for name, alias in aws_lambda_alias.live : "Function${local.pascal[name]}" => "${alias.function_name}:${alias.name}" },
      { for name in keys(local.functions) : "Version${local.pascal[name]}" => aws_lambda_function.function[name].version },
      { for person, role in aws_iam_role.person : "Role${title(person)}" => role.arn },
    )
  }
}
