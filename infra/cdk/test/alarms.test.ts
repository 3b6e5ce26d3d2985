import assert from 'node:assert/strict';
import { test } from 'node:test';
import { only, synthesize } from './support.ts';

const { template } = synthesize();
const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
  ({ Properties }) => Properties,
);
const of = (metric: string) => alarms.filter(({ MetricName }) => MetricName === metric);
const dimensions = (metric: string) =>
  of(metric)
    .map(({ Dimensions }) => JSON.stringify(Dimensions))
    .sort();
const dimension = (name: string, attribute: object) => JSON.stringify([{ Name: name, Value: attribute }]);

const queueName = (id: string) =>
  dimension('QueueName', { 'Fn::GetAtt': [only(template, 'AWS::SQS::Queue', id).logicalId, 'QueueName'] });
const functionName = (name: string, id: string) =>
  dimension(name, { Ref: only(template, 'AWS::Lambda::Function', `${id}Function`).logicalId });

test('every dead-letter queue must be empty', () => {
  assert.deepEqual(
    dimensions('ApproximateNumberOfMessagesVisible'),
    ['IntakeDeadLetters', 'OrderConfirmationQueueDeadLetters', 'WriteBackQueueDeadLetters']
      .map(queueName)
      .sort(),
  );
});

test('every function must not fail as a whole', () => {
  assert.deepEqual(
    dimensions('Errors'),
    ['Intake', 'OrderConfirmation', 'WriteBack'].map((id) => functionName('FunctionName', id)).sort(),
  );
});

test('no work waits too long', () => {
  assert.deepEqual(
    dimensions('ApproximateAgeOfOldestMessage'),
    ['OrderConfirmationQueue', 'WriteBackQueue'].map(queueName).sort(),
  );
});

test("what ends badly is the function's own metric", () => {
  const expected = { Unknown: 'OrderConfirmation', Failed: 'OrderConfirmation', ReportRefused: 'WriteBack' };
  for (const [metric, id] of Object.entries(expected)) {
    const [alarm, ...more] = of(metric);
    assert.deepEqual(more, []);
    assert.equal(alarm.Namespace, 'ShopifyExstream');
    assert.equal(JSON.stringify(alarm.Dimensions), functionName('Function', id));
    assert.ok(alarm.AlarmDescription.length > 20);
  }
});

test('all of them fire on the first value above the threshold, and on no value not at all', () => {
  assert.equal(alarms.length, 11);
  for (const alarm of alarms) {
    assert.equal(alarm.ComparisonOperator, 'GreaterThanThreshold');
    assert.equal(alarm.EvaluationPeriods, 1);
    assert.equal(alarm.TreatMissingData, 'notBreaching');
    assert.equal(alarm.AlarmActions, undefined);
    if (alarm.MetricName !== 'ApproximateAgeOfOldestMessage') assert.equal(alarm.Threshold, 0);
  }
});

test('a topic in the context is told of each', () => {
  const topic = 'arn:aws:sns:eu-west-1:111111111111:operations';
  const notifying = Object.values(
    synthesize({ alarmTopic: topic }).template.findResources('AWS::CloudWatch::Alarm'),
  );
  assert.equal(notifying.length, 11);
  for (const { Properties } of notifying) assert.deepEqual(Properties.AlarmActions, [topic]);
});
