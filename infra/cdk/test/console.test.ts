// The console: who can reach it, who logs people in, and what its function may do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { only, synthesize } from './support.ts';

const { template } = synthesize();
const environment = (from = template) =>
  only(from, 'AWS::Lambda::Function', 'StaffConsoleFunction').Properties.Environment.Variables;
const resources = (type: string, from = template) =>
  Object.entries(from.findResources(type)).filter(([id]) => id.startsWith('Console'));

const OWN = { consoleIssuer: 'https://login.acme.example', consoleClientId: 'abc' };

describe('the API of the console', () => {
  test('leads every path to the function, and nothing else may call it', () => {
    const live = { Ref: only(template, 'AWS::Lambda::Alias', 'StaffConsoleLive').logicalId };
    const [[, integration] = [undefined, undefined]] = resources('AWS::ApiGatewayV2::Integration');
    assert.deepEqual(integration?.Properties.IntegrationUri, live);
    const routes = resources('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
    assert.ok(routes.includes('$default') && routes.length > 10);
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission')).filter(
      ({ Properties }) => JSON.stringify(Properties.FunctionName) === JSON.stringify(live),
    );
    assert.equal(permissions.length, 1);
    assert.equal(permissions[0]?.Properties.Principal, 'apigateway.amazonaws.com');
  });

  test('limits rates and logs neither queries nor who asks', () => {
    const [[, stage] = [undefined, undefined]] = resources('AWS::ApiGatewayV2::Stage');
    assert.equal(stage?.Properties.DefaultRouteSettings.ThrottlingRateLimit, 20);
    assert.deepEqual(stage?.Properties.RouteSettings, {
      $default: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
    });
    const logged = Object.values(JSON.parse(stage?.Properties.AccessLogSettings.Format) as Record<string, string>);
    for (const value of logged) {
      assert.doesNotMatch(value, /path|query|identity|userAgent|header|domain|authorizer/i);
    }
  });

  test('is there only where it is wanted', () => {
    const without = synthesize({ console: 'false' }).template;
    assert.deepEqual(resources('AWS::ApiGatewayV2::Api', without), []);
    assert.deepEqual(Object.keys(without.findResources('AWS::Cognito::UserPool')), []);
    assert.deepEqual(Object.keys(without.findOutputs('ConsoleUrl')), []);
  });

  test('has a domain of its own if it is given one, and then no other way in', () => {
    const certificate = 'arn:aws:acm:eu-west-1:111111111111:certificate/1';
    const own = synthesize({ consoleDomain: 'console.acme.example', consoleCertificate: certificate }).template;
    const [[, api] = [undefined, undefined]] = resources('AWS::ApiGatewayV2::Api', own);
    assert.equal(api?.Properties.DisableExecuteApiEndpoint, true);
    assert.equal(environment(own).CONSOLE_URL, 'https://console.acme.example');
    assert.throws(() => synthesize({ consoleDomain: 'console.acme.example' }), /consoleCertificate/);
  });
});

describe('people', () => {
  test('log in at Cognito, with a second factor and a group per role', () => {
    const pool = only(template, 'AWS::Cognito::UserPool', 'ConsoleUserPool').Properties;
    assert.equal(pool.MfaConfiguration, 'ON');
    assert.equal(pool.AdminCreateUserConfig.AllowAdminCreateUserOnly, true);
    const groups = Object.values(template.findResources('AWS::Cognito::UserPoolGroup'));
    const names = groups.map(({ Properties }) => Properties.GroupName).sort();
    assert.deepEqual(names, ['auditor', 'operator', 'support']);
    const client = only(template, 'AWS::Cognito::UserPoolClient', 'ConsoleClient').Properties;
    assert.deepEqual([client.AllowedOAuthFlows, client.GenerateSecret], [['code'], false]);
    assert.match(JSON.stringify(client.CallbackURLs), /\/callback"/);
    assert.equal(environment().OIDC_ROLES_CLAIM, 'cognito:groups');
  });

  test('log in at the company’s own provider, if there is one', () => {
    const own = synthesize({ ...OWN, consoleRoles: 'support=helpdesk' }).template;
    assert.deepEqual(Object.keys(own.findResources('AWS::Cognito::UserPool')), []);
    const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_ROLES_CLAIM, OIDC_CLIENT_SECRET, CONSOLE_ROLES } = environment(own);
    assert.deepEqual(
      [OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_ROLES_CLAIM, OIDC_CLIENT_SECRET, CONSOLE_ROLES],
      ['https://login.acme.example', 'abc', 'groups', undefined, 'support=helpdesk'],
    );
    assert.equal(environment(synthesize({ ...OWN, consoleClientSecret: 'true' }).template).OIDC_CLIENT_SECRET, 'true');
    assert.throws(() => synthesize({ consoleIssuer: 'https://a.example' }), /consoleClientId/);
    assert.throws(() => synthesize({ ...OWN, consoleIssuer: 'http://a.example' }), /https/);
  });
});

test('the function changes the ledger, adds facts and entries of who reads, and queues the rest', () => {
  const role = only(template, 'AWS::IAM::Role', 'StaffConsoleRole');
  const statements = role.Properties.Policies[0].PolicyDocument.Statement as { Action: string | string[] }[];
  const actions = new Set(statements.flatMap(({ Action }) => Action));
  const writes = [...actions].filter((action) => /:(Put|Delete|Update|Create|Send|Start)/.test(action)).sort();
  assert.deepEqual(writes, [
    'dynamodb:UpdateItem',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:PutObject',
    's3:PutObjectLegalHold',
    's3:PutObjectRetention',
    'sqs:DeleteMessage',
    'sqs:SendMessage',
  ]);
});

test('the function knows every dead-letter queue, and takes what is in it', () => {
  const known = JSON.stringify(environment(template).DEAD_LETTER_QUEUES);
  const all = Object.entries(template.findResources('AWS::SQS::Queue')).filter(([, { Properties }]) =>
    String(Properties.QueueName).endsWith('-dlq'),
  );
  assert.ok(all.length > 12, 'with those of privacy requests and of outcomes');
  const role = JSON.stringify(only(template, 'AWS::IAM::Role', 'StaffConsoleRole').Properties.Policies);
  const outputs = JSON.stringify(
    Object.entries(template.findOutputs('*')).filter(([it]) => it.startsWith('DeadLetterUrl')),
  );
  for (const [id, { Properties }] of all) {
    const name = String(Properties.QueueName).replace(/^shopify-exstream-|-dlq$/g, '');
    const url = `${name}=",{"Ref":"${id}"}`;
    assert.ok(known.includes(url), `${url} is not in ${known}`);
    assert.ok(role.includes(`"Fn::GetAtt":["${id}","Arn"]`), `no right for ${name}`);
    assert.ok(outputs.includes(`{"Ref":"${id}"}`), `no output for ${name}`);
  }
});
