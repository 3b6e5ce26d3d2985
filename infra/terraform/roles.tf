# What the functions may do: each statement names the actions that the code calls and the narrowest resource that can be written
# down before a shop exists. Each role belongs to one function, and its policy goes with it.

locals {
  flow_queue_arns = { for name in keys(local.flows) : name => aws_sqs_queue.work[name].arn }

  # below these prefixes of the operations bucket a function reads; a request without a prefix is refused, so S3 answers 403 and
  # not 404 to a read of what is not there, which the functions look into by listing the key itself
  reads = merge(
    { for name in keys(local.flows) : name => ["config/*", "work/*"] },
    # an offer's message is small, an account's orders may not fit into one
    { for name in keys(local.runs) : name => name == "statement-run" ? ["config/*", "runs/*", "work/*"] : ["config/*", "runs/*"] },
    {
      "intake"          = ["config/*"]
      "write-back"      = ["config/*"]
      "delivery-status" = ["config/*", "print-status/*"]
      "reconcile"       = ["config/*"]
    },
  )

  writes = merge(
    { for name in keys(local.flows) : name => ["spool/*"] },
    { for name in keys(local.runs) : name => name == "statement-run" ? ["runs/*", "work/*"] : ["runs/*"] },
    {
      "intake"          = ["work/*"]
      "delivery-status" = ["print-status/*/done/*"]
    },
  )

  sends = merge(
    # to itself, where a channel refused a document and the next one is tried
    { for name in keys(local.flows) : name => [
      aws_sqs_queue.work["write-back"].arn, aws_sqs_queue.work[name].arn, aws_sqs_queue.dead_letters[name].arn,
    ] },
    # a run whose time ends sends itself a message, and continues with that one
    { for name, row in local.runs : name => [
      aws_sqs_queue.work[name].arn, aws_sqs_queue.dead_letters[name].arn, aws_sqs_queue.work[row.fills].arn,
    ] },
    { for name, row in local.functions : name => [aws_sqs_queue.dead_letters[name].arn] if row.kind == "stream" },
    {
      # what only a run fills, nobody else writes to
      "intake" = concat(
        [for name, arn in local.flow_queue_arns : arn if name != "account-statements"],
        [aws_sqs_queue.dead_letters["intake"].arn],
      )
      # what did not arrive is tried by the next channel
      "delivery-status" = concat([aws_sqs_queue.work["write-back"].arn], values(local.flow_queue_arns))
      "reconcile" = [
        for name, arn in local.flow_queue_arns : arn if !contains([for run in values(local.runs) : run.fills], name)
      ]
      "documents"  = [aws_sqs_queue.work["write-back"].arn, aws_sqs_queue.work["privacy"].arn]
      "write-back" = [aws_sqs_queue.dead_letters["write-back"].arn]
      # to itself, to do it once more
      "privacy" = [aws_sqs_queue.work["privacy"].arn, aws_sqs_queue.dead_letters["privacy"].arn]
    },
  )

  # the secrets of every shop: an operator puts them, so their names are known and their random suffixes are not
  secrets_arn = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.prefix}"
  read_shop_secrets = {
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = ["${local.secrets_arn}/shop/*"]
  }
  renew_shop_tokens = {
    Effect   = "Allow"
    Action   = ["secretsmanager:PutSecretValue"]
    Resource = ["${local.secrets_arn}/shop/*/token-*"]
  }
  read_customer_key = {
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = [aws_secretsmanager_secret.customer_key.id]
  }
  read_link_key = {
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = [aws_secretsmanager_secret.link_key.id]
  }

  # the folders of communications, below `test/` too: `<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>/`
  days    = "*.myshopify.com/????/??/??/"
  folders = "${local.days}*/*/"

  by_resource = "${aws_dynamodb_table.ledger.arn}/index/${local.resource_index}"
  by_check    = "${aws_dynamodb_table.ledger.arn}/index/${local.check_index}"

  # claims and moves communications, takes back the claim of one that is not to be, and finds those of an order
  keep_ledger = [
    {
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = [aws_dynamodb_table.ledger.arn]
    },
    { Effect = "Allow", Action = ["dynamodb:Query"], Resource = [local.by_resource] },
  ]

  # adds to the archive and reads it: nobody deletes, shortens a retention or bypasses one
  add_to_archive = [
    {
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:GetObjectVersion"]
      Resource = ["${aws_s3_bucket.archive.arn}/*"]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["${local.folders}*"] } }
    },
    local.look_at_locks,
    { Effect = "Allow", Action = ["s3:PutObjectLegalHold"], Resource = [local.archive_facts] },
    {
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource = [aws_kms_key.archive.arn]
    },
  ]

  # looks at everything that was archived of a day, and adds to the logs: whatever there is, it neither changes nor deletes
  seal_evidence = [
    {
      Effect   = "Allow"
      Action   = ["s3:GetObjectVersion"]
      Resource = ["${aws_s3_bucket.archive.arn}/${local.folders}*", local.archive_access]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucketVersions"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = [local.days, "access/${local.days}"] } }
    },
    # what was destroyed with a certificate is not missing
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = [local.archive_disposal] },
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"]
      Resource = ["${aws_s3_bucket.archive.arn}/log/*"]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["log/*", "disposal/*"] } }
    },
    {
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource = [aws_kms_key.archive.arn]
    },
    {
      Effect   = "Allow"
      Action   = ["kms:GetPublicKey", "kms:Sign"]
      Resource = [aws_kms_key.log.arn]
    },
    {
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
      Resource = [aws_dynamodb_table.commitments.arn]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.operations.arn]
      Condition = { StringLike = { "s3:prefix" = ["config/*"] } }
    },
  ]

  # makes links, takes them back and replaces them
  publish_links = {
    Effect   = "Allow"
    Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    Resource = [aws_dynamodb_table.links.arn]
  }

  # what is not said by a queue or a key of the operations bucket
  rights = merge(
    { for name in keys(local.flows) : name => concat(local.keep_ledger, local.add_to_archive, local.encrypt_erasable, [
      # sees what was once spooled, also where it was deleted
      {
        Effect    = "Allow"
        Action    = ["s3:ListBucketVersions"]
        Resource  = [aws_s3_bucket.operations.arn]
        Condition = { StringLike = { "s3:prefix" = ["spool/*"] } }
      },
      local.read_shop_secrets,
      local.read_customer_key,
      local.publish_links,
      local.read_link_key,
    ]) },
    { for name in keys(local.runs) : name => [local.read_shop_secrets] },
    {
      "intake" = []
      "write-back" = concat(
        # what the function that everybody can reach tells of openings
        local.add_facts,
        [local.find_records],
        [
          { Effect = "Allow", Action = ["dynamodb:UpdateItem"], Resource = [aws_dynamodb_table.ledger.arn] },
          local.read_shop_secrets,
        ],
      )
      "archive-seal" = concat(local.seal_evidence, local.open_erasable)
      "privacy"      = local.erase
      # finds communications whose channel is to be asked, and records what it said
      "delivery-status" = concat(local.add_facts, [
        {
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
          Resource = [aws_dynamodb_table.ledger.arn]
        },
        { Effect = "Allow", Action = ["dynamodb:Query"], Resource = [local.by_check] },
        local.read_shop_secrets,
      ])
      # sees which of many communications there are
      "reconcile" = [
        { Effect = "Allow", Action = ["dynamodb:BatchGetItem"], Resource = [aws_dynamodb_table.ledger.arn] },
        local.read_shop_secrets,
        local.renew_shop_tokens,
      ]
      # the one function that everybody can reach has the least of all: what links name, the links themselves, and what the
      # ledger knows of recipients, so that an unsubscription holds at once; it reads no communication
      "documents" = concat(local.open_erasable, [
        local.read_app_secrets,
        {
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
          Resource = [aws_dynamodb_table.links.arn]
        },
        {
          Effect   = "Allow"
          Action   = ["s3:GetObjectVersion"]
          Resource = ["${aws_s3_bucket.archive.arn}/${local.folders}document*"]
        },
        { Effect = "Allow", Action = ["kms:Decrypt"], Resource = [aws_kms_key.archive.arn] },
        {
          Effect    = "Allow"
          Action    = ["dynamodb:UpdateItem"]
          Resource  = [aws_dynamodb_table.ledger.arn]
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["recipient#*"] } }
        },
      ])
    },
    # follows the ledger, so that whoever records an outcome makes no request more
    { for name, row in local.functions : name => [
      {
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        Resource = [aws_dynamodb_table.ledger.stream_arn]
      },
      { Effect = "Allow", Action = ["events:PutEvents"], Resource = [local.outcome_bus_arn] },
    ] if row.kind == "stream" },
  )

  function_rights = {
    for function in keys(local.functions) : function => concat(
      [
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.function[function].arn}:*"]
        },
      ],
      # what Lambda needs to poll the queue in the function's name, and the function to put a message off
      [
        for name in keys(local.workers) : {
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = [aws_sqs_queue.work[name].arn]
        } if name == function
      ],
      [
        for name, arns in local.sends : {
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = arns
        } if name == function
      ],
      [
        for name, keys in local.reads : {
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = [for key in keys : "${aws_s3_bucket.operations.arn}/${key}"]
        } if name == function
      ],
      [
        for name, keys in local.reads : {
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = [aws_s3_bucket.operations.arn]
          Condition = { StringLike = { "s3:prefix" = keys } }
        } if name == function
      ],
      [
        for name, keys in local.writes : {
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = [for key in keys : "${aws_s3_bucket.operations.arn}/${key}"]
        } if name == function
      ],
      local.rights[function],
    )
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name_prefix = substr("${var.prefix}-${each.key}-", 0, 38)
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.function_rights[each.key],
      local.functions_use_data_key[each.key],
      local.use_compute_key["lambda"],
    )
  })
}
