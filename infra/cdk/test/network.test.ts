// Outside of a network by default; in a VPC of the stack's own or of the deployer's, with the ways out that the functions need.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { check } from './nag.ts';
import { FUNCTIONS, idOf, only, synthesize } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'cdk-network-'));
after(() => rmSync(folder, { recursive: true }));

const functions = (template: any): any[] =>
  FUNCTIONS.map((name) => only(template, 'AWS::Lambda::Function', `${idOf(name)}Function`).Properties);
const EC2 = 'AWS::EC2::';

test('there is no network, no proxy and no bundle by default', () => {
  const { template } = synthesize();
  assert.doesNotMatch(JSON.stringify(template.toJSON()), /AWS::EC2|ec2:|LayerVersion|HTTPS_PROXY|EXTRA_CA_FILE/);
});

describe('a VPC that the stack makes', () => {
  const { template } = synthesize({ vpc: 'create' }, check);
  const all = (type: string): any[] => Object.values(template.findResources(EC2 + type)).map((it) => it.Properties);

  test('has the functions in private subnets of two zones, behind one NAT gateway', () => {
    assert.equal(all('Subnet').length, 4);
    assert.equal(all('NatGateway').length, 1);
    for (const subnet of all('Subnet')) assert.equal(subnet.MapPublicIpOnLaunch, false);
    const [{ SubnetIds, SecurityGroupIds }] = functions(template).map(({ VpcConfig }) => VpcConfig);
    assert.equal(SubnetIds.length, 2);
    for (const { Ref } of SubnetIds) assert.match(Ref, /^NetworkVpcfunctionsSubnet/);
    for (const { VpcConfig } of functions(template)) assert.deepEqual(VpcConfig, { SubnetIds, SecurityGroupIds });
    const three = synthesize({ vpc: 'create', vpcZones: '3', natGateways: '3' }).template;
    three.resourceCountIs(`${EC2}NatGateway`, 3);
    assert.throws(() => synthesize({ vpc: 'create', natGateways: '3' }), /natGateways.*vpcZones/);
    assert.throws(() => synthesize({ vpc: 'create', vpcCidr: '10.0.0.0/8' }), /vpcCidr/);
  });

  test('has no way out but the proxy where there is no NAT gateway', () => {
    const closed = synthesize({ vpc: 'create', natGateways: '0', httpsProxy: 'http://proxy.example:3128' }).template;
    for (const type of ['NatGateway', 'InternetGateway', 'Route']) closed.resourceCountIs(EC2 + type, 0);
    const [group] = Object.entries(closed.findResources(`${EC2}SecurityGroup`)).filter(([id]) => /Functions/.test(id));
    const ports = group?.[1].Properties.SecurityGroupEgress.map((it: any) => [it.FromPort, it.ToPort]);
    assert.deepEqual(ports, [
      [443, 443],
      [3128, 3128],
    ]);
  });

  test('has the way out to the port of the proxy, also where its address names none', () => {
    const plain = synthesize({ vpc: 'create', natGateways: '0', httpsProxy: 'http://proxy.example' }).template;
    const [group] = Object.entries(plain.findResources(`${EC2}SecurityGroup`)).filter(([id]) => /Functions/.test(id));
    const ports = group?.[1].Properties.SecurityGroupEgress.map((it: any) => it.FromPort);
    assert.deepEqual(ports, [443, 80]);
  });

  test('lets the functions out by HTTPS and nothing in', () => {
    const groups = Object.entries(template.findResources(`${EC2}SecurityGroup`));
    const of = (id: string): any => groups.find(([logicalId]) => logicalId.startsWith(`Network${id}`))?.[1].Properties;
    assert.deepEqual(
      of('Functions').SecurityGroupEgress.map(({ FromPort, ToPort, CidrIp }: any) => [FromPort, ToPort, CidrIp]),
      [[443, 443, '0.0.0.0/0']],
    );
    assert.equal(of('Functions').SecurityGroupIngress, undefined);
    const ingress = all('SecurityGroupIngress');
    assert.equal(ingress.length, 1);
    assert.deepEqual([ingress[0].FromPort, ingress[0].ToPort], [443, 443]);
  });

  test('has an endpoint for each service that the functions call, for this account alone', () => {
    const endpoints = all('VPCEndpoint');
    const services = endpoints.map(({ ServiceName }) => /(\w+)"?\]*\}*$/.exec(JSON.stringify(ServiceName))?.[1]);
    assert.deepEqual(services.sort(), [
      'dynamodb',
      'events',
      'kms',
      'lambda',
      'monitoring',
      's3',
      'secretsmanager',
      'sqs',
    ]);
    for (const { PolicyDocument } of endpoints) {
      const condition = { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } };
      assert.deepEqual(
        PolicyDocument.Statement.map((it: any) => it.Condition),
        [condition],
      );
    }
    // what the roles of the functions may call is what there are endpoints for; Lambda writes the logs itself
    const roles = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) =>
      FUNCTIONS.some((name) => id.startsWith(`${idOf(name)}Role`)),
    );
    const called = new Set(
      roles
        .flatMap(([, { Properties }]) => Properties.Policies[0].PolicyDocument.Statement)
        .flatMap(({ Action }) => [Action].flat())
        .map((action: string) => action.split(':')[0]),
    );
    // Lambda follows the table's stream and makes the network interfaces, not the code
    const named = services.map((service) => (service === 'monitoring' ? 'cloudwatch' : service));
    assert.deepEqual([...called].sort(), [...named, 'ec2', 'logs'].sort());
    const quiet = synthesize({ vpc: 'create', outcomeBus: '' }).template;
    assert.equal(Object.keys(quiet.findResources(`${EC2}VPCEndpoint`)).length, services.length - 1);
    const alone = synthesize({ vpc: 'create', console: 'false' }).template;
    assert.equal(Object.keys(alone.findResources(`${EC2}VPCEndpoint`)).length, services.length - 2);
  });

  test('is logged', () => {
    assert.deepEqual(
      all('FlowLog').map(({ TrafficType, LogDestinationType }) => [TrafficType, LogDestinationType]),
      [['ALL', 'cloud-watch-logs']],
    );
  });
});

describe('functions in a VPC', () => {
  const context = { vpc: 'existing', vpcSubnets: 'subnet-0a1b2c3d,subnet-4e5f6a7b', vpcSecurityGroups: 'sg-0a1b2c3d' };
  const { template } = synthesize(context, check);

  test('are where context says, and the stack makes no network', () => {
    for (const { VpcConfig } of functions(template)) {
      assert.deepEqual(VpcConfig, {
        SubnetIds: ['subnet-0a1b2c3d', 'subnet-4e5f6a7b'],
        SecurityGroupIds: ['sg-0a1b2c3d'],
      });
    }
    assert.doesNotMatch(JSON.stringify(template.toJSON()), /AWS::EC2::/);
  });

  test('are put there by Lambda, and cannot do it themselves', () => {
    for (const name of FUNCTIONS) {
      const [policy] = only(template, 'AWS::IAM::Role', `${idOf(name)}Role`).Properties.Policies;
      const found = policy.PolicyDocument.Statement.filter(({ Action }: any) =>
        [Action].flat().includes('ec2:CreateNetworkInterface'),
      );
      assert.deepEqual(
        found.map((it: any) => it.Effect),
        ['Allow', 'Deny'],
      );
      assert.deepEqual(found[0].Action, found[1].Action);
      const own = JSON.stringify(found[1].Condition.ArnEquals['lambda:SourceFunctionArn']);
      assert.match(own, new RegExp(`:function:shopify-exstream-${name}"`));
    }
  });

  test('need subnets and a group, each by its id', () => {
    assert.throws(() => synthesize({ ...context, vpcSecurityGroups: '' }), /vpcSecurityGroups/);
    assert.throws(() => synthesize({ ...context, vpcSubnets: 'subnet-0a1b2c3d' }), /two subnets/);
    assert.throws(() => synthesize({ ...context, vpcSubnets: 'vpc-0a1b2c3d' }), /no id of subnet/);
    assert.throws(() => synthesize({ ...context, vpc: 'none' }), /only with vpc=existing/);
  });
});

test('a proxy is used for everything but AWS', () => {
  const { template } = synthesize({ httpsProxy: 'http://proxy.example:3128' });
  for (const { Environment } of functions(template)) {
    const { HTTPS_PROXY, NO_PROXY } = Environment.Variables;
    assert.deepEqual([HTTPS_PROXY, NO_PROXY], ['http://proxy.example:3128', '.amazonaws.com']);
  }
  // a password would be readable by whoever may look at a function
  assert.throws(() => synthesize({ httpsProxy: 'http://me:secret@proxy.example' }), /httpsProxy.*without a password/);
});

describe('authorities of your own', () => {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

  test('are a layer that each function reads', () => {
    const { template } = synthesize({ caBundle: file('good.pem', certificate) });
    const layer = only(template, 'AWS::Lambda::LayerVersion', 'NetworkAuthorities').logicalId;
    for (const { Layers, Environment } of functions(template)) {
      assert.deepEqual(Layers, [{ Ref: layer }]);
      assert.equal(Environment.Variables.EXTRA_CA_FILE, '/opt/extra-authorities.pem');
    }
    // another bundle is another layer, and so another version of each function
    const version = (text: string) =>
      only(
        synthesize({ caBundle: file('other.pem', text) }).template,
        'AWS::Lambda::LayerVersion',
        'NetworkAuthorities',
      ).Properties.Content.S3Key;
    assert.notDeepEqual(version(certificate), version(certificate + certificate));
  });

  test('are certificates and no keys', () => {
    const refused = (text: string) => () => synthesize({ caBundle: file('bad.pem', text) });
    assert.throws(refused('nothing'), /no certificate/);
    assert.throws(refused(`${certificate}-----BEGIN PRIVATE KEY-----`), /private key/);
    assert.throws(() => synthesize({ caBundle: join(folder, 'missing.pem') }), /no file/);
  });
});
