# One deployment: a root that calls the module. Copy it, and put your values in.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.66"
    }
  }

  # the state names every resource and holds no secret; keep it where your team keeps states
  # backend "s3" {}
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { project = "shopify-exstream" }
  }
}

module "shopify_exstream" {
  # from another repository: git::https://…/shopify-exstream.git//infra/terraform?ref=<tag>
  source = "../.."

  event_bus   = var.event_bus
  alarm_topic = var.alarm_topic
  code_root   = var.code_root

  # until you are sure of the retention that your configurations ask for
  lock_mode = var.lock_mode
}

variable "event_bus" {
  description = "Name of Shopify's partner event bus: aws.partner/shopify.com/<app id>/<name>"
  type        = string
}

variable "alarm_topic" {
  description = "ARN of the SNS topic that alarms notify"
  type        = string
  default     = null
}

variable "code_root" {
  description = "Where the functions' packages are"
  type        = string
}

variable "lock_mode" {
  description = "COMPLIANCE or GOVERNANCE"
  type        = string
  default     = "GOVERNANCE"
}

output "stack" {
  description = "For `ctl`: terraform output -json stack > stack.json"
  value       = module.shopify_exstream.stack
}
