# Rights on what is kept beside a record in the archive: what became of its communication, whether it is held, who read it, and what
# was destroyed with a certificate.

locals {
  archive_facts    = "${aws_s3_bucket.archive.arn}/${local.folders}fact-*.json"
  archive_records  = "${aws_s3_bucket.archive.arn}/${local.folders}record.json"
  archive_access   = "${aws_s3_bucket.archive.arn}/access/*"
  archive_disposal = "${aws_s3_bucket.archive.arn}/disposal/*"

  # until when a record is locked, and whether it is held
  look_at_locks = {
    Effect   = "Allow"
    Action   = ["s3:GetObjectRetention", "s3:GetObjectLegalHold"]
    Resource = [local.archive_records]
  }

  # adds facts beside records, locked and held as these are; changes and deletes none
  add_facts = [
    {
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObject"]
      Resource = [local.archive_facts]
    },
    { Effect = "Allow", Action = ["s3:GetObjectVersion"], Resource = [local.archive_records] },
    local.look_at_locks,
    # to tell what was destroyed from what may not be read
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["${local.folders}record.json"] } }
    },
    { Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [aws_kms_key.archive.arn] },
  ]

  # the record beside a document whose key is known
  find_records = { Effect = "Allow", Action = ["s3:GetObject"], Resource = [local.archive_records] }

  read_facts = [
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = [local.archive_facts] },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = [local.folders] } }
    },
  ]

  # leaves an entry of who read what; reads none and deletes none
  record_access = [
    { Effect = "Allow", Action = ["s3:PutObject", "s3:PutObjectRetention"], Resource = [local.archive_access] },
    { Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [aws_kms_key.archive.arn] },
  ]

  # holds evidence and releases it; reads records, not documents, to know which
  hold_evidence = concat(local.add_facts, [
    local.find_records,
    {
      Effect   = "Allow"
      Action   = ["s3:PutObjectLegalHold"]
      Resource = ["${aws_s3_bucket.archive.arn}/${local.folders}*"]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket", "s3:ListBucketVersions"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["*.myshopify.com/*"] } }
    },
  ])

  # destroys evidence whose retention has ended, and certifies it: S3 refuses to delete what is locked or held
  destroy_expired = [
    {
      Effect   = "Allow"
      Action   = ["s3:DeleteObjectVersion"]
      Resource = ["${aws_s3_bucket.archive.arn}/${local.folders}*"]
    },
    { Effect = "Allow", Action = ["s3:GetObjectVersion"], Resource = [local.archive_facts] },
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"]
      Resource = [local.archive_disposal]
    },
    {
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [aws_s3_bucket.archive.arn]
      Condition = { StringLike = { "s3:prefix" = ["disposal/*"] } }
    },
  ]
}
