# What happens by the clock. Runs: one schedule per shop and campaign, in the shop's time zone, made by the operator's command
# line from the shop's configuration; here is only what they need, a group and a role. Functions that pass over all shops every
# few minutes: one schedule each. What a schedule cannot deliver stays in a dead-letter queue.

locals {
  # in the largest unit that is whole, as Scheduler shows it
  units = {
    for name, minutes in local.every_minutes : name => (
      minutes % 1440 == 0 ? [minutes / 1440, "day"] : minutes % 60 == 0 ? [minutes / 60, "hour"] : [minutes, "minute"]
    )
  }
  run_schedule_rights = [
    {
      Effect = "Allow"
      Action = ["sqs:SendMessage"]
      Resource = concat(
        [for name in keys(local.runs) : aws_sqs_queue.work[name].arn],
        [aws_sqs_queue.dead_letters["schedules"].arn],
      )
    },
  ]
  pass_schedule_rights = [
    {
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [for name in keys(local.scheduled) : aws_lambda_alias.live[name].arn]
    },
    {
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [aws_sqs_queue.dead_letters["schedules"].arn]
    },
  ]

  periods = { for name, unit in local.units : name => "${unit[0]} ${unit[1]}${unit[0] == 1 ? "" : "s"}" }
}

resource "aws_scheduler_schedule_group" "runs" {
  name = var.prefix
}

# Metrics of schedules are by group: in the default one there may be schedules of others.
resource "aws_scheduler_schedule_group" "passes" {
  name = "${var.prefix}-passes"
}

resource "aws_scheduler_schedule" "pass" {
  for_each = local.scheduled

  name                = "${var.prefix}-${each.key}"
  group_name          = aws_scheduler_schedule_group.passes.name
  state               = var.pause_schedules ? "DISABLED" : "ENABLED"
  schedule_expression = "rate(${local.periods[each.key]})"
  kms_key_arn         = local.compute_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_alias.live[each.key].arn
    role_arn = aws_iam_role.pass_schedules.arn
    input    = "{}"

    retry_policy {
      maximum_event_age_in_seconds = local.every_minutes[each.key] * 60
      maximum_retry_attempts       = 2
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters["schedules"].arn
    }
  }

  lifecycle {
    precondition {
      # so that it never runs beside itself
      condition     = local.every_minutes[each.key] * 60 > local.timeout_seconds[each.key]
      error_message = "every: the period of ${each.key} must be longer than its time-out."
    }
  }
}

# What Scheduler acts as when it starts a run.
resource "aws_iam_role" "run_schedules" {
  name_prefix = substr("${var.prefix}-runs-", 0, 38)
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "scheduler.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.prefix}"
        } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "run_schedules" {
  name = "schedules"
  role = aws_iam_role.run_schedules.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.run_schedule_rights, local.send_with_data_key)
  })
}

# What Scheduler acts as when it starts a pass.
resource "aws_iam_role" "pass_schedules" {
  name_prefix = substr("${var.prefix}-passes-", 0, 38)
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "scheduler.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.prefix}-passes"
        } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "pass_schedules" {
  name = "schedules"
  role = aws_iam_role.pass_schedules.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.pass_schedule_rights, local.send_with_data_key, local.use_compute_key["scheduler"])
  })
}
