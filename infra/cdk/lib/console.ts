// The console's own infrastructure: an HTTP API in front of the function `staff-console`, the key that it signs with, and a
// user pool of Cognito where people have no other way to log in. Every path leads to the function, which checks every token
// itself; rates are limited before it runs. Deployed only with `-c console=true`.

import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnApi, CfnApiMapping, CfnDomainName, CfnIntegration, CfnRoute, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnUserPool, CfnUserPoolClient, CfnUserPoolDomain, CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Handler } from './function.ts';
import { pascal } from './names.ts';
import type { ConsoleSettings, Settings } from './settings.ts';

/** What the access log keeps: neither the query, which may name a customer, nor the address or the browser of who asked. */
const LOGGED = {
  at: '$context.requestTimeEpoch',
  request: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  duration_ms: '$context.responseLatency',
  error: '$context.error.messageString',
};

/** What the function understands; whatever else is asked for takes the default route, with a lower rate. */
const ROUTES = [
  'GET /',
  'GET /c/{id}',
  'GET /c/{id}/{what}',
  'GET /c/{id}/document/{number}',
  'POST /c/{id}/{what}',
  'GET /failures',
  'GET /runs',
  'GET /dead-letters',
  'POST /dead-letters/redrive',
  'GET /shops',
  'GET /shops/{shop}',
  'GET /log-in',
  'GET /callback',
  'POST /log-out',
  'GET /signed-out',
  'GET /assets/{file}',
  'GET /open/{ticket}',
  'ANY /api/v1/{proxy+}',
];

const PATHS = { callback: '/callback', signedOut: '/signed-out' };

export interface ConsoleProps {
  readonly settings: Settings;
  readonly console: ConsoleSettings;
}

/** What somebody can be to the console. Whoever keeps records has no pages there. */
const ROLES = ['operator', 'auditor', 'support'] as const;

/** Who logs people in, as the function reads it. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly rolesClaim: string;
  readonly logOutUrl?: string;
}

export class Console extends Construct {
  readonly apiId: string;
  /** Where people begin, without a slash at the end. */
  readonly url: string;
  /** What the domain's record in DNS has to point to. */
  readonly domainTarget?: string;
  readonly key: Secret;
  readonly provider: IdentityProvider;
  private readonly api: CfnApi;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ConsoleProps,
  ) {
    super(scope, id);
    const { settings, console } = props;
    this.api = new CfnApi(this, 'Api', {
      name: `${settings.prefix}-console`,
      description: 'The console',
      protocolType: 'HTTP',
      disableExecuteApiEndpoint: console.domain !== undefined,
    });
    this.apiId = this.api.ref;
    const stack = Stack.of(this);
    const host = `${this.api.ref}.execute-api.${stack.region}.${stack.urlSuffix}`;
    this.url = `https://${console.domain?.name ?? host}`;
    this.key = this.makeKey();
    this.provider = console.provider ?? this.cognito();
    const stage = this.stage();
    if (console.domain === undefined) return;
    const domain = new CfnDomainName(this, 'Domain', {
      domainName: console.domain.name,
      domainNameConfigurations: [
        { certificateArn: console.domain.certificateArn, endpointType: 'REGIONAL', securityPolicy: 'TLS_1_2' },
      ],
    });
    new CfnApiMapping(this, 'Mapping', { apiId: this.api.ref, domainName: domain.ref, stage: stage.ref });
    this.domainTarget = domain.attrRegionalDomainName;
  }

  /** Leads every path to the function. */
  serve(handler: Handler): void {
    const stack = Stack.of(this);
    const integration = new CfnIntegration(this, 'Integration', {
      apiId: this.api.ref,
      integrationType: 'AWS_PROXY',
      integrationUri: handler.alias.functionArn,
      payloadFormatVersion: '2.0',
      timeoutInMillis: Math.min(handler.timeoutSeconds * 1000, 29_000),
    });
    for (const [index, routeKey] of [...ROUTES, '$default'].entries()) {
      const route = new CfnRoute(this, `Route${index}`, {
        apiId: this.api.ref,
        routeKey,
        authorizationType: 'NONE',
        target: `integrations/${integration.ref}`,
      });
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'The function checks a session or a token of every request, and sends everybody else to the log-in.',
      });
    }
    new CfnPermission(this, 'MayInvoke', {
      action: 'lambda:InvokeFunction',
      functionName: handler.alias.functionArn,
      principal: 'apigateway.amazonaws.com',
      sourceAccount: stack.account,
      sourceArn: stack.formatArn({ service: 'execute-api', resource: this.api.ref, resourceName: '*' }),
    });
  }

  private stage(): CfnStage {
    const { settings, console } = this.props;
    const log = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${settings.prefix}-console`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new CfnStage(this, 'Stage', {
      apiId: this.api.ref,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: { destinationArn: log.logGroupArn, format: JSON.stringify(LOGGED) },
      defaultRouteSettings: {
        throttlingRateLimit: console.rate,
        throttlingBurstLimit: console.burst,
        detailedMetricsEnabled: false,
      },
      // written as CloudFormation spells it: CDK passes a free object on as it is
      routeSettings: { $default: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 } },
    });
  }

  private makeKey(): Secret {
    const secret = new Secret(this, 'Key', {
      secretName: `${this.props.settings.prefix}/console-key`,
      description: 'Key that the console signs sessions and addresses of documents with',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: this.props.settings.removal.data,
    });
    const reason = 'What it signs lives for an hour at most. Whoever changes it ends all sessions: docs/console.md.';
    Validations.of(secret).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'NIST.800.53.R5-SecretsManagerRotationEnabled', reason },
    );
    return secret;
  }

  /** A user pool with a group per role. An administrator makes the accounts; each needs a second factor. */
  private cognito(): IdentityProvider {
    const { settings } = this.props;
    const stack = Stack.of(this);
    const pool = new CfnUserPool(this, 'UserPool', {
      userPoolName: `${settings.prefix}-console`,
      adminCreateUserConfig: { allowAdminCreateUserOnly: true },
      usernameAttributes: ['email'],
      autoVerifiedAttributes: ['email'],
      mfaConfiguration: 'ON',
      enabledMfas: ['SOFTWARE_TOKEN_MFA'],
      deletionProtection: settings.guarded ? 'ACTIVE' : 'INACTIVE',
      accountRecoverySetting: { recoveryMechanisms: [{ name: 'admin_only', priority: 1 }] },
      policies: {
        passwordPolicy: {
          minimumLength: 14,
          requireLowercase: true,
          requireUppercase: true,
          requireNumbers: true,
          requireSymbols: true,
          temporaryPasswordValidityDays: 3,
        },
      },
    });
    // while it is guarded, Cognito refuses to delete it
    pool.applyRemovalPolicy(RemovalPolicy.DESTROY);
    Validations.of(pool).acknowledge(
      { id: 'AwsSolutions-COG3', reason: 'Threat protection is a tier that costs per person; MFA is required of all.' },
      { id: 'AwsSolutions-COG8', reason: 'The tier is the deployer’s choice; MFA is required of all.' },
    );
    for (const name of ROLES) {
      new CfnUserPoolGroup(this, `Group${pascal(name)}`, { userPoolId: pool.ref, groupName: name });
    }
    const client = new CfnUserPoolClient(this, 'Client', {
      userPoolId: pool.ref,
      clientName: 'console',
      generateSecret: false,
      allowedOAuthFlowsUserPoolClient: true,
      allowedOAuthFlows: ['code'],
      allowedOAuthScopes: ['openid', 'email'],
      supportedIdentityProviders: ['COGNITO'],
      callbackUrLs: [`${this.url}${PATHS.callback}`],
      logoutUrLs: [`${this.url}${PATHS.signedOut}`],
      preventUserExistenceErrors: 'ENABLED',
      explicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      idTokenValidity: 5,
      accessTokenValidity: 5,
      tokenValidityUnits: { idToken: 'minutes', accessToken: 'minutes' },
    });
    // a domain's name is one of all accounts
    const domain = new CfnUserPoolDomain(this, 'LogIn', {
      userPoolId: pool.ref,
      domain: `${settings.prefix}-${stack.account}`,
    });
    const host = `https://${domain.ref}.auth.${stack.region}.amazoncognito.com`;
    const back = encodeURIComponent(PATHS.signedOut);
    return {
      issuer: `https://cognito-idp.${stack.region}.${stack.urlSuffix}/${pool.ref}`,
      clientId: client.ref,
      rolesClaim: 'cognito:groups',
      logOutUrl: `${host}/logout?client_id=${client.ref}&logout_uri=${this.url.replace('https://', 'https%3A%2F%2F')}${back}`,
    };
  }
}
