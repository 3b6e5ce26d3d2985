# Alarms that ring for one cause ring together, and a person hears of it once: a composite alarm per kind of trouble notifies in
# the place of the single ones. What to do is in docs/runbook.md.

locals {
  topics = var.alarm_topic == null ? [] : [var.alarm_topic]

  # each with what its notification says
  groups = {
    "evidence-at-risk"      = "Archived evidence is missing or was altered. Look at once: somebody may be deleting evidence."
    "events-lost"           = "Events or schedules did not reach the system, or no event comes at all. Look at once: customers get no document."
    "functions-failing"     = "Functions fail as a whole or are not let run. Look at once: work waits, and becomes dead letters."
    "work-delayed"          = "Work takes longer than it should. Look within the hour: is Exstream or Shopify slow or down?"
    "customers-turned-away" = "Customers cannot open their published documents. Look within the hour."
    "work-given-up"         = "Dead-letter queues hold work. Look today: it is kept for 14 days."
    "documents-in-doubt"    = "It is not known whether documents were sent. Look today: a person has to decide."
    "documents-not-made"    = "Documents cannot be made or sent. Look today: another attempt alone will not help."
    "passes-failing"        = "What is repeated for every shop fails for some, Shopify refuses reports, or logs are not time-stamped. Look within days."
  }

  # the sections of the runbook and their groups: the first one that fits an alarm's name is its entry
  runbook = [
    { section = "archive-seal-evidence-missing", group = "evidence-at-risk" },
    { section = "archive-seal-evidence-altered", group = "evidence-at-risk" },
    { section = "intake-refusal-lost", group = "events-lost" },
    { section = "webhooks-lost", group = "events-lost" },
    { section = "source-silent", group = "events-lost" },
    { section = "schedules-<kind>-lost", group = "events-lost" },
    { section = "schedules-<kind>-dropped", group = "events-lost" },
    { section = "<flow>-unknown", group = "documents-in-doubt" },
    { section = "statement-run-runs-failed", group = "documents-not-made" },
    { section = "statement-run-statements-unreadable", group = "documents-not-made" },
    { section = "offer-run-members-unreadable", group = "documents-not-made" },
    { section = "<flow>-failed", group = "documents-not-made" },
    { section = "intake-dlq-not-empty", group = "work-given-up" },
    { section = "schedules-dlq-not-empty", group = "work-given-up" },
    { section = "outcome-events-dlq-not-empty", group = "work-given-up" },
    { section = "<queue>-dlq-not-empty", group = "work-given-up" },
    { section = "<function>-errors", group = "functions-failing" },
    { section = "<function>-throttled", group = "functions-failing" },
    { section = "schedules-<kind>-refused", group = "functions-failing" },
    { section = "<function>-slow", group = "work-delayed" },
    { section = "outcome-events-late", group = "work-delayed" },
    { section = "<queue>-late", group = "work-delayed" },
    { section = "<queue>-overdue", group = "work-delayed" },
    { section = "<flow>-became-ill", group = "work-delayed" },
    { section = "<run>-retried", group = "work-delayed" },
    { section = "statement-run-batch-outputs-unproven", group = "work-delayed" },
    { section = "statement-run-batch-outputs-missing", group = "work-delayed" },
    { section = "write-back-report-refused", group = "passes-failing" },
    { section = "archive-seal-unstamped", group = "passes-failing" },
    { section = "<pass>-failed-shops", group = "passes-failing" },
    { section = "<pass>-problems", group = "passes-failing" },
    { section = "<flow>-recovered", group = "passes-failing" },
    { section = "documents-not-shown", group = "customers-turned-away" },
    { section = "documents-api-failures", group = "customers-turned-away" },
    { section = "documents-not-found", group = "customers-turned-away" },
  ]

  alarm_names = concat(
    keys(local.alarms),
    [for name in keys(local.flows) : "${name}-failed"],
    local.watches_source ? ["source-silent"] : [],
  )
  entries = {
    for name in local.alarm_names : name => [
      for entry in local.runbook : entry if can(regex("^${replace(entry.section, "/<[a-z]+>/", ".+")}$", name))
    ][0]
  }
  # the address of each alarm's section, as GitHub makes it of the heading
  sections = { for name, entry in local.entries : name => "${var.runbook_url}#${replace(entry.section, "/[<>]/", "")}" }
}

resource "aws_cloudwatch_composite_alarm" "group" {
  for_each = local.groups

  alarm_name        = "${var.prefix}-${each.key}"
  alarm_description = "${each.value} Which alarm it is, the console says; what to do: ${var.runbook_url}#${each.key}"
  alarm_actions     = local.topics
  ok_actions        = local.topics
  # by name: a rule has 10,240 characters, and a name is half as long as an ARN
  alarm_rule = join(" OR ", [for name, entry in local.entries : "ALARM(\"${var.prefix}-${name}\")" if entry.group == each.key])

  depends_on = [aws_cloudwatch_metric_alarm.above, aws_cloudwatch_metric_alarm.failed, aws_cloudwatch_metric_alarm.silent]
}
