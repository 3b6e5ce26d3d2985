import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthesize } from './support.ts';

test('cost tags are on everything that can have them', () => {
  const resources: any[] = Object.values(
    synthesize({ costTags: 'cost-center=4711, owner=documents' }).template.toJSON().Resources,
  );
  const expected = [
    { Key: 'cost-center', Value: '4711' },
    { Key: 'owner', Value: 'documents' },
  ];
  for (const type of [
    'AWS::CloudWatch::Alarm',
    'AWS::DynamoDB::Table',
    'AWS::IAM::Role',
    'AWS::KMS::Key',
    'AWS::Lambda::Function',
    'AWS::Logs::LogGroup',
    'AWS::S3::Bucket',
    'AWS::SQS::Queue',
    'AWS::SecretsManager::Secret',
  ]) {
    const found = resources.filter(({ Type }) => Type === type);
    assert.ok(found.length > 0, type);
    for (const { Properties } of found) {
      for (const tag of expected) assert.ok(JSON.stringify(Properties.Tags).includes(JSON.stringify(tag)), type);
    }
  }
  assert.doesNotMatch(JSON.stringify(synthesize().template.toJSON()), /"Tags":/);
  assert.throws(() => synthesize({ costTags: 'cost-center' }), /costTags.*key=value/);
  assert.throws(() => synthesize({ costTags: 'aws:owner=me' }), /costTags/);
});
