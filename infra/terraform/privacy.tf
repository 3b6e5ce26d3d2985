# Rights on what is erasable. The function `privacy` carries out Shopify's privacy requests, which the documents' API takes and queues:
# it is the only one that destroys secrets of customers and deletes anything.

locals {
  # the items of the secrets that erasable documents are encrypted with
  of_erasable_items = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["*#erasable#*", "*#communication#*"] } }
  query_secrets = {
    Effect   = "Allow"
    Action   = ["dynamodb:Query"]
    Resource = ["${aws_dynamodb_table.commitments.arn}/index/${local.key_index}"]
  }

  # opens what is encrypted
  open_erasable = [
    {
      Effect    = "Allow"
      Action    = ["dynamodb:GetItem"]
      Resource  = [aws_dynamodb_table.commitments.arn]
      Condition = local.of_erasable_items
    },
    local.query_secrets,
  ]

  # the same, and makes such secrets; changes and destroys none
  encrypt_erasable = [
    {
      Effect    = "Allow"
      Action    = ["dynamodb:GetItem", "dynamodb:PutItem"]
      Resource  = [aws_dynamodb_table.commitments.arn]
      Condition = local.of_erasable_items
    },
    local.query_secrets,
  ]

  # the secrets that Shopify signs privacy requests with, put by an operator
  read_app_secrets = {
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = ["${local.secrets_arn}/app-secrets-*"]
  }

  # reads what is exported, looks for holds, destroys secrets, and leaves tombstones; deletes of the archive only what was refused
  # before and has expired
  erase = concat(local.open_erasable, local.destroy_expired, [
    local.look_at_locks,
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucketVersions"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = [local.folders] } }
    },
    {
      Effect   = "Allow"
      Action   = ["s3:GetObjectVersion"]
      Resource = ["${aws_s3_bucket.archive.arn}/${local.folders}*"]
    },
    {
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject"]
      Resource = ["${aws_s3_bucket.archive.arn}/erasure/*"]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["*.myshopify.com/", "${local.folders}*", "erasure/*"] } }
    },
    { Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [aws_kms_key.archive.arn] },
    {
      Effect    = "Allow"
      Action    = ["dynamodb:DeleteItem"]
      Resource  = [aws_dynamodb_table.commitments.arn]
      Condition = local.of_erasable_items
    },
    # of the erasable secrets of a shop that is forgotten
    { Effect = "Allow", Action = ["dynamodb:Scan"], Resource = [aws_dynamodb_table.commitments.arn] },
    # exports, what came of requests, what waits to be printed, and which documents are erasable
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${aws_s3_bucket.operations.arn}/config/*", "${aws_s3_bucket.operations.arn}/privacy/*"]
    },
    {
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = ["${aws_s3_bucket.operations.arn}/privacy/*", "${aws_s3_bucket.operations.arn}/exports/*"]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.operations.arn]
      Condition = { StringLike = { "s3:prefix" = ["config/*", "privacy/*", "spool/*"] } }
    },
    {
      Effect   = "Allow"
      Action   = ["s3:DeleteObject"]
      Resource = ["${aws_s3_bucket.operations.arn}/spool/*", "${aws_s3_bucket.operations.arn}/privacy/due/*"]
    },
    { Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:UpdateItem"], Resource = [aws_dynamodb_table.ledger.arn] },
    { Effect = "Allow", Action = ["dynamodb:Query"], Resource = [local.by_resource] },
    # all communications for a customer, by whatever they are reported on
    {
      Effect   = "Allow"
      Action   = ["dynamodb:Query"]
      Resource = ["${aws_dynamodb_table.ledger.arn}/index/${local.customer_index}"]
    },
    {
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = [aws_dynamodb_table.links.arn]
    },
    local.read_customer_key,
    local.read_link_key,
  ])
}
