# What a person has to look at. Each alarm's description says what happened and what to do; docs/runbook.md has more. An alarm
# is quiet without data unless silence is what it is for, and notifies by its group, or by itself too, when it begins and when it
# ends.

locals {
  notified = var.alarm_notify == "each" ? local.topics : []

  period = 5 * 60
  once   = { evaluation_periods = 1, datapoints_to_alarm = 1 }
  # trouble in so many of the latest periods is no accident
  lasting = { evaluation_periods = 6, datapoints_to_alarm = 3 }

  # an invocation that takes more than this share of its time-out is about to be cut off
  near_timeout = 0.8

  # a partner bus is named like its source
  watches_source = var.event_bus == null ? false : startswith(var.event_bus, "aws.partner/") && var.silent_hours > 0

  waits = {
    for name, row in local.workers : "${name}-late" => {
      description = "Work has waited in ${name} for more than ${row.oldestSeconds} s. Is Exstream or Shopify slow, is maxConcurrency too small?"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.work[name].name }
      period      = local.period
      statistic   = "Maximum"
      threshold   = row.oldestSeconds
      when        = local.once
    }
  }

  given_up = {
    for name in local.dead_letters : "${name}-dlq-not-empty" => {
      description = "Messages in ${name}-dlq: work that was given up, and is kept for 14 days. Give it back once the cause is fixed."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.dead_letters[name].name }
      period      = local.period
      statistic   = "Maximum"
      threshold   = 0
      when        = local.once
    }
  }

  errors = {
    for name in keys(local.functions) : "${name}-errors" => {
      description = "${name} failed as a whole. Its work is delivered again. The log has the reason."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function[name].function_name }
      period      = local.period
      statistic   = "Sum"
      threshold   = 0
      when        = local.once
    }
  }

  throttled = {
    for name in keys(local.functions) : "${name}-throttled" => {
      description = "Lambda does not let ${name} run as often as there is work. The work waits. Raise the account's concurrency limit, or lower maxConcurrency."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.function[name].function_name }
      period      = local.period
      statistic   = "Sum"
      threshold   = 0
      when        = local.lasting
    }
  }

  # runs and passes use the time they have and leave the rest to the next invocation; they count themselves what they could not do
  slow = {
    for name, row in local.functions : "${name}-slow" => {
      description = "Invocations of ${name} take more than 80 % of its time-out. What is cut off is delivered again. Is Exstream or Shopify slow? Raise its time-out (context) if that lasts."
      namespace   = "AWS/Lambda"
      metric      = "Duration"
      dimensions  = { FunctionName = aws_lambda_function.function[name].function_name }
      period      = local.period
      statistic   = "p99"
      threshold   = local.timeout_seconds[name] * 1000 * local.near_timeout
      when        = local.lasting
    } if !contains(["run", "pass"], row.kind)
  }

  # an event reaches intake, or a dead-letter queue; here is what reaches neither, or is never sent
  # the record wraps the event: of the 1,048,576 bytes that a message may have, a payload takes 1,000,000 at most
  events_lost = {
    "intake-refusal-lost" = {
      description = "An event that intake refused could not be put into intake-dlq: a right is missing, or it is too large. It is lost to the system. Intake's log has the reason of the refusal; reconcile looks for what it was about, `ctl send` delivers it again."
      namespace   = "AWS/Lambda"
      metric      = "DestinationDeliveryFailures"
      dimensions  = { FunctionName = aws_lambda_function.function["intake"].function_name }
      period      = local.period
      statistic   = "Sum"
      threshold   = 0
      when        = local.once
    }
    "webhooks-lost" = {
      description = "An event reached neither intake nor intake-dlq. It is lost to the system. Check the rule and the queue's policy; reconcile looks for what it was about, `ctl send` delivers it again."
      namespace   = "AWS/Events"
      metric      = "InvocationsFailedToBeSentToDlq"
      # EventBridge counts by both where the bus is not the default one
      dimensions = { EventBusName = local.bus_name, RuleName = aws_cloudwatch_event_rule.webhooks.name }
      period     = local.period
      statistic  = "Sum"
      threshold  = 0
      when       = local.once
    }
  }

  documents_unanswered = {
    "documents-api-failures" = {
      description = "Customers got errors in place of their documents. Is there an alarm on the function documents? Otherwise the API may not invoke it, or it did not answer in time."
      namespace   = "AWS/ApiGateway"
      metric      = "5xx"
      dimensions  = { ApiId = aws_apigatewayv2_api.documents.id }
      period      = local.period
      statistic   = "Sum"
      threshold   = 0
      when        = local.lasting
    }
  }

  outcomes_late = {
    for name, row in local.functions : "${name}-late" => {
      description = "Outcomes have waited for more than ${row.oldestSeconds} s to be told. Does the bus take events? The log has the reason. After six hours they become dead letters."
      namespace   = "AWS/Lambda"
      metric      = "IteratorAge"
      dimensions  = { FunctionName = aws_lambda_function.function[name].function_name }
      period      = local.period
      statistic   = "Maximum"
      threshold   = row.oldestSeconds * 1000
      when        = local.once
    } if row.kind == "stream"
  }

  schedule_groups = {
    runs   = { group = aws_scheduler_schedule_group.runs.name, instead = "Start the run with `ctl run`." }
    passes = { group = aws_scheduler_schedule_group.passes.name, instead = "The next pass does its work." }
  }

  schedules_failed = merge([
    for what, of in local.schedule_groups : {
      "schedules-${what}-dropped" = {
        description = "A schedule of the ${what} was given up. Its target has not been started. ${of.instead} schedules-dlq has the reason."
        metric      = "InvocationDroppedCount"
        group       = of.group
        when        = local.once
      }
      "schedules-${what}-refused" = {
        description = "The target of a schedule of the ${what} refuses it again and again. Does the target exist, may the role call it? Scheduler tries again before it gives up."
        metric      = "TargetErrorCount"
        group       = of.group
        when        = local.lasting
      }
      "schedules-${what}-lost" = {
        description = "A schedule of the ${what} was given up, and schedules-dlq did not take it. Its target has not been started. ${of.instead}"
        metric      = "InvocationsFailedToBeSentToDeadLetterCount"
        group       = of.group
        when        = local.once
      }
    }
  ]...)

  # what functions count themselves: more of it than is to be expected
  counted = concat(
    flatten([for name in keys(local.flows) : [
      {
        function    = name
        metric      = "Unknown"
        description = "A document may or may not have been sent. Ask the channel, then `ctl settle`."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = name
        metric      = "BecameIll"
        description = "Half of the latest answers of Exstream or Core Messaging to ${name} were failures, for one shop at least. Its work waits, and continues by itself. `ctl status` says which shop and service."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = name
        metric      = "Recovered"
        description = "Within ${local.every_minutes["reconcile"]} minutes more than ${var.recovered_alarm} documents of ${name} were made for missed events. Are the webhook subscriptions of this flow still there?"
        most        = var.recovered_alarm
        minutes     = local.every_minutes["reconcile"]
        when        = local.once
      },
    ]]),
    [for name in keys(local.workers) : {
      function    = name
      metric      = "Overdue"
      description = "Work of ${name} has failed for more than an hour for a reason that may pass by itself: an outage, a credential, a setting. It waits, and continues once the cause is gone. The log has the reason."
      most        = 0
      minutes     = 5
      when        = local.once
    }],
    # a run that fails is delivered again for half an hour or days; a person may hear of it before it is given up
    [for name in keys(local.runs) : {
      function    = name
      metric      = "Retried"
      description = "A ${replace(name, "-", " ")} has failed more than four times in an hour. The log has the reason: often a credential, a scope or an outage."
      most        = 4
      minutes     = 60
      when        = local.once
    }],
    flatten([for name in keys(local.passes) : [
      {
        function    = name
        metric      = "FailedShops"
        description = "${name} could not finish the pass over a shop, again and again. The log says which and why."
        most        = 0
        minutes     = local.every_minutes[name]
        when        = local.lasting
      },
      {
        function    = name
        metric      = "Problems"
        description = "${name} could not handle single things, again and again: an order or an item that cannot be read, a read or message that was refused. The log names each."
        most        = 0
        minutes     = local.every_minutes[name]
        when        = local.lasting
      },
    ]]),
    [
      {
        function    = "write-back"
        metric      = "ReportRefused"
        description = "Shopify refused a report permanently. The document is not affected. `ctl status` has the reason."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "archive-seal"
        metric      = "EvidenceMissing"
        description = "Archived objects are not there any more. The log of archive-seal names each."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "archive-seal"
        metric      = "EvidenceAltered"
        description = "Somebody overwrote or deleted archived objects, or the log of a shop contradicts itself. First versions are locked and still there. The log of archive-seal names each."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "archive-seal"
        metric      = "Unstamped"
        description = "The time-stamping authority gave no time-stamp, or a wrong one. Sealing continues without; each pass asks again. The log of archive-seal has the reason."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "documents"
        metric      = "NotShown"
        description = "Published documents could not be shown to customers. The log names each and the reason: the table of links, the archive, or a document that is not what its record says."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "documents"
        metric      = "NotFound"
        description = "Many requests asked for links that nobody has: somebody guesses, or broken links were sent. See docs/web-channel.md."
        most        = 300
        minutes     = 5
        when        = local.once
      },
      {
        function    = "statement-run"
        metric      = "RunsFailed"
        description = "A statement run has failed. Documents that it had queued are made. Its state says why it failed; `ctl run` resumes it and makes nothing twice."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "statement-run"
        metric      = "StatementsUnreadable"
        description = "Accounts of a statement run could not be read and get no statement. The run's state names them."
        most        = 0
        minutes     = 5
        when        = local.once
      },
      {
        function    = "statement-run"
        metric      = "BatchOutputsUnproven"
        description = "Exstream returned outputs of a batch job that do not prove whose they are. Their documents are composed one by one, so none is lost or mixed up. Have the template fixed."
        most        = 0
        minutes     = 60
        when        = local.once
      },
      {
        function    = "statement-run"
        metric      = "BatchOutputsMissing"
        description = "A finished batch job of Exstream lacks outputs. Their documents are composed one by one."
        most        = 0
        minutes     = 60
        when        = local.once
      },
      {
        function    = "offer-run"
        metric      = "MembersUnreadable"
        description = "Members of an audience could not be read and get no offer. The log names them."
        most        = 0
        minutes     = 5
        when        = local.once
      },
    ],
  )

  alarms = merge(
    local.waits,
    local.given_up,
    local.errors,
    local.throttled,
    local.slow,
    local.events_lost,
    local.documents_unanswered,
    local.outcomes_late,
    { for name, alarm in local.schedules_failed : name => {
      description = alarm.description
      namespace   = "AWS/Scheduler"
      metric      = alarm.metric
      dimensions  = { ScheduleGroup = alarm.group }
      period      = local.period
      statistic   = "Sum"
      threshold   = 0
      when        = alarm.when
    } },
    # `write-back-report-refused` of `ReportRefused`
    { for alarm in local.counted : "${alarm.function}${lower(replace(alarm.metric, "/([A-Z])/", "-$1"))}" => {
      description = alarm.description
      namespace   = "ShopifyExstream"
      metric      = alarm.metric
      dimensions  = { Function = aws_lambda_function.function[alarm.function].function_name }
      period      = alarm.minutes * 60
      statistic   = "Sum"
      threshold   = alarm.most
      when        = alarm.when
    } },
  )

  # everything a flow function counts a settled document as: the first one is what is counted as failed
  settled = ["Failed", "Accepted", "Archived", "Suppressed", "Unknown"]
}

resource "aws_cloudwatch_metric_alarm" "above" {
  for_each = local.alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = "${each.value.description} ${local.sections[each.key]}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  period              = each.value.period
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.when.evaluation_periods
  datapoints_to_alarm = each.value.when.datapoints_to_alarm
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notified
  ok_actions          = local.notified
}

# The percentage of a flow's settled documents that failed: 0 as long as fewer than `failed_alarm_from` did.
resource "aws_cloudwatch_metric_alarm" "failed" {
  for_each = local.flows

  alarm_name          = "${var.prefix}-${each.key}-failed"
  alarm_description   = "Of the documents of ${each.key} that were settled within 15 minutes, more than ${var.failed_alarm} % were given up and not sent. `ctl status` has the reasons; trying again alone will not help. ${local.sections["${each.key}-failed"]}"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.failed_alarm
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notified
  ok_actions          = local.notified

  metric_query {
    id    = "expr_1"
    label = "percent"
    # a value is published only where something was counted
    expression = format(
      "IF(%s >= ${var.failed_alarm_from}, 100 * %s / (%s), 0)",
      "FILL(${replace(each.key, "-", "_")}_m0, 0)",
      "FILL(${replace(each.key, "-", "_")}_m0, 0)",
      join(" + ", [for index, metric in local.settled : "FILL(${replace(each.key, "-", "_")}_m${index}, 0)"]),
    )
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.settled
    content {
      id          = "${replace(each.key, "-", "_")}_m${metric_query.key}"
      return_data = false

      metric {
        namespace   = "ShopifyExstream"
        metric_name = metric_query.value
        dimensions  = { Function = aws_lambda_function.function[each.key].function_name }
        period      = 15 * 60
        stat        = "Sum"
      }
    }
  }
}

# Nothing was counted in any of the latest hours; where nothing happens, AWS publishes no value at all. The one metric of partner
# events that is published before any rule: silence is the source's, not the rule's.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.watches_source ? 1 : 0

  alarm_name          = "${var.prefix}-source-silent"
  alarm_description   = "Shopify has sent no event for ${var.silent_hours} hours. Is the partner event source ACTIVE, is the app installed, are the webhook subscriptions there? Reconcile finds part of what is missed. ${local.sections["source-silent"]}"
  namespace           = "AWS/Events"
  metric_name         = "Events"
  dimensions          = { EventSourceName = var.event_bus }
  period              = 60 * 60
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = var.silent_hours
  datapoints_to_alarm = var.silent_hours
  treat_missing_data  = "breaching"
  alarm_actions       = local.notified
  ok_actions          = local.notified
}
