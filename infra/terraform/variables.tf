# Everything that may differ between two deployments: the same settings as the context of the CDK app, in docs/deployment.md.
# What is null is as infra/functions.json says.

variable "event_bus" {
  description = "Name of the partner bus; this or `create_bus` must be given, not both"
  type        = string
  default     = null
}

variable "create_bus" {
  description = "Make a bus of the deployment's own, without Shopify"
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = var.create_bus == (var.event_bus == null)
    error_message = "Give either event_bus, the name of the Shopify partner bus, or create_bus = true."
  }
}

variable "outcome_bus" {
  description = "Name or ARN of the bus that gets events of outcomes; without it there are none"
  type        = string
  default     = null

  validation {
    condition     = var.outcome_bus == null ? true : can(regex("^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9_.-]{1,256}$", var.outcome_bus))
    error_message = "This is no name or ARN of a bus."
  }
}

variable "create_outcome_bus" {
  description = "Make that bus, in place of naming one"
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.create_outcome_bus && var.outcome_bus != null)
    error_message = "Give either outcome_bus or create_outcome_bus = true."
  }
}

variable "event_source" {
  description = "Sources of accepted events, each with all below it: `aws.partner/shopify.com/12` accepts `aws.partner/shopify.com/12/name` and nothing of `…/123`"
  type        = list(string)
  default     = ["aws.partner/shopify.com/"]
  nullable    = false

  validation {
    condition     = alltrue([for source in var.event_source : trimsuffix(trimspace(source), "/") != ""])
    error_message = "An entry is empty."
  }
}

variable "trust_operator" {
  description = "Who may take the role of operators: ARNs of IAM roles, IAM users and SAML providers. A whole account is refused. Without any, the role is not made"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trust_operator : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|saml-provider)/[A-Za-z0-9_+=.@/-]+$", arn))])
    error_message = "Each must be the ARN of one role, user or SAML provider."
  }
}

variable "trust_auditor" {
  description = "Who may take the role of auditors: ARNs of IAM roles, IAM users and SAML providers. A whole account is refused. Without any, the role is not made"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trust_auditor : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|saml-provider)/[A-Za-z0-9_+=.@/-]+$", arn))])
    error_message = "Each must be the ARN of one role, user or SAML provider."
  }
}

variable "trust_support" {
  description = "Who may take the role of supports: ARNs of IAM roles, IAM users and SAML providers. A whole account is refused. Without any, the role is not made"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trust_support : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|saml-provider)/[A-Za-z0-9_+=.@/-]+$", arn))])
    error_message = "Each must be the ARN of one role, user or SAML provider."
  }
}

variable "trust_records" {
  description = "Who may take the role of records managers: ARNs of IAM roles, IAM users and SAML providers. A whole account is refused. Without any, the role is not made"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trust_records : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|saml-provider)/[A-Za-z0-9_+=.@/-]+$", arn))])
    error_message = "Each must be the ARN of one role, user or SAML provider."
  }
}

variable "alarm_topic" {
  description = "SNS topic that alarms notify; without it they notify nobody"
  type        = string
  default     = null
}

variable "alarm_notify" {
  description = "Whether only groups of alarms notify, or every alarm beside its group"
  type        = string
  default     = "groups"
  nullable    = false

  validation {
    condition     = contains(["groups", "each"], var.alarm_notify)
    error_message = "Either groups or each."
  }
}

variable "runbook_url" {
  description = "Where whoever is notified can read the runbook: each alarm names its section there"
  type        = string
  default     = "docs/runbook.md"
  nullable    = false
}

variable "customer_managed_keys" {
  description = "Whether keys of the deployment's own encrypt everything that can take one."
  type        = bool
  default     = false
  nullable    = false
}

variable "lock_mode" {
  description = "With `GOVERNANCE`, those with a special permission may delete earlier. Use it until you are sure of `retention_days`"
  type        = string
  default     = "COMPLIANCE"
  nullable    = false

  validation {
    condition     = contains(["COMPLIANCE", "GOVERNANCE"], var.lock_mode)
    error_message = "Either COMPLIANCE or GOVERNANCE."
  }
}

variable "lock_days" {
  description = "Default retention of the archive bucket, for objects put without one of their own: 365, or `max_retention_days` if that is less"
  type        = number
  default     = null

  validation {
    condition     = var.lock_days == null ? true : var.lock_days >= 1 && var.lock_days <= var.max_retention_days && floor(var.lock_days) == var.lock_days
    error_message = "Expected a whole number from 1 to max_retention_days."
  }
}

variable "max_retention_days" {
  description = "The most that `retention_days` and `lock_days` may be: the bucket's policy refuses any longer lock"
  type        = number
  default     = 4018
  nullable    = false

  validation {
    condition     = var.max_retention_days >= 1 && var.max_retention_days <= 36500 && floor(var.max_retention_days) == var.max_retention_days
    error_message = "Expected a whole number from 1 to 36500."
  }
}

variable "prefix" {
  description = "First part of the names of queues, functions and secrets"
  type        = string
  default     = "shopify-exstream"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.prefix))
    error_message = "1 to 40 lower-case letters, digits and hyphens, the first one a letter."
  }
}

variable "architecture" {
  description = "Processors of the functions"
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Either arm64 or x86_64."
  }
}

variable "code_root" {
  description = "Where the functions' packages are: `<function>.zip`, or `<function>/bootstrap.zip`"
  type        = string
  default     = "target/lambda"
  nullable    = false
}

variable "max_concurrency" {
  description = "Invocations of a flow's function at once; times ten is the load on Exstream"
  type        = number
  default     = null

  validation {
    condition     = var.max_concurrency == null ? true : var.max_concurrency >= 2 && var.max_concurrency <= 1000 && floor(var.max_concurrency) == var.max_concurrency
    error_message = "Expected a whole number from 2 to 1000."
  }
}

variable "max_concurrency_of" {
  description = "The same of single flows, by name, and of `write-back`"
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.max_concurrency_of) : value >= 2 && value <= 1000 && floor(value) == value])
    error_message = "Expected whole numbers from 2 to 1000."
  }

  validation {
    condition     = alltrue([for name in keys(var.max_concurrency_of) : contains(concat(keys(local.flows), ["write-back"]), name)])
    error_message = "A key is not the name of a flow: see infra/functions.json."
  }
}

variable "max_receive_count" {
  description = "Deliveries of a message before its queue gives it up by itself"
  type        = number
  default     = null

  validation {
    condition     = var.max_receive_count == null ? true : var.max_receive_count >= 100 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "Expected a whole number from 100 to 1000."
  }
}

variable "run_concurrency" {
  description = "Statement runs at once, and offer runs at once"
  type        = number
  default     = null

  validation {
    condition     = var.run_concurrency == null ? true : var.run_concurrency >= 2 && var.run_concurrency <= 100 && floor(var.run_concurrency) == var.run_concurrency
    error_message = "Expected a whole number from 2 to 100."
  }
}

variable "write_back_window" {
  description = "Seconds that reports are collected for"
  type        = number
  default     = null

  validation {
    condition     = var.write_back_window == null ? true : var.write_back_window >= 1 && var.write_back_window <= 300 && floor(var.write_back_window) == var.write_back_window
    error_message = "Expected a whole number from 1 to 300."
  }
}

variable "timeout" {
  description = "Seconds that a function may take, by name, where it is not what infra/functions.json says"
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.timeout) : value >= 1 && value <= 900 && floor(value) == value])
    error_message = "Expected whole numbers from 1 to 900."
  }

  validation {
    condition     = alltrue([for name in keys(var.timeout) : contains(keys(local.rows), name)])
    error_message = "A key is not the name of a function: see infra/functions.json."
  }
}

variable "memory" {
  description = "MB of memory of a function, by name, where it is not what infra/functions.json says"
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.memory) : value >= 128 && value <= 10240 && floor(value) == value])
    error_message = "Expected whole numbers from 128 to 10240."
  }

  validation {
    condition     = alltrue([for name in keys(var.memory) : contains(keys(local.rows), name)])
    error_message = "A key is not the name of a function: see infra/functions.json."
  }
}

variable "storage" {
  description = "MB of temporary files of a function, by name, for those that have room of their own in infra/functions.json"
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.storage) : value >= 512 && value <= 10240 && floor(value) == value])
    error_message = "Expected whole numbers from 512 to 10240."
  }

  validation {
    condition     = alltrue([for name in keys(var.storage) : can(local.rows[name].storageMegabytes)])
    error_message = "A key is not the name of a function with room of its own: see infra/functions.json."
  }
}

variable "every" {
  description = "Minutes from one pass of a function to the next, by name; more than its time-out"
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.every) : value >= 1 && value <= 60 && floor(value) == value])
    error_message = "Expected whole numbers from 1 to 60."
  }

  validation {
    condition     = alltrue([for name in keys(var.every) : contains(keys(local.passes), name)])
    error_message = "A key is not the name of a function that makes passes: see infra/functions.json."
  }
}

variable "pause_schedules" {
  description = "Let the functions that make passes wait to be invoked by hand"
  type        = bool
  default     = false
  nullable    = false
}

variable "recovered_alarm" {
  description = "Documents of a flow that may have to be recovered within a period of reconcile without an alarm"
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.recovered_alarm >= 0 && var.recovered_alarm <= 1000000 && floor(var.recovered_alarm) == var.recovered_alarm
    error_message = "Expected a whole number from 0 to 1000000."
  }
}

variable "failed_alarm" {
  description = "Percentage of a flow's documents that may fail within 15 minutes without an alarm"
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.failed_alarm >= 0 && var.failed_alarm <= 100 && floor(var.failed_alarm) == var.failed_alarm
    error_message = "Expected a whole number from 0 to 100."
  }
}

variable "failed_alarm_from" {
  description = "Number of failures below which there is no such alarm"
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.failed_alarm_from >= 1 && var.failed_alarm_from <= 1000000 && floor(var.failed_alarm_from) == var.failed_alarm_from
    error_message = "Expected a whole number from 1 to 1000000."
  }
}

variable "silent_hours" {
  description = "Hours without an event from Shopify's partner source that are an alarm; 0 for none"
  type        = number
  default     = 24
  nullable    = false

  validation {
    condition     = var.silent_hours >= 0 && var.silent_hours <= 168 && floor(var.silent_hours) == var.silent_hours
    error_message = "Expected a whole number from 0 to 168."
  }
}

variable "async_retries" {
  description = "Repetitions of an event that intake refused"
  type        = number
  default     = null

  validation {
    condition     = var.async_retries == null ? true : var.async_retries >= 0 && var.async_retries <= 2 && floor(var.async_retries) == var.async_retries
    error_message = "Expected a whole number from 0 to 2."
  }
}

variable "retry_base" {
  description = "Seconds before a failed message is delivered again; four times longer each time, at most 15 minutes. Less and less often while it waits for an outage to pass"
  type        = number
  default     = null

  validation {
    condition     = var.retry_base == null ? true : var.retry_base >= 0 && var.retry_base <= 900 && floor(var.retry_base) == var.retry_base
    error_message = "Expected a whole number from 0 to 900."
  }
}

variable "config_ttl" {
  description = "Seconds that functions keep a shop's configuration"
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.config_ttl >= 0 && var.config_ttl <= 3600 && floor(var.config_ttl) == var.config_ttl
    error_message = "Expected a whole number from 0 to 3600."
  }
}

variable "documents_rate" {
  description = "Requests per second for documents on the web"
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.documents_rate >= 1 && var.documents_rate <= 10000 && floor(var.documents_rate) == var.documents_rate
    error_message = "Expected a whole number from 1 to 10000."
  }
}

variable "documents_burst" {
  description = "How many of them at once"
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.documents_burst >= 1 && var.documents_burst <= 10000 && floor(var.documents_burst) == var.documents_burst
    error_message = "Expected a whole number from 1 to 10000."
  }
}

variable "documents_domain" {
  description = "A domain of your own for links"
  type        = string
  default     = null

  validation {
    condition     = var.documents_domain == null ? true : can(regex("^([a-z0-9-]{1,63}\\.)+[a-z]{2,63}$", var.documents_domain)) && length(var.documents_domain) <= 253
    error_message = "This is not a domain, such as documents.shop.example."
  }
}

variable "documents_certificate" {
  description = "ARN of the certificate of `documents_domain`, in the region of the deployment, or in us-east-1 with a web ACL"
  type        = string
  default     = null

  validation {
    condition     = var.documents_domain == null ? true : can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/", var.documents_certificate))
    error_message = "Expected the ARN of the certificate of documents_domain."
  }

  validation {
    condition     = var.documents_domain != null || (var.documents_certificate == null && var.documents_web_acl == null)
    error_message = "A certificate and a web ACL are for a domain."
  }

  validation {
    condition     = var.documents_web_acl == null ? true : can(regex(":us-east-1:", var.documents_certificate))
    error_message = "With a web ACL, CloudFront needs a certificate in us-east-1."
  }
}

variable "documents_web_acl" {
  description = "ARN of a web ACL for CloudFront; with a domain only"
  type        = string
  default     = null

  validation {
    condition     = var.documents_web_acl == null ? true : can(regex("^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/", var.documents_web_acl))
    error_message = "Expected the ARN of a web ACL for CloudFront, which are global."
  }
}

variable "time_stamp_url" {
  description = "Address of the authority that time-stamps the logs; without it, nothing is time-stamped"
  type        = string
  default     = null

  validation {
    condition     = var.time_stamp_url == null ? true : can(regex("^https?://[^\\s]{1,500}$", var.time_stamp_url))
    error_message = "Expected the address of a time-stamping authority, by http or https."
  }

  validation {
    condition     = (var.time_stamp_url == null) == (var.time_stamp_roots == null)
    error_message = "An authority and its root certificates: both or none."
  }
}

variable "time_stamp_roots" {
  description = "File with its root certificates in PEM, at most 3,000 characters"
  type        = string
  default     = null
}

variable "time_stamp_digest" {
  description = "Hash function of time-stamps; another one than before renews all"
  type        = string
  default     = "sha256"
  nullable    = false

  validation {
    condition     = contains(["sha256", "sha384", "sha512"], var.time_stamp_digest)
    error_message = "One of sha256, sha384 and sha512."
  }
}

variable "time_stamp_renew_days" {
  description = "Days before a time-stamp's certificate expires that it is renewed"
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.time_stamp_renew_days >= 30 && var.time_stamp_renew_days <= 720 && floor(var.time_stamp_renew_days) == var.time_stamp_renew_days
    error_message = "Expected a whole number from 30 to 720."
  }
}

variable "spool_days" {
  description = "Days that documents for print stay in the operations bucket"
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.spool_days >= 1 && var.spool_days <= 3650 && floor(var.spool_days) == var.spool_days
    error_message = "Expected a whole number from 1 to 3650."
  }
}

variable "run_days" {
  description = "Days that the state of runs stays there"
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.run_days >= 8 && var.run_days <= 3650 && floor(var.run_days) == var.run_days
    error_message = "Expected a whole number from 8 to 3650."
  }
}

variable "traces_endpoint" {
  description = "Where spans are sent, by OTLP over HTTP, such as http://localhost:4318/v1/traces; without it there are no traces"
  type        = string
  default     = null

  validation {
    condition     = var.traces_endpoint == null || can(regex("^https?://[\\w.-]+(:\\d{1,5})?/[\\w./-]*$", var.traces_endpoint))
    error_message = "Expected an address with its path, without a password."
  }
}

variable "traces_percent" {
  description = "Of a hundred events, so many are recorded in traces"
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.traces_percent >= 1 && var.traces_percent <= 100 && floor(var.traces_percent) == var.traces_percent
    error_message = "Expected a whole number from 1 to 100."
  }
}

variable "log_level" {
  description = "What is logged; metric lines are written at every level"
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "One of error, warn, info and debug."
  }
}
