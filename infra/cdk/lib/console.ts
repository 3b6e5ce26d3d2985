// The console's own infrastructure: an HTTP API in front of the function `staff-console`, and a user pool of Cognito where people have no other way to log in. Every path leads to the function, which checks every token
// itself; rates are limited before it runs. Deployed only with `-c console=true`.

import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnUserPool, CfnUserPoolClient, CfnUserPoolDomain, CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Handler } from './function.ts';
import { accessLog, defaultStage, hostOf, leadTo, ownDomain } from './http-api.ts';
import { pascal } from './names.ts';
import type { ConsoleSettings, Settings } from './settings.ts';

/** What the function understands; whatever else is asked for takes the default route, with a lower rate. */
const ROUTES = [
  'GET /',
  'GET /c/{id}',
  'GET /c/{id}/{what}',
  'GET /c/{id}/document/{number}',
  'POST /c/{id}/{what}',
  'GET /dashboard',
  'GET /failures',
  'GET /runs',
  'GET /dead-letters',
  'GET /dead-letters/{queue}',
  'POST /dead-letters/{queue}/{what}',
  'GET /shops',
  'GET /shops/{shop}',
  'GET /log-in',
  'GET /callback',
  'POST /log-out',
  'GET /signed-out',
  'GET /assets/{file}',
  'GET /open/{ticket}',
  'OPTIONS /open/{ticket}',
  'ANY /api/v1/{proxy+}',
  // a route of its own has a rate of its own: many customers keep no member of the staff out
  'GET /api/v1/account/documents',
  // and neither do the workflows of a sale
  'POST /flow/send-document',
];

const PATHS = { callback: '/callback', signedOut: '/signed-out' };

export interface ConsoleProps {
  readonly settings: Settings;
  readonly console: ConsoleSettings;
  readonly logKey?: IKey;
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
    this.url = `https://${console.domain?.name ?? hostOf(this.api)}`;
    this.provider = console.provider ?? this.cognito();
    const log = accessLog(this, `${settings.prefix}-console`, props.logKey);
    const stage = defaultStage(this, this.api, log, console);
    if (console.domain !== undefined) this.domainTarget = ownDomain(this, this.api, stage, console.domain);
  }

  /** Leads every path to the function. */
  serve(handler: Handler): void {
    const open = 'The function checks a session or a token of every request, and sends everybody else to the log-in.';
    leadTo(this, this.api, handler, ROUTES, open);
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
