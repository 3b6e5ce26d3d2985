# Log queries that whoever looks into an alarm finds in CloudWatch Logs Insights, below the deployment's name. Their fields and texts
# are those of the functions' log lines.

locals {
  # functions whose logs are searched, and the steps of the query
  queries = {
    "one-communication" = {
      of = keys(local.functions)
      lines = [
        "fields @timestamp, @log, level, message, state, reason, duration_ms",
        "filter communication = \"put its id here\"",
        "sort @timestamp asc",
      ]
    }
    "events-not-queued" = {
      of = ["intake"]
      lines = [
        "filter message in [\"event refused\", \"event ignored\"]",
        "stats count(*) as events, latest(@timestamp) as last by message, error, reason, shop, topic",
        "sort events desc",
      ]
    }
    "retries" = {
      of = keys(local.functions)
      lines = [
        "filter message = \"message will be retried\"",
        "stats count(*) as deliveries, max(receive_count) as most, latest(@timestamp) as last by @log, flow, reason",
        "sort deliveries desc",
      ]
    }
    "not-sent" = {
      of = keys(local.functions)
      lines = [
        "filter state in [\"failed\", \"unknown\", \"suppressed\"]",
        "stats count(*) as documents, latest(communication) as example, latest(@timestamp) as last by shop, document, state, reason",
        "sort documents desc",
      ]
    }
    "durations" = {
      of = keys(local.functions)
      lines = [
        "filter ispresent(duration_ms)",
        "stats count(*) as messages, pct(duration_ms, 50), pct(duration_ms, 95), max(duration_ms) by @log, bin(5m)",
        "sort @log asc",
      ]
    }
    "failed-invocations" = {
      of = keys(local.functions)
      lines = [
        "filter level = \"ERROR\" or ispresent(record.status) or @message like /panicked|Task timed out|Runtime exited/",
        "fields @timestamp, @log, message, error, reason, record.status, @message",
        "sort @timestamp desc",
      ]
    }
    "runs" = {
      of = keys(local.runs)
      lines = [
        "filter ispresent(run) or level in [\"WARN\", \"ERROR\"]",
        "fields @timestamp, shop, run, period, level, message, state, what, reason, error, problem",
        "sort @timestamp desc",
      ]
    }
    "passes" = {
      of = keys(local.passes)
      lines = [
        "filter level in [\"WARN\", \"ERROR\"]",
        "stats count(*) as times, latest(@timestamp) as last by @log, shop, message, reason, problem",
        "sort times desc",
      ]
    }
    "evidence" = {
      of = ["archive-seal"]
      lines = [
        "filter level = \"ERROR\"",
        "fields @timestamp, shop, communication, message, reason",
        "sort @timestamp desc",
      ]
    }
    "reports" = {
      of = ["write-back"]
      lines = [
        "filter ispresent(write_back) or message = \"message will be retried\"",
        "stats count(*) as reports, latest(communication) as example by shop, document, write_back, reason",
        "sort reports desc",
      ]
    }
    "outcomes-not-told" = {
      of = ["outcome-events"]
      lines = [
        "filter level = \"ERROR\"",
        "stats count(*) as events, latest(communication) as example, latest(@timestamp) as last by message, reason",
        "sort events desc",
      ]
    }
    "pages" = {
      of = ["documents"]
      lines = [
        "filter message in [\"document not shown\", \"answered\"]",
        "stats count(*) as requests, latest(communication) as example by route, status, error",
        "sort requests desc",
      ]
    }
    "page-requests" = {
      of = []
      lines = [
        "stats count(*) as requests, max(duration_ms) as slowest by route, status, error",
        "sort requests desc",
      ]
    }
  }

  # of a function that is not deployed there is no log
  logs_of_queries = {
    for name, query in local.queries : name => name == "page-requests" ? [aws_cloudwatch_log_group.documents_access.name] : [
      for function, group in aws_cloudwatch_log_group.function : group.name if contains(query.of, function)
    ]
  }
}

resource "aws_cloudwatch_query_definition" "query" {
  for_each = { for name, query in local.queries : name => query if length(local.logs_of_queries[name]) > 0 }

  name            = "${var.prefix}/${each.key}"
  query_string    = join("\n| ", each.value.lines)
  log_group_names = local.logs_of_queries[each.key]
}
