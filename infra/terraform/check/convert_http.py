"""The same for the way of customers to their documents: the API, its domain, the distribution."""

from __future__ import annotations

from collections.abc import Callable

from convert import Parts, Properties, Reader, nested


def api(parts: Parts) -> Properties:
    return parts.main().renamed(
        {
            "name": "Name",
            "description": "Description",
            "protocol_type": "ProtocolType",
            "disable_execute_api_endpoint": "DisableExecuteApiEndpoint",
        }
    )


def integration(parts: Parts) -> Properties:
    return parts.main().renamed(
        {
            "api_id": "ApiId",
            "integration_type": "IntegrationType",
            "integration_uri": "IntegrationUri",
            "payload_format_version": "PayloadFormatVersion",
            "timeout_milliseconds": "TimeoutInMillis",
        }
    )


def route(parts: Parts) -> Properties:
    names = {
        "api_id": "ApiId",
        "route_key": "RouteKey",
        "authorization_type": "AuthorizationType",
        "target": "Target",
    }
    return parts.main().renamed(names)


THROTTLES = {
    "throttling_rate_limit": "ThrottlingRateLimit",
    "throttling_burst_limit": "ThrottlingBurstLimit",
    "detailed_metrics_enabled": "DetailedMetricsEnabled",
}


def stage(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed({"api_id": "ApiId", "name": "StageName", "auto_deploy": "AutoDeploy"})
    log = reader.block("access_log_settings")
    nested(
        properties,
        "AccessLogSettings",
        log and log.renamed({"destination_arn": "DestinationArn", "format": "Format"}),
    )
    default = reader.block("default_route_settings")
    nested(properties, "DefaultRouteSettings", default and default.renamed(THROTTLES))
    routes = {one.take("route_key"): one.renamed(THROTTLES) for one in reader.blocks("route_settings")}
    nested(properties, "RouteSettings", routes)
    return properties


def domain(parts: Parts) -> Properties:
    reader = parts.main()
    names = {
        "certificate_arn": "CertificateArn",
        "endpoint_type": "EndpointType",
        "security_policy": "SecurityPolicy",
    }
    configurations = [one.renamed(names) for one in reader.blocks("domain_name_configuration")]
    return {**reader.renamed({"domain_name": "DomainName"}), "DomainNameConfigurations": configurations}


def mapping(parts: Parts) -> Properties:
    return parts.main().renamed({"api_id": "ApiId", "domain_name": "DomainName", "stage": "Stage"})


def distribution(parts: Parts) -> Properties:
    reader = parts.main()
    config = reader.renamed(
        {
            "enabled": "Enabled",
            "comment": "Comment",
            "aliases": "Aliases",
            "web_acl_id": "WebACLId",
            "http_version": "HttpVersion",
            "is_ipv6_enabled": "IPV6Enabled",
        }
    )
    config["Origins"] = [_origin(one) for one in reader.blocks("origin")]
    behavior = reader.block("default_cache_behavior")
    nested(config, "DefaultCacheBehavior", behavior and _behavior(behavior))
    certificate = reader.block("viewer_certificate")
    names = {
        "acm_certificate_arn": "AcmCertificateArn",
        "ssl_support_method": "SslSupportMethod",
        "minimum_protocol_version": "MinimumProtocolVersion",
    }
    nested(config, "ViewerCertificate", certificate and certificate.renamed(names))
    restrictions = reader.block("restrictions")
    places = restrictions and restrictions.block("geo_restriction")
    # nobody is barred: what CloudFormation assumes where nothing is said
    if places and places.take("restriction_type") != "none":
        config["Restrictions"] = "not none"
    return {"DistributionConfig": config}


def _origin(reader: Reader) -> Properties:
    properties = reader.renamed({"origin_id": "Id", "domain_name": "DomainName"})
    custom = reader.block("custom_origin_config")
    if custom:
        # the ports that CloudFormation assumes
        if (custom.take("http_port"), custom.take("https_port")) != (80, 443):
            properties["Ports"] = "not 80 and 443"
        names = {
            "origin_protocol_policy": "OriginProtocolPolicy",
            "origin_ssl_protocols": "OriginSSLProtocols",
        }
        properties["CustomOriginConfig"] = custom.renamed(names)
    return properties


def _behavior(reader: Reader) -> Properties:
    properties = reader.renamed(
        {
            "target_origin_id": "TargetOriginId",
            "viewer_protocol_policy": "ViewerProtocolPolicy",
            "allowed_methods": "AllowedMethods",
            "compress": "Compress",
            "cache_policy_id": "CachePolicyId",
            "origin_request_policy_id": "OriginRequestPolicyId",
        }
    )
    # what CloudFormation assumes
    if reader.take("cached_methods") != ["GET", "HEAD"]:
        properties["CachedMethods"] = "not GET and HEAD"
    return properties


CONVERTERS: dict[str, Callable[[Parts], Properties]] = {
    "AWS::ApiGatewayV2::Api": api,
    "AWS::ApiGatewayV2::ApiMapping": mapping,
    "AWS::ApiGatewayV2::DomainName": domain,
    "AWS::ApiGatewayV2::Integration": integration,
    "AWS::ApiGatewayV2::Route": route,
    "AWS::ApiGatewayV2::Stage": stage,
    "AWS::CloudFront::Distribution": distribution,
}
