# What outlives a deployment: the evidence archive with the key and the secrets of its logs, the operations bucket, the ledger,
# the links, and the secrets that pseudonyms and links are made with. Terraform refuses to destroy any of it.

locals {
  # for so long a flow relies on the versions of manifests: PROVABLE_DAYS in shared/delivery/src/print.rs
  spool_provable_days = 30
  # no manifest is larger: MAX_MANIFEST_BYTES in the same file
  manifest_bytes = 16 * 1024

  buckets = merge(
    {
      archive    = aws_s3_bucket.archive
      operations = aws_s3_bucket.operations
    },
    { for bucket in aws_s3_bucket.access_logs : "access_logs" => bucket },
  )

  # who gets the access logs: the operations bucket, unless a key of the deployment's own encrypts that one
  access_logs = var.customer_managed_keys ? aws_s3_bucket.access_logs[0] : aws_s3_bucket.operations
  take_access_logs = [
    for name, logged in { for name, bucket in local.buckets : name => bucket if name != "access_logs" } : {
      Sid       = "AccessLogOf${title(name)}"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${local.access_logs.arn}/access/${name}/*"
      Condition = {
        ArnLike      = { "aws:SourceArn" = logged.arn }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    } if var.customer_managed_keys || name == "archive"
  ]

  secure_transport = {
    for name, bucket in local.buckets : name => {
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "s3:*"
      Resource  = [bucket.arn, "${bucket.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }

  # the account decides by its own policies who may use a key
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
    ]
  })

  # in this order: no rule for `config/`, as evidence records name its versions, so every version stays
  operations_rules = [
    { id = "unfinished-uploads", abort_days = 7 },
    { id = "delete-markers", delete_markers = true },
    # payloads hold personal data: the versions go as soon as the current one has
    { id = "work", prefix = "work/", days = 14, noncurrent_days = 1 },
    # the archive keeps what was printed
    { id = "spool", prefix = "spool/", days = var.spool_days },
    # whether a document was spooled is told by the versions of its manifest, whoever has deleted it; documents are larger,
    # hold personal data, and prove nothing here
    { id = "spool-documents", prefix = "spool/", larger_than = local.manifest_bytes, noncurrent_days = 1 },
    { id = "spool-manifests", prefix = "spool/", smaller_than = local.manifest_bytes + 1, noncurrent_days = local.spool_provable_days + 1 },
    # what print providers say, and what came of it: the ledger keeps what was believed
    { id = "print-status", prefix = "print-status/", days = var.spool_days, noncurrent_days = 1 },
    # everything that is held of a person, until the merchant has fetched it
    { id = "exports", prefix = "exports/", days = 30, noncurrent_days = 1 },
    # what an audience or a period came to; the ledger keeps what was made of it
    { id = "runs", prefix = "runs/", days = var.run_days, noncurrent_days = 1 },
    { id = "access", prefix = "access/", days = 400, noncurrent_days = 1 },
  ]
}

resource "aws_kms_key" "archive" {
  description             = "Archived documents and their evidence records"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy

  lifecycle {
    prevent_destroy = true
  }
}

# Whoever checks a proof knows the logs by this key, so it is kept as long as the archive. KMS rotates no key of this kind.
resource "aws_kms_key" "log" {
  description              = "Signs the checkpoints of the logs of evidence records"
  customer_master_key_spec = "ECC_NIST_EDWARDS25519"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30
  policy                   = local.key_policy

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket" "archive" {
  bucket_prefix       = substr("${var.prefix}-archive-", 0, 37)
  object_lock_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket" "operations" {
  bucket_prefix = substr("${var.prefix}-operations-", 0, 37)

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "bucket" {
  for_each = local.buckets

  bucket = each.value.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = local.buckets

  bucket                  = each.value.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "bucket" {
  for_each = local.buckets

  bucket = each.value.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "archive" {
  bucket = aws_s3_bucket.archive.bucket

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.archive.arn
    }
  }
}

# S3 delivers access logs only to a bucket whose default encryption is its own.
resource "aws_s3_bucket_server_side_encryption_configuration" "operations" {
  bucket = aws_s3_bucket.operations.bucket

  rule {
    bucket_key_enabled = var.customer_managed_keys ? true : null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.customer_managed_keys ? "aws:kms" : "AES256"
      kms_master_key_id = local.data_key_arn
    }
  }
}

# For objects put without a retention of their own; the functions always set one.
resource "aws_s3_bucket_object_lock_configuration" "archive" {
  bucket = aws_s3_bucket.archive.bucket

  rule {
    default_retention {
      mode = var.lock_mode
      days = local.lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

resource "aws_s3_bucket_logging" "archive" {
  bucket        = aws_s3_bucket.archive.bucket
  target_bucket = local.access_logs.bucket
  target_prefix = "access/archive/"

  depends_on = [aws_s3_bucket_policy.operations, aws_s3_bucket_policy.access_logs]
}

# No rule expires anything here: an object's own retention, chosen by the class of its document, says how long it is kept at
# least, and what is done with it afterwards is a decision, not a default.
resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  bucket = aws_s3_bucket.archive.bucket

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

resource "aws_s3_bucket_lifecycle_configuration" "operations" {
  bucket = aws_s3_bucket.operations.bucket

  dynamic "rule" {
    for_each = local.operations_rules
    content {
      id     = rule.value.id
      status = "Enabled"

      filter {
        # S3 takes a prefix beside a size only together
        prefix = can(rule.value.larger_than) || can(rule.value.smaller_than) ? null : try(rule.value.prefix, null)

        dynamic "and" {
          for_each = can(rule.value.larger_than) || can(rule.value.smaller_than) ? [rule.value] : []
          content {
            prefix                   = and.value.prefix
            object_size_greater_than = try(and.value.larger_than, null)
            object_size_less_than    = try(and.value.smaller_than, null)
          }
        }
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = can(rule.value.abort_days) ? [rule.value.abort_days] : []
        content {
          days_after_initiation = abort_incomplete_multipart_upload.value
        }
      }

      dynamic "expiration" {
        for_each = can(rule.value.days) || can(rule.value.delete_markers) ? [rule.value] : []
        content {
          days                         = try(expiration.value.days, null)
          expired_object_delete_marker = try(expiration.value.delete_markers, null)
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = can(rule.value.noncurrent_days) ? [rule.value.noncurrent_days] : []
        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

resource "aws_s3_bucket_policy" "archive" {
  bucket = aws_s3_bucket.archive.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.secure_transport.archive,
      {
        Sid       = "KeepRetentionWithinBounds"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["s3:PutObject", "s3:PutObjectRetention"]
        Resource  = "${aws_s3_bucket.archive.arn}/*"
        Condition = { NumericGreaterThan = { "s3:object-lock-remaining-retention-days" = tostring(var.max_retention_days) } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

resource "aws_s3_bucket_policy" "operations" {
  bucket = aws_s3_bucket.operations.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.secure_transport.operations],
      # a provider that may delete what it has collected hides a version; removing one would remove the proof
      [{
        Sid       = "KeepWhatWasSpooled"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:DeleteObjectVersion"
        Resource  = "${aws_s3_bucket.operations.arn}/spool/*"
      }],
      [for statement in local.take_access_logs : statement if !var.customer_managed_keys],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

# Communications carry no time to live: one that the ledger forgot could be sent a second time. The attribute is for what
# serves a while only, such as the counts behind a frequency cap.
resource "aws_dynamodb_table" "ledger" {
  name                        = "${var.prefix}-ledger"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = true
  # both images: an outcome is told when it changes, not whenever its item does
  stream_enabled   = local.tells_outcomes
  stream_view_type = local.tells_outcomes ? "NEW_AND_OLD_IMAGES" : null

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "resource_key"
    type = "S"
  }

  attribute {
    name = "check_shop"
    type = "S"
  }

  attribute {
    name = "check_epoch_ms"
    type = "N"
  }

  attribute {
    name = "name_key"
    type = "B"
  }

  attribute {
    name = "created_epoch_ms"
    type = "N"
  }

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "email_key"
    type = "B"
  }

  attribute {
    name = "shop"
    type = "S"
  }

  attribute {
    name = "undelivered_ms"
    type = "N"
  }

  # the communications of one order, customer or company location
  global_secondary_index {
    name            = local.resource_index
    hash_key        = "resource_key"
    projection_type = "KEYS_ONLY"
  }

  # holds only communications whose channel is still to be asked what became of them
  global_secondary_index {
    name            = local.check_index
    hash_key        = "check_shop"
    range_key       = "check_epoch_ms"
    projection_type = "KEYS_ONLY"
  }

  # by what a person calls it, such as an order's name
  global_secondary_index {
    name            = local.name_index
    hash_key        = "name_key"
    range_key       = "created_epoch_ms"
    projection_type = "KEYS_ONLY"
  }

  # the communications for a customer
  global_secondary_index {
    name            = local.customer_index
    hash_key        = "customer"
    range_key       = "created_epoch_ms"
    projection_type = "KEYS_ONLY"
  }

  # the communications whose recipient has an e-mail address
  global_secondary_index {
    name            = local.email_index
    hash_key        = "email_key"
    range_key       = "created_epoch_ms"
    projection_type = "KEYS_ONLY"
  }

  # holds only what failed, was suppressed, came back or is unknown
  global_secondary_index {
    name               = local.undelivered_index
    hash_key           = "shop"
    range_key          = "undelivered_ms"
    projection_type    = "INCLUDE"
    non_key_attributes = ["state", "document", "reason"]
  }

  ttl {
    enabled        = true
    attribute_name = "expires_epoch_s"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = local.data_key_arn
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Apart from the ledger: the function that everybody can reach has no right on the ledger, and what a link has come to is
# forgotten some day, which a communication never is.
resource "aws_dynamodb_table" "links" {
  name                        = "${var.prefix}-links"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = true

  attribute {
    name = "pk"
    type = "S"
  }

  ttl {
    enabled        = true
    attribute_name = "expires_epoch_s"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = local.data_key_arn
  }

  lifecycle {
    prevent_destroy = true
  }
}

# What the leaves of the logs are salted with. No point-in-time recovery: a secret that was deleted so that nobody can tell any
# more what a leaf was must not come back. One that is lost takes the possibility to prove records of its customer by the log,
# and erasable documents.
resource "aws_dynamodb_table" "commitments" {
  name                        = "${var.prefix}-commitments"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = true

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "key_id"
    type = "S"
  }

  # an object names its secret by an id that leads nowhere once the item is gone
  global_secondary_index {
    name            = local.key_index
    hash_key        = "key_id"
    projection_type = "KEYS_ONLY"
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = local.data_key_arn
  }

  lifecycle {
    prevent_destroy = true
  }
}
