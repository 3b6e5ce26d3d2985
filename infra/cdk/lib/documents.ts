// The way of customers to their documents: an HTTP API in front of the function `documents`, which is all that is public.
// Every path leads to the function, so that every answer has its headers; rates are limited before it runs. A domain of
// one's own and a web ACL are optional: AWS WAF protects no HTTP API, so a web ACL comes with a CloudFront distribution.

import { Validations } from 'aws-cdk-lib';
import { CfnApi } from 'aws-cdk-lib/aws-apigatewayv2';
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
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Handler } from './function.ts';
import { accessLog, defaultStage, hostOf, leadTo, ownDomain } from './http-api.ts';
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

export interface DocumentsApiProps {
  readonly settings: Settings;
  readonly handler: Handler;
  readonly key?: IKey;
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
    this.accessLog = accessLog(this, `${props.settings.prefix}-documents`, props.key);
    leadTo(this, api, props.handler, ROUTES, 'A link is its own authorization: 256 bits that the function looks up.');
    const stage = defaultStage(this, api, this.accessLog, props.settings.documents);
    const host = hostOf(api);
    this.url = `https://${domain?.name ?? host}`;
    if (domain === undefined) return;
    this.domainTarget =
      webAcl === undefined
        ? ownDomain(this, api, stage, domain)
        : this.distribution(host, domain, webAcl).distributionDomainName;
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
        // CloudFront knows no smaller set with POST, which privacy topics and the end of marketing come by: the API refuses
        // the others
        allowedMethods: AllowedMethods.ALLOW_ALL,
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
