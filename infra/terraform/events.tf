# Shopify's bus and what it brings to intake; the bus that outcomes are told on.

locals {
  bus_name = var.event_bus != null ? var.event_bus : one(aws_cloudwatch_event_bus.own[*].name)

  # the rule by its name: a rule on the default bus is named without the bus
  webhooks_rule     = "${var.prefix}-webhooks"
  webhooks_path     = local.bus_name == "default" ? local.webhooks_rule : "${local.bus_name}/${local.webhooks_rule}"
  webhooks_rule_arn = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.webhooks_path}"

  # a bus of outcomes is named by its name or by its ARN
  outcome_bus_is_arn  = var.outcome_bus == null ? false : startswith(var.outcome_bus, "arn:")
  outcome_bus_by_name = var.outcome_bus == null ? null : "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${var.outcome_bus}"
  outcome_bus_named   = local.outcome_bus_is_arn ? var.outcome_bus : local.outcome_bus_by_name
  outcome_bus_arn     = var.create_outcome_bus ? one(aws_cloudwatch_event_bus.outcomes[*].arn) : local.outcome_bus_named
  outcome_bus_name    = var.create_outcome_bus ? one(aws_cloudwatch_event_bus.outcomes[*].name) : local.outcome_bus_is_arn ? element(split("/", var.outcome_bus), 1) : var.outcome_bus

  # each accepted source as a whole, and what is below it: `…/12` is not the beginning of `…/123`
  sources = [for source in var.event_source : trimsuffix(trimspace(source), "/")]
}

# For a deployment without Shopify.
resource "aws_cloudwatch_event_bus" "own" {
  count              = var.create_bus ? 1 : 0
  name               = var.prefix
  kms_key_identifier = local.compute_key_arn
}

resource "aws_cloudwatch_event_bus" "outcomes" {
  count              = var.create_outcome_bus ? 1 : 0
  name               = "${var.prefix}-outcomes"
  kms_key_identifier = local.compute_key_arn
}

resource "aws_cloudwatch_event_rule" "webhooks" {
  name           = local.webhooks_rule
  description    = "Shopify webhooks to intake"
  event_bus_name = local.bus_name
  state          = "ENABLED"
  event_pattern = jsonencode({
    source        = flatten([for source in local.sources : [source, { prefix = "${source}/" }]])
    "detail-type" = ["shopifyWebhook"]
  })
}

# Two ways lead to the same dead-letter queue: EventBridge cannot invoke, or intake refuses the event.
resource "aws_cloudwatch_event_target" "intake" {
  rule           = aws_cloudwatch_event_rule.webhooks.name
  event_bus_name = local.bus_name
  target_id      = "Target0"
  arn            = aws_lambda_alias.live["intake"].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["intake"].arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }
}

resource "aws_lambda_permission" "webhooks" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function["intake"].function_name
  qualifier     = aws_lambda_alias.live["intake"].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.webhooks.arn
}
