# Keys of the deployment's own, where `customer_managed_keys` asks for them: one for what the deployment keeps, and one for what works
# on it (logs, environments, buses, schedules). Without them, AWS's own keys encrypt. What a role may ask of a key follows from
# what it may ask of what the key encrypts, and it may ask it through that service alone.

locals {
  data_key_arn    = one(aws_kms_key.data[*].arn)
  compute_key_arn = one(aws_kms_key.compute[*].arn)

  kms_read        = ["kms:Decrypt"]
  kms_write       = ["kms:Decrypt", "kms:GenerateDataKey"]
  kms_read_table  = ["kms:Decrypt", "kms:DescribeKey"]
  kms_write_table = concat(local.kms_read_table, ["kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"])

  # what an action on something encrypted takes of its key; whatever is not here touches no content
  key_needs = {
    dynamodb = {
      "dynamodb:BatchGetItem" = local.kms_read_table
      "dynamodb:DeleteItem"   = local.kms_write_table
      "dynamodb:GetItem"      = local.kms_read_table
      "dynamodb:GetRecords"   = local.kms_read_table
      "dynamodb:PutItem"      = local.kms_write_table
      "dynamodb:Query"        = local.kms_read_table
      "dynamodb:Scan"         = local.kms_read_table
      "dynamodb:UpdateItem"   = local.kms_write_table
    }
    # of the operations bucket: the archive has a key of its own
    s3 = {
      "s3:GetObject"        = local.kms_read
      "s3:GetObjectVersion" = local.kms_read
      "s3:PutObject"        = local.kms_write
    }
    secretsmanager = {
      "secretsmanager:GetSecretValue" = local.kms_read
      "secretsmanager:PutSecretValue" = local.kms_write
    }
    sqs = {
      "sqs:ReceiveMessage" = local.kms_read
      "sqs:SendMessage"    = local.kms_write
    }
  }

  # of functions and of people apart: what people may do names functions, and these wait for their roles
  keys_of_functions = {
    for name, statements in local.function_rights : name => {
      for service, needs in local.key_needs : service => distinct(flatten([
        for statement in statements : [for action in statement.Action : lookup(needs, action, [])]
        if service != "s3" || startswith(statement.Resource[0], aws_s3_bucket.operations.arn)
      ]))
    }
  }
  keys_of_people = {
    for person, statements in local.personal_rights : person => {
      for service, needs in local.key_needs : service => distinct(flatten([
        for statement in statements : [for action in statement.Action : lookup(needs, action, [])]
        if service != "s3" || startswith(statement.Resource[0], aws_s3_bucket.operations.arn)
      ]))
    }
  }
  functions_use_data_key = { for name, services in local.keys_of_functions : name => [
    for service, actions in services : {
      Effect    = "Allow"
      Action    = actions
      Resource  = [local.data_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "${service}.${local.region}.amazonaws.com" } }
    } if var.customer_managed_keys && length(actions) > 0
  ] }
  people_use_data_key = { for person, services in local.keys_of_people : person => [
    for service, actions in services : {
      Effect    = "Allow"
      Action    = actions
      Resource  = [local.data_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "${service}.${local.region}.amazonaws.com" } }
    } if var.customer_managed_keys && length(actions) > 0
  ] }
  # what schedules put into queues
  send_with_data_key = [
    for key in aws_kms_key.data : {
      Effect    = "Allow"
      Action    = local.kms_write
      Resource  = [key.arn]
      Condition = { StringEquals = { "kms:ViaService" = "sqs.${local.region}.amazonaws.com" } }
    }
  ]
  use_compute_key = {
    for service in ["lambda", "scheduler"] : service => [
      for key in aws_kms_key.compute : {
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [key.arn]
        Condition = { StringEquals = { "kms:ViaService" = "${service}.${local.region}.amazonaws.com" } }
      }
    ]
  }

  account_decides = jsondecode(local.key_policy).Statement
  own_buses       = concat(var.create_bus ? [var.prefix] : [], var.create_outcome_bus ? ["${var.prefix}-outcomes"] : [])
  own_bus_arns    = [for name in local.own_buses : "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${name}"]
}

# What the deployment keeps: tables, queues, secrets, the operations bucket.
resource "aws_kms_key" "data" {
  count                   = var.customer_managed_keys ? 1 : 0
  description             = "What the deployment keeps: tables, queues, secrets, operations bucket"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.account_decides, [
      # EventBridge puts by itself what it could not bring to intake
      {
        Sid       = "TakeUndeliveredEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = local.kms_write
        Resource  = "*"
        Condition = { ArnEquals = { "aws:SourceArn" = local.webhooks_rule_arn } }
      },
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action = [
          "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
        ]
        Resource  = "*"
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
      },
    ])
  })

  lifecycle {
    prevent_destroy = true
  }
}

# Logs, environments, buses, schedules. It goes with them.
resource "aws_kms_key" "compute" {
  count                   = var.customer_managed_keys ? 1 : 0
  description             = "What works on what the deployment keeps: logs, environments, buses, schedules"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.account_decides,
      [
        {
          Sid       = "EncryptLogs"
          Effect    = "Allow"
          Principal = { Service = "logs.${local.region}.${data.aws_partition.current.dns_suffix}" }
          Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
          Resource  = "*"
          Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [
            for group in ["/aws/lambda/${var.prefix}-*", "/aws/apigateway/${var.prefix}-*", "/aws/vpc/${var.prefix}"] :
            "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}"
          ] } }
        },
      ],
      [
        for bus in local.own_bus_arns : {
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = { StringEquals = {
            "aws:SourceAccount"                              = local.account
            "aws:SourceArn"                                  = bus
            "kms:EncryptionContext:aws:events:event-bus:arn" = bus
          } }
        }
      ],
    )
  })
}

# S3 delivers access logs only to a bucket that a key of S3's encrypts. They name keys and requests, and no content.
resource "aws_s3_bucket" "access_logs" {
  count         = var.customer_managed_keys ? 1 : 0
  bucket_prefix = substr("${var.prefix}-access-logs-", 0, 37)

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs" {
  count  = var.customer_managed_keys ? 1 : 0
  bucket = aws_s3_bucket.access_logs[0].bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  count  = var.customer_managed_keys ? 1 : 0
  bucket = aws_s3_bucket.access_logs[0].bucket

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "access"
    status = "Enabled"

    filter {
      prefix = "access/"
    }

    expiration {
      days = 400
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

resource "aws_s3_bucket_policy" "access_logs" {
  count  = var.customer_managed_keys ? 1 : 0
  bucket = aws_s3_bucket.access_logs[0].bucket
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.secure_transport.access_logs], local.take_access_logs)
  })

  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

resource "aws_s3_bucket_logging" "operations" {
  count         = var.customer_managed_keys ? 1 : 0
  bucket        = aws_s3_bucket.operations.bucket
  target_bucket = aws_s3_bucket.access_logs[0].bucket
  target_prefix = "access/operations/"

  depends_on = [aws_s3_bucket_policy.access_logs]
}
