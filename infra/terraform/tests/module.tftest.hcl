# What the module makes of its variables, as Terraform itself sees it. `terraform test` needs the provider, or the stand-in of it.

provider "aws" {
  region = "eu-central-1"
}

variables {
  event_bus = "aws.partner/shopify.com/123/main"
}

run "a_flow_is_a_row_of_the_table" {
  command = plan

  assert {
    condition     = aws_sqs_queue.work["order-confirmation"].visibility_timeout_seconds == 6 * aws_lambda_function.function["order-confirmation"].timeout
    error_message = "A message is hidden for six time-outs."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.work) == length(local.workers)
    error_message = "Each queue is worked on."
  }

  assert {
    condition     = !can(aws_lambda_function.function["outcome-events"])
    error_message = "Without a bus that takes outcomes nobody tells them."
  }

  assert {
    condition     = length(aws_iam_role.person) == 0
    error_message = "Nobody is trusted by default."
  }
}

run "outcomes_are_told_where_a_bus_takes_them" {
  command = plan

  variables {
    outcome_bus = "outcomes"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.changes["outcome-events"].starting_position == "TRIM_HORIZON"
    error_message = "The ledger is followed from its beginning."
  }

  assert {
    condition     = aws_dynamodb_table.ledger.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "An outcome is told when it changes."
  }
}

run "two_buses_are_refused" {
  command = plan

  variables {
    create_bus = true
  }

  expect_failures = [var.create_bus]
}

run "a_whole_account_is_not_trusted" {
  command = plan

  variables {
    trust_operator = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [var.trust_operator]
}

run "a_pass_never_runs_beside_itself" {
  command = plan

  variables {
    every = { reconcile = 10 }
  }

  expect_failures = [aws_scheduler_schedule.pass["reconcile"]]
}
