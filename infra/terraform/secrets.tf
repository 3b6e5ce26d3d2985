# Secrets that the deployment makes itself, once. Their values are written and never read again: neither the plan nor the state
# has them. A version is not written again as long as its number stays the same.

ephemeral "aws_secretsmanager_random_password" "customer_key" {
  password_length     = 64
  exclude_punctuation = true
}

ephemeral "aws_secretsmanager_random_password" "link_key" {
  password_length     = 64
  exclude_punctuation = true
}

# A rotated key would give every customer another pseudonym and cut the ledger in two.
resource "aws_secretsmanager_secret" "customer_key" {
  name                    = "${var.prefix}/customer-key"
  description             = "Key of the HMAC that stands for a customer in the ledger"
  kms_key_id              = local.data_key_arn
  recovery_window_in_days = 30

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "customer_key" {
  secret_id                = aws_secretsmanager_secret.customer_key.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.customer_key.random_password
  secret_string_wo_version = 1

  lifecycle {
    prevent_destroy = true
  }
}

# Links work without the key; one that was changed while a document is being sent would give it a second link. A person changes
# it when it has leaked: docs/web-channel.md.
resource "aws_secretsmanager_secret" "link_key" {
  name                    = "${var.prefix}/link-key"
  description             = "Key that the tokens of links are derived with"
  kms_key_id              = local.data_key_arn
  recovery_window_in_days = 30

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "link_key" {
  secret_id                = aws_secretsmanager_secret.link_key.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.link_key.random_password
  secret_string_wo_version = 1

  lifecycle {
    prevent_destroy = true
  }
}
