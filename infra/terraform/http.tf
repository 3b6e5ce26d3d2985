# The way of customers to their documents: an HTTP API in front of the function `documents`, which is all that is public. Every
# path leads to the function, so that every answer has its headers; rates are limited before it runs. A domain of one's own and a
# web ACL are optional: AWS WAF protects no HTTP API, so a web ACL comes with a CloudFront distribution.

locals {
  # what the function understands; whatever else is asked for takes the default route, with a lower rate
  routes = toset([
    "GET /d/{token}",
    "HEAD /d/{token}",
    "GET /d/{token}/{file}",
    "HEAD /d/{token}/{file}",
    "GET /u/{token}",
    "HEAD /u/{token}",
    "POST /u/{token}",
    "GET /assets/{file}",
    "POST /privacy",
    "$default",
  ])

  with_domain       = var.documents_domain != null
  with_distribution = var.documents_web_acl != null

  documents_host = "${aws_apigatewayv2_api.documents.id}.execute-api.${local.region}.${data.aws_partition.current.dns_suffix}"
  # where links begin, without a slash at the end
  documents_url = "https://${coalesce(var.documents_domain, local.documents_host)}"
  # what the domain's record in DNS has to point to
  documents_domain_target = local.with_distribution ? one(aws_cloudfront_distribution.documents[*].domain_name) : one([
    for domain in aws_apigatewayv2_domain_name.documents : domain.domain_name_configuration[0].target_domain_name
  ])
}

resource "aws_apigatewayv2_api" "documents" {
  name          = "${var.prefix}-documents"
  description   = "Documents for their customers"
  protocol_type = "HTTP"
  # with a domain of one's own there is one way in, unless a distribution needs the other
  disable_execute_api_endpoint = local.with_domain && !local.with_distribution
}

resource "aws_apigatewayv2_integration" "documents" {
  api_id                 = aws_apigatewayv2_api.documents.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live["documents"].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = min(local.timeout_seconds["documents"] * 1000, 29000)
}

# A link is its own authorization: 256 bits that the function looks up.
resource "aws_apigatewayv2_route" "documents" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.documents.id
  route_key          = each.key
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.documents.id}"
}

resource "aws_lambda_permission" "documents" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function["documents"].function_name
  qualifier      = aws_lambda_alias.live["documents"].name
  principal      = "apigateway.amazonaws.com"
  source_account = local.account
  source_arn     = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.documents.id}/*"
}

resource "aws_cloudwatch_log_group" "documents_access" {
  name              = "/aws/apigateway/${var.prefix}-documents"
  retention_in_days = 90
  kms_key_id        = local.compute_key_arn
}

resource "aws_apigatewayv2_stage" "documents" {
  api_id      = aws_apigatewayv2_api.documents.id
  name        = "$default"
  auto_deploy = true

  # neither the path, which is the key to a document, nor the address or the browser of who asked
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.documents_access.arn
    format = jsonencode({
      at          = "$context.requestTimeEpoch"
      request     = "$context.requestId"
      route       = "$context.routeKey"
      status      = "$context.status"
      bytes       = "$context.responseLength"
      duration_ms = "$context.responseLatency"
      error       = "$context.error.messageString"
    })
  }

  default_route_settings {
    throttling_rate_limit    = var.documents_rate
    throttling_burst_limit   = var.documents_burst
    detailed_metrics_enabled = false
  }

  route_settings {
    route_key              = "$default"
    throttling_rate_limit  = 5
    throttling_burst_limit = 10
  }

  depends_on = [aws_apigatewayv2_route.documents]
}

resource "aws_apigatewayv2_domain_name" "documents" {
  count = local.with_domain && !local.with_distribution ? 1 : 0

  domain_name = var.documents_domain

  domain_name_configuration {
    certificate_arn = var.documents_certificate
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "documents" {
  count = local.with_domain && !local.with_distribution ? 1 : 0

  api_id      = aws_apigatewayv2_api.documents.id
  domain_name = aws_apigatewayv2_domain_name.documents[0].domain_name
  stage       = aws_apigatewayv2_stage.documents.name
}

# CloudFront's log would have each path, and a path is the key to a document: there is none.
resource "aws_cloudfront_distribution" "documents" {
  count = local.with_distribution ? 1 : 0

  enabled         = true
  comment         = "${var.prefix} documents"
  aliases         = [var.documents_domain]
  web_acl_id      = var.documents_web_acl
  http_version    = "http2"
  is_ipv6_enabled = true

  origin {
    origin_id   = "documents"
    domain_name = local.documents_host

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id       = "documents"
    viewer_protocol_policy = "redirect-to-https"
    # CloudFront knows no smaller set with POST, which privacy topics and the end of marketing come by: the API refuses the
    # others
    allowed_methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods  = ["GET", "HEAD"]
    compress        = true
    # the ids of AWS's own policies: CachingDisabled and AllViewerExceptHostHeader
    cache_policy_id          = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    origin_request_policy_id = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
  }

  # customers are where they are; the web ACL can bar countries
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.documents_certificate
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}
