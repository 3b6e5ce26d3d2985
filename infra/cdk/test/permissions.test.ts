// What each role may do, action by action: a grant that a construct or a change adds fails here.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { describe, test } from 'node:test';
import { arn, FLOWS, idOf, only, synthesize } from './support.ts';

const { template } = synthesize();
const id = (type: string, name: string) => only(template, type, name).logicalId;
const archive = id('AWS::S3::Bucket', 'StorageArchive');
const operations = id('AWS::S3::Bucket', 'StorageOperations');
const table = id('AWS::DynamoDB::Table', 'StorageLedger');

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

function statements(name: string): Statement[] {
  const role = only(template, 'AWS::IAM::Role', `${name}Role`).Properties;
  assert.equal(role.ManagedPolicyArns, undefined);
  assert.equal(role.Policies.length, 1);
  return role.Policies[0].PolicyDocument.Statement;
}

// CDK writes a single value as such
const FOLDERS = '*.myshopify.com/????/??/??/*/*/';
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const below = (bucket: string, key: string) => ({
  'Fn::Join': ['', [{ 'Fn::GetAtt': [bucket, 'Arn'] }, `/${key}`]],
});

/** The resources, as text, that an action is allowed on. */
function allowed(name: string): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const statement of statements(name)) {
    for (const action of list(statement.Action)) {
      const resources = list(statement.Resource).map((resource) => JSON.stringify(resource));
      result.set(action, [...(result.get(action) ?? []), ...resources]);
    }
  }
  return result;
}

const CONSUME = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'];
const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const READ_SHOP = ['s3:GetObject', 's3:ListBucket', 'secretsmanager:GetSecretValue'];
/** Adding facts beside records. */
const FACTS = [
  's3:GetObject',
  's3:GetObjectLegalHold',
  's3:GetObjectRetention',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:PutObjectLegalHold',
  's3:PutObjectRetention',
  'kms:Decrypt',
  'kms:GenerateDataKey',
];
const FLOW = [
  ...LOG,
  ...CONSUME,
  ...READ_SHOP,
  'sqs:SendMessage',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:Query',
  's3:ListBucketVersions',
  ...FACTS.filter((action) => action !== 's3:GetObject'),
];
const RUN = [...LOG, ...CONSUME, ...READ_SHOP, 'sqs:SendMessage', 's3:PutObject'];
const EXPECTED: Record<string, string[]> = {
  Intake: [...LOG, 'sqs:SendMessage', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
  ...Object.fromEntries(FLOWS.map((name) => [idOf(name), FLOW])),
  StatementRun: RUN,
  OfferRun: RUN,
  ArchiveSeal: [
    ...LOG,
    'dynamodb:BatchGetItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'kms:Decrypt',
    'kms:GenerateDataKey',
    'kms:GetPublicKey',
    'kms:Sign',
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
    's3:PutObject',
    's3:PutObjectRetention',
  ],
  DeliveryStatus: [
    ...LOG,
    ...READ_SHOP.filter((action) => action !== 's3:GetObject'),
    ...FACTS,
    'sqs:SendMessage',
    'dynamodb:GetItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
  ],
  Reconcile: [...LOG, ...READ_SHOP, 'secretsmanager:PutSecretValue', 'sqs:SendMessage', 'dynamodb:BatchGetItem'],
  Documents: [
    ...LOG,
    'dynamodb:GetItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
    's3:GetObjectVersion',
    'secretsmanager:GetSecretValue',
    'kms:Decrypt',
    'sqs:SendMessage',
  ],
  Privacy: [
    ...LOG,
    ...CONSUME,
    ...READ_SHOP,
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:Query',
    'dynamodb:Scan',
    'dynamodb:UpdateItem',
    'kms:Decrypt',
    'kms:GenerateDataKey',
    's3:DeleteObject',
    's3:DeleteObjectVersion',
    's3:GetObjectLegalHold',
    's3:GetObjectRetention',
    's3:GetObjectVersion',
    's3:ListBucketVersions',
    's3:PutObject',
    's3:PutObjectRetention',
    'sqs:SendMessage',
  ],
  StaffConsole: [
    ...LOG,
    'cloudwatch:GetMetricData',
    'dynamodb:BatchGetItem',
    'dynamodb:GetItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
    ...FACTS.filter((action) => action !== 's3:GetObject'),
    's3:GetObject',
    's3:ListBucket',
    's3:ListBucketVersions',
    'lambda:InvokeFunction',
    'secretsmanager:GetSecretValue',
    ...CONSUME,
    'sqs:SendMessage',
  ],
  WriteBack: [
    ...LOG,
    ...CONSUME,
    ...READ_SHOP.filter((action) => action !== 's3:GetObject'),
    ...FACTS,
    'dynamodb:UpdateItem',
    'sqs:SendMessage',
  ],
  OutcomeEvents: [
    ...LOG,
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
    'events:PutEvents',
    'sqs:SendMessage',
  ],
};
const READS: Record<string, string[]> = {
  ...Object.fromEntries(FLOWS.map((name) => [idOf(name), ['config/*', 'work/*']])),
  DeliveryStatus: ['config/*', 'print-status/*'],
  Privacy: ['config/*', 'privacy/*', 'spool/*'],
  StatementRun: ['config/*', 'runs/*', 'work/*'],
  OfferRun: ['config/*', 'runs/*'],
  StaffConsole: ['config/*', 'runs/*'],
};

/** What is listed of the archive, if it is not the folders of communications. */
const LISTS: Record<string, string[]> = {
  ArchiveSeal: ['log/*', 'disposal/*'],
  DeliveryStatus: [`${FOLDERS}record.json`],
  Privacy: ['disposal/*', '*.myshopify.com/', `${FOLDERS}*`, 'erasure/*'],
  StaffConsole: [FOLDERS, `${FOLDERS}*`, `${FOLDERS}record.json`, 'log/*'],
  WriteBack: [`${FOLDERS}record.json`],
};

test('every function is looked at', () => {
  const names = Object.keys(EXPECTED);
  assert.equal(names.length, Object.keys(template.findResources('AWS::Lambda::Function')).length);
});

for (const [name, actions] of Object.entries(EXPECTED)) {
  describe(`role of ${name}`, () => {
    test('has exactly these actions', () => {
      assert.deepEqual([...allowed(name).keys()].sort(), [...actions].sort());
    });

    test('only allows, and has no wildcard as an action or as a whole resource', () => {
      for (const statement of statements(name)) {
        assert.equal(statement.Effect, 'Allow');
        for (const action of list(statement.Action)) assert.doesNotMatch(action, /\*/);
        // the one action that has no resource: it reads counts
        if (isDeepStrictEqual(list(statement.Action), ['cloudwatch:GetMetricData'])) continue;
        for (const resource of list(statement.Resource)) assert.notEqual(resource, '*');
      }
    });

    test('lists below prefixes only, and those of the keys it reads', () => {
      const listed: Record<string, string[]> = {};
      const prefixes: Record<string, string[]> = {
        [operations]: READS[name] ?? ['config/*'],
        [archive]: LISTS[name] ?? [`${FOLDERS}*`],
      };
      for (const { Action, Resource, Condition } of statements(name)) {
        if (!list(Action).includes('s3:ListBucket')) continue;
        const [bucket] = (Resource as ReturnType<typeof arn>)['Fn::GetAtt'];
        // without `IfExists`: a list without a prefix is refused
        const { StringLike, ...more } = Condition as { StringLike: { 's3:prefix': string[] } };
        assert.deepEqual([Object.keys(StringLike), more], [['s3:prefix'], {}]);
        listed[bucket] = [...(listed[bucket] ?? []), ...StringLike['s3:prefix']];
      }
      for (const [bucket, found] of Object.entries(listed)) {
        assert.deepEqual(found.sort(), [...(prefixes[bucket] ?? [])].sort());
        delete prefixes[bucket];
      }
      const unlisted = ['Documents', 'OutcomeEvents'].includes(name)
        ? [operations, archive]
        : actions.includes('kms:Decrypt')
          ? []
          : [archive];
      assert.deepEqual(Object.keys(prefixes), unlisted);
    });
  });
}

test('only the function privacy deletes versions of evidence, and nobody bypasses a lock', () => {
  const deleting = Object.keys(EXPECTED).filter((name) => allowed(name).has('s3:DeleteObjectVersion'));
  assert.deepEqual(deleting, ['Privacy']);
  assert.deepEqual(allowed('Privacy').get('s3:DeleteObjectVersion'), [JSON.stringify(below(archive, `${FOLDERS}*`))]);
  for (const name of Object.keys(EXPECTED)) assert.ok(!allowed(name).has('s3:BypassGovernanceRetention'), name);
});

test('flows see the history of the print spool and of nothing else', () => {
  for (const name of FLOWS.map(idOf)) {
    const found = statements(name).filter(({ Action }) => list(Action).includes('s3:ListBucketVersions'));
    assert.equal(found.length, 1);
    assert.deepEqual(found[0]?.Condition, { StringLike: { 's3:prefix': ['spool/*'] } });
    assert.deepEqual(found[0]?.Resource, arn({ logicalId: operations }));
  }
});

test('each function writes where it has to and nowhere else', () => {
  const writes = (name: string) => allowed(name).get('s3:PutObject')?.sort();
  const keys = (...resources: object[]) => resources.map((it) => JSON.stringify(it)).sort();
  const [runs, work] = [below(operations, 'runs/*'), below(operations, 'work/*')];
  assert.deepEqual(writes('Intake'), keys(work));
  assert.deepEqual(writes('StatementRun'), keys(runs, work));
  assert.deepEqual(writes('OfferRun'), keys(runs));
  for (const name of FLOWS.map(idOf)) {
    assert.deepEqual(writes(name), keys(below(archive, '*'), below(operations, 'spool/*')));
  }
  const facts = below(archive, `${FOLDERS}fact-*.json`);
  assert.deepEqual(writes('DeliveryStatus'), keys(facts, below(operations, 'print-status/*/done/*')));
  assert.deepEqual(writes('WriteBack'), keys(facts));
  assert.deepEqual(writes('StaffConsole'), keys(below(archive, 'access/*'), facts, below(operations, 'audit/*')));
  assert.equal(writes('Reconcile'), undefined);
  assert.deepEqual(writes('ArchiveSeal'), keys(below(archive, 'log/*')));
  const signers = Object.keys(EXPECTED).filter((name) => allowed(name).has('kms:Sign'));
  assert.deepEqual(signers, ['ArchiveSeal']);
});

const queues = (...names: string[]) =>
  names.map((name) => JSON.stringify(arn(only(template, 'AWS::SQS::Queue', name)))).sort();
const flowQueues = FLOWS.map((name) => `${idOf(name)}Queue`);

test('each function sends to the queues behind it', () => {
  const sends = (name: string) => allowed(name).get('sqs:SendMessage')?.sort();
  // what only a run fills, nobody else writes to
  const of = (...without: string[]) => flowQueues.filter((name) => !without.includes(name));
  assert.deepEqual(sends('Intake'), queues(...of('AccountStatementsQueue'), 'IntakeDeadLetters'));
  assert.deepEqual(sends('Reconcile'), queues(...of('AccountStatementsQueue', 'TargetedOffersQueue')));
  // to itself, for the next channel; among the dead letters, what it gives up
  const own = (name: string) => [`${name}Queue`, `${name}QueueDeadLetters`];
  for (const name of FLOWS.map(idOf)) assert.deepEqual(sends(name), queues('WriteBackQueue', ...own(name)));
  assert.deepEqual(sends('DeliveryStatus'), queues('WriteBackQueue', ...flowQueues));
  assert.deepEqual(sends('Documents'), queues('WriteBackQueue', 'PrivacyQueue'));
  assert.deepEqual(sends('Privacy'), queues(...own('Privacy')));
  assert.deepEqual(sends('WriteBack'), queues('WriteBackQueueDeadLetters'));
  assert.deepEqual(sends('StatementRun'), queues(...own('StatementRun'), 'AccountStatementsQueue'));
  assert.deepEqual(sends('OfferRun'), queues(...own('OfferRun'), 'TargetedOffersQueue'));
});

test('each function receives from its own queue only', () => {
  for (const name of [...FLOWS.map(idOf), 'StatementRun', 'OfferRun', 'WriteBack', 'Privacy']) {
    for (const action of CONSUME) assert.deepEqual(allowed(name).get(action), queues(`${name}Queue`));
  }
});

test('the ledger is queried by the index that a function needs', () => {
  const index = (name: string) => JSON.stringify(below(table, `index/${name}`));
  const whole = JSON.stringify(arn({ logicalId: table }));
  const links = JSON.stringify(arn(only(template, 'AWS::DynamoDB::Table', 'StorageLinks')));
  const stream = JSON.stringify({ 'Fn::GetAtt': [table, 'StreamArn'] });
  const commitments = JSON.stringify(arn(only(template, 'AWS::DynamoDB::Table', 'StorageCommitments')));
  const byKey = JSON.stringify(
    below(only(template, 'AWS::DynamoDB::Table', 'StorageCommitments').logicalId, 'index/by-key'),
  );
  for (const name of FLOWS.map(idOf)) {
    assert.deepEqual(allowed(name).get('dynamodb:Query')?.sort(), [byKey, index('by-resource')].sort());
  }
  assert.deepEqual(allowed('DeliveryStatus').get('dynamodb:Query'), [index('by-check')]);
  for (const name of ['Documents', 'ArchiveSeal']) assert.deepEqual(allowed(name).get('dynamodb:Query'), [byKey]);
  assert.deepEqual(allowed('Privacy').get('dynamodb:Query'), [byKey, index('by-customer'), index('by-resource')]);
  for (const [name, actions] of Object.entries(EXPECTED)) {
    for (const action of actions.filter((it) => it.startsWith('dynamodb:') && it !== 'dynamodb:Query')) {
      const writes = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'].includes(action);
      const ofFlow =
        FLOWS.map(idOf).includes(name) && writes
          ? action === 'dynamodb:PutItem'
            ? [commitments, links]
            : [whole, links]
          : [whole];
      const ofPrivacy: Record<string, string[]> = {
        'dynamodb:DeleteItem': [commitments, links],
        'dynamodb:GetItem': [commitments, whole, links],
        'dynamodb:Scan': [commitments],
        'dynamodb:UpdateItem': [whole, links],
      };
      const readsSecrets = action === 'dynamodb:GetItem' ? [whole, commitments, links] : ofFlow;
      const expected: Record<string, string[]> = {
        ...Object.fromEntries(FLOWS.map((flow) => [idOf(flow), readsSecrets])),
        Documents: action === 'dynamodb:UpdateItem' ? [links, whole] : [links, commitments],
        Privacy: ofPrivacy[action] ?? [],
        OutcomeEvents: [stream],
        ArchiveSeal: [commitments],
        // of the secrets, all for proofs and the erasable ones for reading
        StaffConsole: action === 'dynamodb:GetItem' ? [whole, commitments, commitments, links] : [whole],
      };
      assert.deepEqual(allowed(name).get(action), expected[name] ?? ofFlow, `${name} ${action}`);
    }
  }
});

test('the function that everybody can reach changes of the ledger what is known of recipients, and nothing else', () => {
  const whole = JSON.stringify(arn({ logicalId: table }));
  const changes = statements('Documents').filter(({ Resource }) => JSON.stringify(Resource) === whole);
  assert.deepEqual(changes, [
    {
      Effect: 'Allow',
      Action: 'dynamodb:UpdateItem',
      Resource: arn({ logicalId: table }),
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['recipient#*'] } },
    },
  ]);
});

test('secrets are those of shops, and the pseudonym key where pseudonyms are made', () => {
  const shops = /:secret:shopify-exstream\/shop\/\*/;
  const key = JSON.stringify({ Ref: id('AWS::SecretsManager::Secret', 'StorageCustomerKey') });
  const linkKey = JSON.stringify({ Ref: id('AWS::SecretsManager::Secret', 'StorageLinkKey') });
  const consoleKey = JSON.stringify({ Ref: id('AWS::SecretsManager::Secret', 'ConsoleKey') });
  for (const name of Object.keys(EXPECTED).filter(
    (it) => !['Intake', 'Documents', 'OutcomeEvents', 'ArchiveSeal', 'Privacy'].includes(it),
  )) {
    const granted = allowed(name).get('secretsmanager:GetSecretValue') ?? [];
    const more = granted.filter((it) => !shops.test(it));
    assert.equal(granted.length - more.length, 1);
    const own = name === 'StaffConsole' ? [key, consoleKey, linkKey] : [];
    assert.deepEqual(more.sort(), FLOWS.map(idOf).includes(name) ? [key, linkKey].sort() : own.sort());
  }
  assert.deepEqual(allowed('Privacy').get('secretsmanager:GetSecretValue'), [key, linkKey]);
  const [apps, ...others] = allowed('Documents').get('secretsmanager:GetSecretValue') ?? [];
  assert.match(apps ?? '', /:secret:shopify-exstream\/app-secrets-\*/);
  assert.deepEqual(others, []);
});

test('one function replaces tokens, and no other secret', () => {
  const puts = (name: string) => allowed(name).get('secretsmanager:PutSecretValue');
  assert.match(puts('Reconcile')?.join() ?? '', /:secret:shopify-exstream\/shop\/\*\/token-\*"\]\]\}$/);
  for (const name of Object.keys(EXPECTED).filter((it) => it !== 'Reconcile')) assert.equal(puts(name), undefined);
});

describe('roles of schedules', () => {
  const role = (name: string) => {
    const { AssumeRolePolicyDocument, Policies, ManagedPolicyArns } = only(
      template,
      'AWS::IAM::Role',
      `Schedules${name}Role`,
    ).Properties;
    assert.equal(ManagedPolicyArns, undefined);
    assert.equal(Policies.length, 1);
    return { trust: AssumeRolePolicyDocument.Statement, may: Policies[0].PolicyDocument.Statement };
  };
  const functions = (...names: string[]) =>
    names.map((name) => ({ Ref: only(template, 'AWS::Lambda::Alias', `${name}Live`).logicalId }));
  const send = (...names: string[]) => names.map((name) => arn(only(template, 'AWS::SQS::Queue', name)));

  test('of runs starts runs and nothing else', () => {
    assert.deepEqual(role('Run').may, [
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: send('OfferRunQueue', 'SchedulesDeadLetters', 'StatementRunQueue'),
      },
    ]);
  });

  test('of functions invokes those that make passes', () => {
    assert.deepEqual(role('Function').may, [
      {
        Effect: 'Allow',
        Action: 'lambda:InvokeFunction',
        Resource: functions('ArchiveSeal', 'DeliveryStatus', 'Privacy', 'Reconcile'),
      },
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: send('SchedulesDeadLetters')[0] },
    ]);
  });

  test("are taken by Scheduler for this account's schedules of one group", () => {
    for (const [name, group] of [
      ['Run', 'shopify-exstream'],
      ['Function', 'shopify-exstream-passes'],
    ] as const) {
      const [statement, ...more] = role(name).trust;
      assert.deepEqual(more, []);
      assert.deepEqual(statement.Principal, { Service: 'scheduler.amazonaws.com' });
      assert.deepEqual(statement.Condition.StringEquals['aws:SourceAccount'], { Ref: 'AWS::AccountId' });
      const source = JSON.stringify(statement.Condition.StringEquals['aws:SourceArn']);
      assert.match(source, new RegExp(`:schedule-group/${group}"`));
    }
  });
});

/** With the other ones, what has to be kept could not be proved any more. */
test('only the function privacy destroys secrets, and of them those that are erasable', () => {
  const commitments = arn(only(template, 'AWS::DynamoDB::Table', 'StorageCommitments'));
  const destroys = (name: string) =>
    statements(name).filter(
      ({ Action, Resource }) =>
        list(Action).includes('dynamodb:DeleteItem') && JSON.stringify(Resource) === JSON.stringify(commitments),
    );
  assert.deepEqual(
    Object.keys(EXPECTED).filter((name) => destroys(name).length > 0),
    ['Privacy'],
  );
  const [statement] = destroys('Privacy');
  assert.deepEqual(statement?.Condition, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['*#erasable#*', '*#communication#*'] },
  });
});
