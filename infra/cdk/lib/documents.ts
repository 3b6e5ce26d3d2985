// The way of customers to their documents: an HTTP API in front of the function `documents`, which is all that is public.
// Every path leads to the function, so that every answer has its headers; rates are limited before it runs. A domain of
// one's own and a web ACL are optional: AWS WAF protects no HTTP API, so a web ACL comes with a CloudFront distribution.

import { Stack, Validations } from 'aws-cdk-lib';
import { CfnApi, CfnApiMapping, CfnDomainName, CfnIntegration, CfnRoute, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Handler } from './function.ts';
import type { Domain, Settings } from './settings.ts';

/** What the function understands; whatever else is asked for takes the default route, with a lower rate. */
const ROUTES = [
  'GET /d/{token}',
  'HEAD /d/{token}',
  'GET /d/{token}/{file}',
  'HEAD /d/{token}/{file}',
  'GET /u/{token}',
  'HEAD /u/{token}',
  'POST /u/{token}',
  'GET /assets/{file}',
  'POST /privacy',
];

/**
 * What the access log keeps of a request: neither the path, which is the key to a document, nor the address or the
 * browser of who asked.
 */
const LOGGED = {
  at: '$context.requestTimeEpoch',
  request: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  duration_ms: '$context.responseLatency',
  error: '$context.error.messageString',
};

export interface DocumentsApiProps {
  readonly settings: Settings;
  readonly handler: Handler;
}

export class DocumentsApi extends Construct {
  readonly apiId: string;
  /** Where links begin, without a slash at the end. */
  readonly url: string;
  readonly accessLog: LogGroup;
  /** What the domain's record in DNS has to point to. */
  readonly domainTarget?: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: DocumentsApiProps,
  ) {
    super(scope, id);
    const { domain, webAcl } = props.settings.documents;
    const api = new CfnApi(this, 'Api', {
      name: `${props.settings.prefix}-documents`,
      description: 'Documents for their customers',
      protocolType: 'HTTP',
      // with a domain of one's own there is one way in, unless a distribution needs the other
      disableExecuteApiEndpoint: domain !== undefined && webAcl === undefined,
    });
    this.apiId = api.ref;
    this.accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${props.settings.prefix}-documents`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.route(api);
    const stage = this.stage(api);
    const stack = Stack.of(this);
    const host = `${api.ref}.execute-api.${stack.region}.${stack.urlSuffix}`;
    this.url = `https://${domain?.name ?? host}`;
    if (domain === undefined) return;
    this.domainTarget =
      webAcl === undefined
        ? this.domain(api, stage, domain)
        : this.distribution(host, domain, webAcl).distributionDomainName;
  }

  private route(api: CfnApi): void {
    const { handler } = this.props;
    const stack = Stack.of(this);
    const integration = new CfnIntegration(this, 'Integration', {
      apiId: api.ref,
      integrationType: 'AWS_PROXY',
      integrationUri: handler.alias.functionArn,
      payloadFormatVersion: '2.0',
      timeoutInMillis: Math.min(handler.timeoutSeconds * 1000, 29_000),
    });
    for (const [index, routeKey] of [...ROUTES, '$default'].entries()) {
      const route = new CfnRoute(this, `Route${index}`, {
        apiId: api.ref,
        routeKey,
        authorizationType: 'NONE',
        target: `integrations/${integration.ref}`,
      });
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'A link is its own authorization: 256 bits that the function looks up.',
      });
    }
    new CfnPermission(this, 'MayInvoke', {
      action: 'lambda:InvokeFunction',
      functionName: handler.alias.functionArn,
      principal: 'apigateway.amazonaws.com',
      sourceAccount: stack.account,
      sourceArn: stack.formatArn({ service: 'execute-api', resource: api.ref, resourceName: '*' }),
    });
  }

  private stage(api: CfnApi): CfnStage {
    const { documents } = this.props.settings;
    return new CfnStage(this, 'Stage', {
      apiId: api.ref,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: { destinationArn: this.accessLog.logGroupArn, format: JSON.stringify(LOGGED) },
      defaultRouteSettings: {
        throttlingRateLimit: documents.rate,
        throttlingBurstLimit: documents.burst,
        detailedMetricsEnabled: false,
      },
      // written as CloudFormation spells it: CDK passes a free object on as it is
      routeSettings: { $default: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 } },
    });
  }

  private domain(api: CfnApi, stage: CfnStage, { name, certificateArn }: Domain): string {
    const domain = new CfnDomainName(this, 'Domain', {
      domainName: name,
      domainNameConfigurations: [{ certificateArn, endpointType: 'REGIONAL', securityPolicy: 'TLS_1_2' }],
    });
    new CfnApiMapping(this, 'Mapping', { apiId: api.ref, domainName: domain.ref, stage: stage.ref });
    return domain.attrRegionalDomainName;
  }

  private distribution(host: string, { name, certificateArn }: Domain, webAclId: string): Distribution {
    const distribution = new Distribution(this, 'Distribution', {
      comment: `${this.props.settings.prefix} documents`,
      domainNames: [name],
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      webAclId,
      defaultBehavior: {
        origin: new HttpOrigin(host, {
          protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
          originSslProtocols: [OriginSslPolicy.TLS_V1_2],
        }),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      },
    });
    Validations.of(distribution).acknowledge(
      {
        id: 'AwsSolutions-CFR3',
        reason: "CloudFront's log would have each path, and a path is the key to a document.",
      },
      { id: 'AwsSolutions-CFR1', reason: 'Customers are where they are; the web ACL can bar countries.' },
    );
    return distribution;
  }
}
