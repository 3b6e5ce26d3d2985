// The way of customers to their documents: what is public, at which rates, and what is logged of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { only, synthesize } from './support.ts';

const { template } = synthesize();
const one = (type: string, from = template) => {
  // the console has an API of its own
  const found = Object.entries(from.findResources(type)).filter(([id]) => !id.startsWith('Console'));
  assert.equal(found.length, 1, type);
  const [logicalId, resource] = found[0] as [string, { Properties: any }];
  return { logicalId, ...resource };
};
const api = one('AWS::ApiGatewayV2::Api');
const CERTIFICATE = 'arn:aws:acm:eu-west-1:111111111111:certificate/1';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:111111111111:global/webacl/documents/1';
const DOMAIN = { documentsDomain: 'documents.shop.example', documentsCertificate: CERTIFICATE };
const url = (from = template) => Object.values(from.findOutputs('DocumentsUrl'))[0]?.Value;

const live = { Ref: only(template, 'AWS::Lambda::Alias', 'DocumentsLive').logicalId };

describe('the API of documents', () => {
  test('leads every path to the function', () => {
    const integration = one('AWS::ApiGatewayV2::Integration');
    assert.deepEqual(integration.Properties.IntegrationUri, live);
    assert.equal(integration.Properties.PayloadFormatVersion, '2.0');
    const routes = Object.entries(template.findResources('AWS::ApiGatewayV2::Route'))
      .filter(([id]) => id.startsWith('DocumentsApi'))
      .map(([, route]) => route);
    assert.ok(routes.some(({ Properties }) => Properties.RouteKey === '$default'));
    for (const { Properties } of routes) {
      assert.deepEqual(Properties.Target, { 'Fn::Join': ['', ['integrations/', { Ref: integration.logicalId }]] });
      assert.match(Properties.RouteKey, /^(GET|HEAD) \/|^POST \/u\/\{token\}$|^POST \/privacy$|^\$default$/);
    }
    assert.ok(integration.Properties.TimeoutInMillis <= 29_000);
  });

  test('is all that may call the function', () => {
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
    const mine = permissions.filter(
      ({ Properties }) => JSON.stringify(Properties.FunctionName) === JSON.stringify(live),
    );
    assert.equal(mine.length, 1);
    const { Principal, SourceArn, SourceAccount } = mine[0]?.Properties;
    assert.equal(Principal, 'apigateway.amazonaws.com');
    assert.deepEqual(SourceAccount, { Ref: 'AWS::AccountId' });
    assert.match(JSON.stringify(SourceArn), new RegExp(`:execute-api:.*"Ref":"${api.logicalId}"`));
    assert.deepEqual(Object.keys(template.findResources('AWS::Lambda::Url')), []);
  });

  test('limits rates, most of all where nothing is', () => {
    const stage = (context: Record<string, string> = {}) =>
      one('AWS::ApiGatewayV2::Stage', synthesize(context).template).Properties;
    assert.deepEqual(stage().DefaultRouteSettings, {
      DetailedMetricsEnabled: false,
      ThrottlingRateLimit: 50,
      ThrottlingBurstLimit: 100,
    });
    assert.deepEqual(stage().RouteSettings, { $default: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 } });
    const settings = stage({ documentsRate: '7', documentsBurst: '9' }).DefaultRouteSettings;
    assert.deepEqual([settings.ThrottlingRateLimit, settings.ThrottlingBurstLimit], [7, 9]);
    assert.throws(() => synthesize({ documentsRate: '0' }), /documentsRate/);
  });

  test('logs neither paths nor who asks', () => {
    const { AccessLogSettings } = one('AWS::ApiGatewayV2::Stage').Properties;
    const logged = Object.values(JSON.parse(AccessLogSettings.Format) as Record<string, string>);
    assert.ok(logged.length > 4);
    for (const value of logged) assert.doesNotMatch(value, /path|identity|userAgent|header|domain|authorizer/i);
    const group = only(template, 'AWS::Logs::LogGroup', 'DocumentsApiAccessLog');
    assert.equal(group.Properties.RetentionInDays, 90);
  });
});

describe('a domain of one’s own', () => {
  test('is the only way in', () => {
    assert.match(JSON.stringify(url()), /https:\/\/.*execute-api/);
    assert.equal(api.Properties.DisableExecuteApiEndpoint, false);
    const own = synthesize(DOMAIN).template;
    assert.equal(url(own), 'https://documents.shop.example');
    assert.equal(one('AWS::ApiGatewayV2::Api', own).Properties.DisableExecuteApiEndpoint, true);
    const [configuration] = one('AWS::ApiGatewayV2::DomainName', own).Properties.DomainNameConfigurations;
    assert.deepEqual(configuration, {
      CertificateArn: CERTIFICATE,
      EndpointType: 'REGIONAL',
      SecurityPolicy: 'TLS_1_2',
    });
    assert.equal(Object.keys(own.findOutputs('DocumentsDomainTarget')).length, 1);
  });

  test('is behind a web ACL if there is one', () => {
    const certificate = CERTIFICATE.replace('eu-west-1', 'us-east-1');
    const own = synthesize({ ...DOMAIN, documentsCertificate: certificate, documentsWebAcl: WEB_ACL }).template;
    const { DistributionConfig } = one('AWS::CloudFront::Distribution', own).Properties;
    assert.equal(DistributionConfig.WebACLId, WEB_ACL);
    assert.deepEqual(DistributionConfig.Aliases, ['documents.shop.example']);
    assert.equal(DistributionConfig.Logging, undefined);
    // every method that a route of the API takes gets through
    const routes = Object.entries(own.findResources('AWS::ApiGatewayV2::Route'));
    const mine = routes
      .filter(([id]) => id.startsWith('DocumentsApi'))
      .map(([, { Properties }]) => Properties.RouteKey);
    const methods = mine.filter((key) => key !== '$default').map((key) => key.split(' ')[0]);
    assert.ok(methods.includes('POST'));
    const { AllowedMethods } = DistributionConfig.DefaultCacheBehavior;
    assert.deepEqual(
      methods.filter((method) => !AllowedMethods.includes(method)),
      [],
    );
    // CachingDisabled
    assert.equal(DistributionConfig.DefaultCacheBehavior.CachePolicyId, '4135ea2d-6df8-44a3-9df3-4b5a84be39ad');
    assert.equal(one('AWS::ApiGatewayV2::Api', own).Properties.DisableExecuteApiEndpoint, false);
  });

  test('needs what belongs together', () => {
    assert.throws(() => synthesize({ documentsDomain: 'a.example' }), /documentsCertificate/);
    assert.throws(() => synthesize({ documentsCertificate: CERTIFICATE }), /documentsDomain/);
    assert.throws(() => synthesize({ documentsWebAcl: WEB_ACL }), /documentsDomain/);
    assert.throws(() => synthesize({ ...DOMAIN, documentsWebAcl: WEB_ACL }), /us-east-1/);
    assert.throws(() => synthesize({ ...DOMAIN, documentsDomain: 'https://a.example' }), /documentsDomain/);
    const regional = WEB_ACL.replace('global', 'regional');
    assert.throws(() => synthesize({ ...DOMAIN, documentsWebAcl: regional }), /documentsWebAcl/);
  });
});

describe('links', () => {
  test('have a table of their own that forgets, and a key', () => {
    const table = only(template, 'AWS::DynamoDB::Table', 'StorageLinks');
    assert.deepEqual(table.Properties.TimeToLiveSpecification, { AttributeName: 'expires_epoch_s', Enabled: true });
    assert.equal(table.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled, true);
    assert.equal(table.Properties.DeletionProtectionEnabled, true);
    assert.equal(table.DeletionPolicy, 'RetainExceptOnCreate');
    const key = only(template, 'AWS::SecretsManager::Secret', 'StorageLinkKey');
    assert.equal(key.Properties.Name, 'shopify-exstream/link-key');
    assert.equal(key.Properties.GenerateSecretString.PasswordLength, 64);
  });

  // what it may do with the ledger, which is to change items of recipients: permissions.test.ts
  test('are followed without the key, communications, records and anything to write', () => {
    const role = JSON.stringify(only(template, 'AWS::IAM::Role', 'DocumentsRole').Properties);
    assert.doesNotMatch(role, /link-key|customer-key|LinkKey|CustomerKey|\/shop\//);
    for (const absent of ['s3:PutObject', 's3:List', 'record', 'DeleteItem', 'PutItem']) {
      assert.ok(!role.includes(absent), absent);
    }
    assert.match(role, /\/\?{4}\/\?\?\/\?\?\/\*\/\*\/document\*"/);
  });
});
