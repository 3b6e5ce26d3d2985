// Who may take which role, and for how long; what each may do at most.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readTrusted } from '../lib/trusted.ts';
import { only, synthesize } from './support.ts';

const ROLE = 'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0a1b2c';
const USER = 'arn:aws:iam::111122223333:user/jane.doe@acme.example';
const SAML = 'arn:aws:iam::111122223333:saml-provider/acme';
const TRUST = { trustOperator: ROLE, trustAuditor: `${SAML}, ${USER}`, trustSupport: USER, trustRecords: USER };
const { template } = synthesize(TRUST);
const role = (name: string) => only(template, 'AWS::IAM::Role', `People${name}`);
const NAMES = ['Operator', 'Auditor', 'Support', 'Records'];

test('nobody may take a role until the deployment says who', () => {
  const roles = Object.keys(synthesize().template.findResources('AWS::IAM::Role'));
  assert.deepEqual(
    roles.filter((id) => id.startsWith('People')),
    [],
  );
  const some = Object.keys(synthesize({ trustSupport: ROLE }).template.findResources('AWS::IAM::Role'));
  assert.equal(some.filter((id) => id.startsWith('People')).length, 1);
});

test('outputs name the roles', () => {
  for (const name of NAMES) {
    const output = template.findOutputs(`Role${name}`)[`Role${name}`];
    assert.deepEqual(output?.['Value'], { 'Fn::GetAtt': [role(name).logicalId, 'Arn'] });
  }
});

describe('a role for people', () => {
  test('is taken as its principals prove who they are', () => {
    const trust = (name: string) => role(name).Properties.AssumeRolePolicyDocument.Statement;
    const mfa = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
    const user = { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { AWS: USER }, Condition: mfa };
    assert.deepEqual(trust('Support'), [user]);
    assert.deepEqual(trust('Operator'), [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { AWS: ROLE } }]);
    const saml = {
      Action: 'sts:AssumeRoleWithSAML',
      Effect: 'Allow',
      Principal: { Federated: SAML },
      Condition: { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } },
    };
    assert.deepEqual(trust('Auditor'), [saml, user]);
  });

  test('lasts an hour at most', () => {
    for (const name of NAMES) assert.equal(role(name).Properties.MaxSessionDuration, 3600);
  });

  test('names its commands', () => {
    for (const name of NAMES) {
      const { Commands } = (role(name) as unknown as { Metadata: { Commands: string[] } }).Metadata;
      assert.ok(Commands.includes('ctl-status'), name);
    }
  });
});

test('what is no role, user or SAML provider is refused', () => {
  for (const wrong of [
    '*',
    '111122223333',
    'arn:aws:iam::111122223333:root',
    'arn:aws:iam::111122223333:role/*',
    'arn:aws:iam::111122223333:user/?',
    'arn:aws:sts::111122223333:assumed-role/a/b',
    `${ROLE};${USER}`,
  ]) {
    assert.throws(() => readTrusted('trustSupport', `${USER},${wrong}`), /context trustSupport/, wrong);
  }
  assert.deepEqual(readTrusted('trustSupport', ` ${ROLE} ,`), [ROLE]);
});

describe('permissions of people', () => {
  const actions = (name: string): string[] =>
    role(name).Properties.Policies[0].PolicyDocument.Statement.flatMap(({ Action }: any) => Action);

  /** Below which keys a role puts objects. */
  const puts = (name: string): string[] => {
    const { Statement } = role(name).Properties.Policies[0].PolicyDocument;
    const found = Statement.filter(({ Action }: any) => [Action].flat().includes('s3:PutObject'));
    return found.flatMap(({ Resource }: any) => [Resource].flat().map((it: any) => it['Fn::Join'][1].at(-1) as string));
  };

  test('support sees states and no documents', () => {
    const finds = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query', 'secretsmanager:GetSecretValue'];
    assert.deepEqual(actions('Support').sort(), finds);
  });

  test('an auditor reads, which leaves an entry, and changes nothing', () => {
    const reads = [
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'kms:Decrypt',
      'kms:GenerateDataKey',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObjectRetention',
      'secretsmanager:GetSecretValue',
    ];
    assert.deepEqual([...new Set(actions('Auditor'))].sort(), reads);
    assert.deepEqual(puts('Auditor'), ['/access/*']);
  });

  test('an operator reads records and no documents, and puts events only on a bus of the stack', () => {
    const { Statement } = role('Operator').Properties.Policies[0].PolicyDocument;
    const evidence = Statement.filter(({ Action }: any) => [Action].flat().includes('s3:GetObjectVersion'));
    // and former configurations, to store one again
    for (const { Resource } of evidence) assert.match(JSON.stringify(Resource), /\/(record\.json|config\/\*)"/);
    assert.ok(!actions('Operator').includes('events:PutEvents'));
    const own = only(synthesize({ ...TRUST, createBus: 'true' }).template, 'AWS::IAM::Role', 'PeopleOperator');
    assert.ok(JSON.stringify(own.Properties.Policies).includes('events:PutEvents'));
  });

  test('nobody deletes but for what has expired, and nobody adds documents or records to the archive', () => {
    for (const name of NAMES) {
      for (const action of actions(name)) {
        assert.doesNotMatch(action, /\*|Bypass|dynamodb:Delete|^kms:(?!Decrypt|GenerateDataKey)/, name);
        if (name !== 'Records') assert.doesNotMatch(action, /s3:Delete/, name);
      }
      for (const key of puts(name)) assert.match(key, /^\/(access|audit|disposal|config)\/|fact-\*\.json$/, name);
    }
    assert.ok(!actions('Records').includes('s3:DeleteObject'), 'a marker hides what is locked');
  });
});
