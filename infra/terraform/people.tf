# Roles for people, each with exactly what its commands of `ctl` need. Who may take one is a variable: nobody may until a
# deployment says so, and then the role is made. A session lasts an hour at most; IAM users need MFA.

locals {
  trusted = {
    for person, arns in {
      operator = var.trust_operator
      auditor  = var.trust_auditor
      support  = var.trust_support
      records  = var.trust_records
    } : person => arns if length(arns) > 0
  }

  commands = {
    operator = concat(
      [
        "ctl config",
        "ctl diff",
        "ctl dlq-discard",
        "ctl dlq-list",
        "ctl dlq-redrive",
        "ctl dlq-show",
        "ctl find",
        "ctl link-publish",
        "ctl link-replace",
        "ctl link-revoke",
        "ctl link-show",
        "ctl pause",
        "ctl preview",
        "ctl resend",
        "ctl resume",
        "ctl run",
        "ctl settle",
        "ctl status",
        "ctl status-all",
        "ctl status-metafield",
        "ctl suppress",
        "ctl why",
      ],
      # nobody may put events of a partner's
      var.create_bus ? ["ctl send"] : [],
    )
    auditor = ["ctl find", "ctl privacy", "ctl proof", "ctl show", "ctl status", "ctl why"]
    support = ["ctl find", "ctl status", "ctl why"]
    records = ["ctl dispose", "ctl hold", "ctl release", "ctl status", "ctl templates"]
  }

  look_at_ledger = [
    { Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = [aws_dynamodb_table.ledger.arn] },
    { Effect = "Allow", Action = ["dynamodb:Query"], Resource = [local.by_resource] },
  ]

  search_ledger = [
    {
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
      Resource = [aws_dynamodb_table.ledger.arn]
    },
    {
      Effect = "Allow"
      Action = ["dynamodb:Query"]
      Resource = [
        for index in [
          local.resource_index, local.name_index, local.customer_index, local.email_index, local.undelivered_index,
        ] : "${aws_dynamodb_table.ledger.arn}/index/${index}"
      ]
    },
  ]

  personal_rights = {
    operator = concat(
      local.search_ledger,
      local.open_erasable,
      [
        { Effect = "Allow", Action = ["dynamodb:UpdateItem"], Resource = [aws_dynamodb_table.ledger.arn] },
        # records without their documents, and which there are of a day
        { Effect = "Allow", Action = ["s3:GetObjectVersion"], Resource = ["${aws_s3_bucket.archive.arn}/*/record.json"] },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.archive.arn]
          Condition = { StringLike = { "s3:prefix" = ["${local.days}*/"] } }
        },
        { Effect = "Allow", Action = ["kms:Decrypt"], Resource = [aws_kms_key.archive.arn] },
        {
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${aws_s3_bucket.operations.arn}/config/*", "${aws_s3_bucket.operations.arn}/runs/*"]
        },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.operations.arn]
          Condition = { StringLike = { "s3:prefix" = ["config/*", "runs/*"] } }
        },
        # what was in force before, to compare it and to store it again
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucketVersions"]
          Resource  = [aws_s3_bucket.operations.arn]
          Condition = { StringLike = { "s3:prefix" = ["config/*"] } }
        },
        {
          Effect   = "Allow"
          Action   = ["s3:GetObjectVersion"]
          Resource = ["${aws_s3_bucket.operations.arn}/config/*"]
        },
        {
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = ["${aws_s3_bucket.operations.arn}/audit/*", "${aws_s3_bucket.operations.arn}/config/*"]
        },
        local.read_shop_secrets,
        local.read_customer_key,
        local.publish_links,
        local.read_link_key,
        {
          Effect = "Allow"
          Action = ["sqs:SendMessage"]
          # what customers ask for, nobody puts there by hand
          Resource = [for name in keys(local.workers) : aws_sqs_queue.work[name].arn if name != "privacy"]
        },
        {
          Effect   = "Allow"
          Action   = ["sqs:GetQueueAttributes"]
          Resource = [for name in keys(local.workers) : aws_sqs_queue.work[name].arn]
        },
        # looks at dead letters, and takes them away once they are somewhere else, or discarded
        {
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = [for name in local.dead_letters : aws_sqs_queue.dead_letters[name].arn]
        },
        # takes the events of intake's dead letters again
        { Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [aws_lambda_alias.live["intake"].arn] },
        # finds what feeds functions from their queues, and switches that off and on
        {
          Effect    = "Allow"
          Action    = ["lambda:UpdateEventSourceMapping"]
          Resource  = ["arn:${local.partition}:lambda:${local.region}:${local.account}:event-source-mapping:*"]
          Condition = { ArnEquals = { "lambda:FunctionArn" = [for name in keys(local.workers) : aws_lambda_alias.live[name].arn] } }
        },
        # it takes no resource: it lists the mappings of the account
        { Effect = "Allow", Action = ["lambda:ListEventSourceMappings"], Resource = ["*"] },
        # keeps the schedules of the runs as the configurations say
        {
          Effect   = "Allow"
          Action   = ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"]
          Resource = ["arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule/${var.prefix}/*"]
        },
        # it takes no resource: it lists the schedules of the account
        { Effect = "Allow", Action = ["scheduler:ListSchedules"], Resource = ["*"] },
        {
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = [aws_iam_role.run_schedules.arn]
          Condition = { StringEquals = { "iam:PassedToService" = "scheduler.amazonaws.com" } }
        },
      ],
      # what they decide, and whose documents they look at
      local.add_facts,
      local.record_access,
      [for bus in aws_cloudwatch_event_bus.own : { Effect = "Allow", Action = ["events:PutEvents"], Resource = [bus.arn] }],
    )
    auditor = concat(
      local.search_ledger,
      local.open_erasable,
      [
        # documents and records, each at the version that the ledger or a record names
        { Effect = "Allow", Action = ["s3:GetObjectVersion"], Resource = ["${aws_s3_bucket.archive.arn}/*"] },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.archive.arn]
          Condition = { StringLike = { "s3:prefix" = ["${local.folders}*"] } }
        },
        { Effect = "Allow", Action = ["kms:Decrypt"], Resource = [aws_kms_key.archive.arn] },
        # the logs, and what the leaf of a record is salted with
        { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${aws_s3_bucket.archive.arn}/log/*"] },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.archive.arn]
          Condition = { StringLike = { "s3:prefix" = ["log/*"] } }
        },
        { Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = [aws_dynamodb_table.commitments.arn] },
        # what came of privacy requests, and what customers are to get
        {
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${aws_s3_bucket.operations.arn}/privacy/requests/*", "${aws_s3_bucket.operations.arn}/exports/*"]
        },
        {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.operations.arn]
          Condition = { StringLike = { "s3:prefix" = ["privacy/requests/*", "exports/*"] } }
        },
      ],
      local.read_facts,
      local.record_access,
      [local.read_customer_key],
    )
    support = concat(local.search_ledger, [local.read_customer_key])
    # records of erasable documents are encrypted, too
    records = concat(local.look_at_ledger, local.hold_evidence, local.destroy_expired, local.open_erasable, [
      { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${aws_s3_bucket.operations.arn}/config/*"] },
      {
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [aws_s3_bucket.operations.arn]
        Condition = { StringLike = { "s3:prefix" = ["config/*"] } }
      },
      local.read_customer_key,
    ])
  }
}

# A role's sessions and a SAML provider's have proved who they are in their own way, such as with IAM Identity Center; a user's
# keys prove nothing without MFA.
resource "aws_iam_role" "person" {
  for_each = local.trusted

  name_prefix          = substr("${var.prefix}-${each.key}-", 0, 38)
  description          = "For people: ${join(", ", local.commands[each.key])}"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for arn in each.value : {
        Effect    = "Allow"
        Principal = { Federated = arn }
        Action    = "sts:AssumeRoleWithSAML"
        Condition = { StringEquals = { "SAML:aud" = "https://signin.aws.amazon.com/saml" } }
      } if strcontains(arn, ":saml-provider/")],
      [for arn in each.value : {
        Effect    = "Allow"
        Principal = { AWS = arn }
        Action    = "sts:AssumeRole"
        Condition = { Bool = { "aws:MultiFactorAuthPresent" = "true" } }
      } if strcontains(arn, ":user/")],
      [for arn in each.value : {
        Effect    = "Allow"
        Principal = { AWS = arn }
        Action    = "sts:AssumeRole"
      } if !strcontains(arn, ":saml-provider/") && !strcontains(arn, ":user/")],
    )
  })
}

resource "aws_iam_role_policy" "person" {
  for_each = local.trusted

  name = each.key
  role = aws_iam_role.person[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.personal_rights[each.key], local.people_use_data_key[each.key])
  })
}
