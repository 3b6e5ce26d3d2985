// What both HTTP APIs of the stack have in common. Every path leads to one function, which checks and answers every
// request itself; rates are limited before it runs. The resources are those of the construct that is given.

import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  type CfnApi,
  CfnApiMapping,
  CfnDomainName,
  CfnIntegration,
  CfnRoute,
  CfnStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Handler } from './function.ts';
import type { Domain } from './settings.ts';

/**
 * What the access log keeps of a request: neither the path, which may be the key to a document, nor the query, which may
 * name a customer, nor the address or the browser of who asked.
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

/** Requests per second that an API takes, and how many at once. */
export interface Rates {
  readonly rate: number;
  readonly burst: number;
}

/** Where AWS serves an API. */
export function hostOf(api: CfnApi): string {
  const stack = Stack.of(api);
  return `${api.ref}.execute-api.${stack.region}.${stack.urlSuffix}`;
}

export function accessLog(scope: Construct, name: string, encryptionKey?: IKey): LogGroup {
  return new LogGroup(scope, 'AccessLog', {
    logGroupName: `/aws/apigateway/${name}`,
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/** Leads every path to the function, those of `routes` and all others. `open` says why the API itself lets everybody in. */
export function leadTo(scope: Construct, api: CfnApi, handler: Handler, routes: readonly string[], open: string): void {
  const stack = Stack.of(scope);
  const integration = new CfnIntegration(scope, 'Integration', {
    apiId: api.ref,
    integrationType: 'AWS_PROXY',
    integrationUri: handler.alias.functionArn,
    payloadFormatVersion: '2.0',
    timeoutInMillis: Math.min(handler.timeoutSeconds * 1000, 29_000),
  });
  for (const [index, routeKey] of [...routes, '$default'].entries()) {
    const route = new CfnRoute(scope, `Route${index}`, {
      apiId: api.ref,
      routeKey,
      authorizationType: 'NONE',
      target: `integrations/${integration.ref}`,
    });
    Validations.of(route).acknowledge({ id: 'AwsSolutions-APIG4', reason: open });
  }
  new CfnPermission(scope, 'MayInvoke', {
    action: 'lambda:InvokeFunction',
    functionName: handler.alias.functionArn,
    principal: 'apigateway.amazonaws.com',
    sourceAccount: stack.account,
    sourceArn: stack.formatArn({ service: 'execute-api', resource: api.ref, resourceName: '*' }),
  });
}

/** The one stage. What takes the default route has a lower rate. */
export function defaultStage(scope: Construct, api: CfnApi, log: LogGroup, { rate, burst }: Rates): CfnStage {
  return new CfnStage(scope, 'Stage', {
    apiId: api.ref,
    stageName: '$default',
    autoDeploy: true,
    accessLogSettings: { destinationArn: log.logGroupArn, format: JSON.stringify(LOGGED) },
    defaultRouteSettings: {
      throttlingRateLimit: rate,
      throttlingBurstLimit: burst,
      detailedMetricsEnabled: false,
    },
    // written as CloudFormation spells it: CDK passes a free object on as it is
    routeSettings: { $default: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 } },
  });
}

/** A domain of one's own. Answers what its record in DNS has to point to. */
export function ownDomain(scope: Construct, api: CfnApi, stage: CfnStage, { name, certificateArn }: Domain): string {
  const domain = new CfnDomainName(scope, 'Domain', {
    domainName: name,
    domainNameConfigurations: [{ certificateArn, endpointType: 'REGIONAL', securityPolicy: 'TLS_1_2' }],
  });
  new CfnApiMapping(scope, 'Mapping', { apiId: api.ref, domainName: domain.ref, stage: stage.ref });
  return domain.attrRegionalDomainName;
}
