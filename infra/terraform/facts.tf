# What functions are there, and what they differ in: infra/functions.json, which the CDK app, the local run and this module
# read. A row of the kind `flow` is a whole flow: its queue and dead letters, its function with role, alarms and outputs.

locals {
  facts = jsondecode(file("${path.module}/../functions.json"))

  # what every function has, what its kind has, and what it has itself: the last one wins
  rows = merge([
    for kind, functions in local.facts : {
      for name, own in functions.functions : name => merge(local.facts.every, functions.shared, own, { kind = kind })
      # the console is the CDK app's alone
      if name != "staff-console"
    } if can(functions.functions)
  ]...)

  # where no bus takes outcomes, nobody tells them
  tells_outcomes = var.outcome_bus != null || var.create_outcome_bus
  functions      = { for name, row in local.rows : name => row if row.kind != "stream" || local.tells_outcomes }

  flows  = { for name, row in local.rows : name => row if row.kind == "flow" }
  runs   = { for name, row in local.rows : name => row if row.kind == "run" }
  passes = { for name, row in local.rows : name => row if row.kind == "pass" }
  # everything that the clock starts
  scheduled = { for name, row in local.rows : name => row if can(row.everyMinutes) }
  # everything that works on a queue of its own
  workers = { for name, row in local.rows : name => row if contains(["flow", "run", "write-back", "privacy"], row.kind) }

  # `OrderConfirmation` of `order-confirmation`: outputs
  pascal = { for name, row in local.rows : name => replace(title(replace(name, "-", " ")), " ", "") }

  timeout_seconds  = { for name, row in local.rows : name => lookup(var.timeout, name, row.timeoutSeconds) }
  memory_megabytes = { for name, row in local.rows : name => lookup(var.memory, name, row.memoryMegabytes) }
  # room in /tmp, where Lambda's 512 MB are not enough
  storage_megabytes = {
    for name, row in local.rows : name => lookup(var.storage, name, row.storageMegabytes) if can(row.storageMegabytes)
  }
  every_minutes = { for name, row in local.scheduled : name => lookup(var.every, name, row.everyMinutes) }
  max_concurrency = merge(
    { for name, row in local.flows : name => lookup(var.max_concurrency_of, name, coalesce(var.max_concurrency, row.maxConcurrency)) },
    { for name, row in local.runs : name => coalesce(var.run_concurrency, row.maxConcurrency) },
    { "privacy" = local.rows["privacy"].maxConcurrency },
    { "write-back" = lookup(var.max_concurrency_of, "write-back", local.rows["write-back"].maxConcurrency) },
  )
  max_receive_count = coalesce(var.max_receive_count, local.facts.queues.maxReceiveCount)
  retry_base        = coalesce(var.retry_base, local.facts.queues.retryBaseSeconds)
  async_retries     = coalesce(var.async_retries, local.rows["intake"].asyncRetries)
  write_back_window = coalesce(var.write_back_window, local.rows["write-back"].windowSeconds)
  lock_days         = coalesce(var.lock_days, min(365, var.max_retention_days))

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
}
