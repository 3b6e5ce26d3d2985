# Queues and what is left of their messages. A function that gives a message up puts it into the dead-letter queue of its own
# queue, where it stays for the 14 days that SQS allows. What is delivered `max_receive_count` times moves there by itself: only
# what kills the function comes so far, as what waits for 13 days is delivered fewer times.

locals {
  retention_seconds = 14 * 24 * 60 * 60

  # dead-letter queues that belong to no queue: of an EventBridge target and asynchronous invocations, of schedules, of a stream
  lost_and_found = toset(concat(["intake", "schedules"], local.tells_outcomes ? ["outcome-events"] : []))
  dead_letters   = setunion(keys(local.workers), local.lost_and_found)
}

resource "aws_sqs_queue" "work" {
  for_each = local.workers

  name                    = "${var.prefix}-${each.key}"
  sqs_managed_sse_enabled = var.customer_managed_keys ? null : true
  kms_master_key_id       = local.data_key_arn
  # KMS is asked once in an hour per sender, not for each batch
  kms_data_key_reuse_period_seconds = var.customer_managed_keys ? 3600 : null
  visibility_timeout_seconds        = each.value.hiddenTimeouts * local.timeout_seconds[each.key]
  message_retention_seconds         = local.retention_seconds
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn
    maxReceiveCount     = local.max_receive_count
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.dead_letters

  name                              = "${var.prefix}-${each.key}-dlq"
  sqs_managed_sse_enabled           = var.customer_managed_keys ? null : true
  kms_master_key_id                 = local.data_key_arn
  kms_data_key_reuse_period_seconds = var.customer_managed_keys ? 3600 : null
  message_retention_seconds         = local.retention_seconds

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue_policy" "work" {
  for_each = local.workers

  queue_url = aws_sqs_queue.work[each.key].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.work[each.key].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each = local.dead_letters

  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect    = "Deny"
          Principal = { AWS = "*" }
          Action    = "sqs:*"
          Resource  = aws_sqs_queue.dead_letters[each.key].arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ],
      # EventBridge says by itself what it could not bring
      [
        for rule in [local.webhooks_rule_arn] : {
          Sid       = "TakeUndeliveredEvents"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = aws_sqs_queue.dead_letters[each.key].arn
          Condition = { ArnEquals = { "aws:SourceArn" = rule } }
        } if each.key == "intake"
      ],
    )
  })
}
