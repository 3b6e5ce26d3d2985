# One Lambda function for each row of the table, with its log group. Roles and what they may do are in roles.tf.

locals {
  queue_of_each_flow = {
    for name, row in local.flows : "QUEUE_URL_${upper(replace(name, "-", "_"))}" => aws_sqs_queue.work[name].url
  }

  # one zip per function, or what cargo-lambda leaves in the function's folder
  packages = {
    for name in keys(local.functions) : name => fileexists("${var.code_root}/${name}.zip") ? "${var.code_root}/${name}.zip" : "${var.code_root}/${name}/bootstrap.zip"
  }

  # what archive-seal has the logs time-stamped by; of the file, the certificates without what people write between them
  time_stamp_roots = var.time_stamp_roots == null ? "" : join("", [
    for certificate in regexall("-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", file(var.time_stamp_roots)) :
    "${certificate}\n"
  ])
  time_stamps = {
    for name, value in {
      TIME_STAMP_URL        = var.time_stamp_url
      TIME_STAMP_ROOTS      = local.time_stamp_roots
      TIME_STAMP_DIGEST     = var.time_stamp_digest
      TIME_STAMP_RENEW_DAYS = tostring(var.time_stamp_renew_days)
    } : name => value if var.time_stamp_url != null
  }

  environments = merge(
    { for name, row in local.flows : name => {
      QUEUE_URL              = aws_sqs_queue.work[name].url
      DEAD_LETTER_QUEUE_URL  = aws_sqs_queue.dead_letters[name].url
      WRITE_BACK_QUEUE_URL   = aws_sqs_queue.work["write-back"].url
      BATCH_CONCURRENCY      = tostring(row.batchConcurrency)
      RETRY_BASE_SECONDS     = tostring(local.retry_base)
      ARCHIVE_LOCK_MODE      = var.lock_mode
      LINKS_TABLE_NAME       = aws_dynamodb_table.links.name
      COMMITMENTS_TABLE_NAME = aws_dynamodb_table.commitments.name
      DOCUMENTS_URL          = local.documents_url
    } },
    { for name, row in local.runs : name => {
      QUEUE_URL             = aws_sqs_queue.work[name].url
      DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letters[name].url
      FLOW_QUEUE_URL        = aws_sqs_queue.work[row.fills].url
      RETRY_BASE_SECONDS    = tostring(local.retry_base)
    } },
    {
      "intake" = merge({ EVENT_SOURCES = join(",", var.event_source) }, local.queue_of_each_flow)
      "write-back" = {
        QUEUE_URL             = aws_sqs_queue.work["write-back"].url
        DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letters["write-back"].url
        RETRY_BASE_SECONDS    = tostring(local.retry_base)
        ARCHIVE_LOCK_MODE     = var.lock_mode
      }
      "privacy" = {
        ARCHIVE_LOCK_MODE      = var.lock_mode
        COMMITMENTS_TABLE_NAME = aws_dynamodb_table.commitments.name
        LINKS_TABLE_NAME       = aws_dynamodb_table.links.name
        QUEUE_URL              = aws_sqs_queue.work["privacy"].url
        DEAD_LETTER_QUEUE_URL  = aws_sqs_queue.dead_letters["privacy"].url
        RETRY_BASE_SECONDS     = tostring(local.retry_base)
      }
      "archive-seal" = merge(local.time_stamps, {
        ARCHIVE_LOCK_MODE      = var.lock_mode
        LOG_KEY_ID             = aws_kms_key.log.key_id
        COMMITMENTS_TABLE_NAME = aws_dynamodb_table.commitments.name
      })
      "delivery-status" = merge(
        { WRITE_BACK_QUEUE_URL = aws_sqs_queue.work["write-back"].url, ARCHIVE_LOCK_MODE = var.lock_mode },
        local.queue_of_each_flow,
      )
      "reconcile" = local.queue_of_each_flow
      "documents" = {
        COMMITMENTS_TABLE_NAME = aws_dynamodb_table.commitments.name
        LINKS_TABLE_NAME       = aws_dynamodb_table.links.name
        PRIVACY_QUEUE_URL      = aws_sqs_queue.work["privacy"].url
        WRITE_BACK_QUEUE_URL   = aws_sqs_queue.work["write-back"].url
      }
    },
    { for name, row in local.functions : name => {
      OUTCOME_BUS           = local.outcome_bus_arn
      DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letters[name].url
    } if row.kind == "stream" },
  )
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${var.prefix}-${each.key}"
  retention_in_days = 90
  kms_key_id        = local.compute_key_arn
}

resource "aws_lambda_function" "function" {
  for_each = local.functions

  function_name    = "${var.prefix}-${each.key}"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  handler          = "bootstrap"
  filename         = local.packages[each.key]
  source_code_hash = filebase64sha256(local.packages[each.key])
  memory_size      = local.memory_megabytes[each.key]
  timeout          = local.timeout_seconds[each.key]
  role             = aws_iam_role.function[each.key].arn
  kms_key_arn      = local.compute_key_arn
  # each deployment is a version of code and settings that does not change; earlier ones are what a person goes back to
  publish = true

  environment {
    variables = merge(
      {
        TABLE_NAME         = aws_dynamodb_table.ledger.name
        ARCHIVE_BUCKET     = aws_s3_bucket.archive.bucket
        OPERATIONS_BUCKET  = aws_s3_bucket.operations.bucket
        MAX_RETENTION_DAYS = tostring(var.max_retention_days)
        SECRET_PREFIX      = var.prefix
        CONFIG_TTL_SECONDS = tostring(var.config_ttl)
        LOG_LEVEL          = var.log_level
        # part of the user agent: CloudTrail knows the caller by it
        AWS_SDK_UA_APP_ID = each.key
      },
      var.traces_endpoint == null ? {} : {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = var.traces_endpoint
        OTEL_TRACES_SAMPLER_ARG            = tostring(var.traces_percent / 100)
      },
      local.environments[each.key],
    )
  }

  dynamic "ephemeral_storage" {
    for_each = can(local.storage_megabytes[each.key]) ? [local.storage_megabytes[each.key]] : []
    content {
      size = ephemeral_storage.value
    }
  }

  # `LOG_LEVEL` alone decides what is logged: Lambda must not filter a second time
  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.function[each.key].name
    system_log_level      = "WARN"
    application_log_level = "TRACE"
  }

  # a function without its rights would fail at what comes first
  depends_on = [aws_iam_role_policy.function]

  lifecycle {
    precondition {
      # what Lambda leaves of its 4 KB for the variables of a function, with room for the others
      condition     = length(local.time_stamp_roots) <= 3000 && (var.time_stamp_roots == null || local.time_stamp_roots != "")
      error_message = "time_stamp_roots: expected a file with at most 3,000 characters of certificates in PEM."
    }
  }
}

# Whoever invokes a function invokes its alias, which names the version that is in force.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  function_name    = aws_lambda_function.function[each.key].function_name
  function_version = aws_lambda_function.function[each.key].version
}

# Lets each function work on its queue.
resource "aws_lambda_event_source_mapping" "work" {
  for_each = local.workers

  function_name                      = aws_lambda_alias.live[each.key].arn
  event_source_arn                   = aws_sqs_queue.work[each.key].arn
  batch_size                         = each.value.batchSize
  maximum_batching_window_in_seconds = each.key == "write-back" ? local.write_back_window : each.value.windowSeconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = local.max_concurrency[each.key]
  }

  depends_on = [aws_iam_role_policy.function]
}

# Lets the function that tells outcomes follow the ledger. A batch that it fails at is halved and repeated for twelve hours,
# half of what the stream keeps.
resource "aws_lambda_event_source_mapping" "changes" {
  for_each = { for name, row in local.functions : name => row if row.kind == "stream" }

  function_name                      = aws_lambda_alias.live[each.key].arn
  event_source_arn                   = aws_dynamodb_table.ledger.stream_arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = each.value.batchSize
  maximum_batching_window_in_seconds = each.value.windowSeconds
  bisect_batch_on_function_error     = true
  maximum_record_age_in_seconds      = 12 * 60 * 60
  function_response_types            = ["ReportBatchItemFailures"]

  # the states that a communication ends in or waits for a person in: see shared/comms/src/state.rs
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { NewImage = { state = { S = [
        "accepted", "archived", "bounced", "delivered", "failed", "suppressed", "unknown",
      ] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letters[each.key].arn
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# An event that intake refuses again and again is kept.
resource "aws_lambda_function_event_invoke_config" "intake" {
  function_name          = aws_lambda_function.function["intake"].function_name
  qualifier              = aws_lambda_alias.live["intake"].name
  maximum_retry_attempts = local.async_retries

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters["intake"].arn
    }
  }
}

# The next pass does what a failed one left, and a repeated one would run beside it. With time-outs shorter than the period
# that is enough: no concurrency has to be reserved, which small accounts cannot.
resource "aws_lambda_function_event_invoke_config" "pass" {
  for_each = local.scheduled

  function_name          = aws_lambda_function.function[each.key].function_name
  qualifier              = aws_lambda_alias.live[each.key].name
  maximum_retry_attempts = 0
}
