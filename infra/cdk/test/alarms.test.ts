import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOWS, FUNCTIONS, idOf, only, RUNS, synthesize } from './support.ts';

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

const WORK = [...FLOWS, ...RUNS, 'write-back'].map((name) => `${idOf(name)}Queue`);

test('every dead-letter queue must be empty', () => {
  const ids = [...WORK.map((id) => `${id}DeadLetters`), 'IntakeDeadLetters', 'SchedulesDeadLetters'];
  assert.deepEqual(dimensions('ApproximateNumberOfMessagesVisible'), ids.map(queueName).sort());
});

test('every function must not fail as a whole', () => {
  assert.deepEqual(
    dimensions('Errors'),
    FUNCTIONS.map((name) => functionName('FunctionName', idOf(name))).sort(),
  );
});

test('no work waits too long, where a run makes it hours', () => {
  assert.deepEqual(dimensions('ApproximateAgeOfOldestMessage'), WORK.map(queueName).sort());
  const longest = (id: string) =>
    of('ApproximateAgeOfOldestMessage').find(
      ({ Dimensions }) => JSON.stringify(Dimensions) === queueName(`${id}Queue`),
    )?.Threshold;
  assert.equal(longest('OrderConfirmation'), 900);
  assert.equal(longest('AccountStatements'), 6 * 3600);
  assert.equal(longest('TargetedOffers'), 24 * 3600);
  assert.equal(longest('StatementRun'), 3600);
});

test("what ends badly is the function's own metric", () => {
  const expected = {
    Unknown: FLOWS,
    Failed: FLOWS,
    ReportRefused: ['write-back'],
    RunsFailed: ['statement-run'],
    StatementsUnreadable: ['statement-run'],
    Troubled: ['delivery-status', 'reconcile'],
    Problems: ['delivery-status', 'reconcile'],
    Recovered: FLOWS,
  };
  for (const [metric, names] of Object.entries(expected)) {
    assert.deepEqual(dimensions(metric), names.map((name) => functionName('Function', idOf(name))).sort());
    for (const alarm of of(metric)) {
      assert.equal(alarm.Namespace, 'ShopifyExstream');
      assert.ok(alarm.AlarmDescription.length > 20);
    }
  }
});

test('a few recovered documents are no alarm, many in the time of a round are', () => {
  for (const alarm of of('Recovered')) {
    assert.equal(alarm.Threshold, 20);
    assert.equal(alarm.Period, 15 * 60);
  }
  const other = synthesize({ recoveredAlarm: '3', everyReconcile: '30' }).template;
  other.resourcePropertiesCountIs(
    'AWS::CloudWatch::Alarm',
    { MetricName: 'Recovered', Threshold: 3, Period: 1800 },
    FLOWS.length,
  );
});

/** Whether an alarm rings, given what its metric was in each of the latest minutes. */
function rings({ Period, EvaluationPeriods, DatapointsToAlarm, Threshold }: any, minutes: number[]): boolean {
  const length = Period / 60;
  const sums = Array.from({ length: EvaluationPeriods }, (_, index) => {
    const end = minutes.length - index * length;
    return minutes.slice(Math.max(end - length, 0), Math.max(end, 0)).reduce((sum, value) => sum + value, 0);
  });
  return sums.filter((sum) => sum > Threshold).length >= DatapointsToAlarm;
}

for (const every of [1, 5, 11, 15, 20, 30, 45, 60]) {
  test(`a shop in trouble is an alarm when it stays so, with a round every ${every} minutes`, () => {
    const context = {
      everyDeliveryStatus: `${every}`,
      timeoutDeliveryStatus: '30',
      everyReconcile: `${every}`,
      timeoutReconcile: '30',
    };
    const found = Object.values(
      synthesize(context).template.findResources('AWS::CloudWatch::Alarm', {
        Properties: { MetricName: 'Troubled' },
      }),
    );
    assert.equal(found.length, 2);
    for (const { Properties } of found) {
      const { Period, EvaluationPeriods } = Properties;
      // what CloudWatch looks back on at most
      assert.ok(Period * EvaluationPeriods <= (Period < 3600 ? 86_400 : 7 * 86_400));
      // the latest round first, with so many troubled shops in each
      const after = (...rounds: number[]) =>
        rings(
          Properties,
          rounds.reverse().flatMap((troubled) => [troubled, ...Array<number>(every - 1).fill(0)]),
        );
      assert.equal(after(1, 1, 1), true, 'one shop, three rounds in a row');
      assert.equal(after(1, 0, 1, 0, 1, 0), true, 'every second round');
      assert.equal(after(1, 1, 0, 0, 0, 0), false, 'twice');
      assert.equal(after(50, 0, 0, 0, 0, 0), false, 'many shops, once');
      assert.equal(after(0, 0, 0, 0, 0, 0, 1, 1, 1), false, 'long ago');
    }
  });
}

test('all others fire on the first value above the threshold, and on no value not at all', () => {
  const tolerated = ['ApproximateAgeOfOldestMessage', 'Recovered'];
  for (const alarm of alarms) {
    assert.equal(alarm.ComparisonOperator, 'GreaterThanThreshold');
    if (!['Troubled', 'Problems'].includes(alarm.MetricName)) {
      assert.equal(alarm.EvaluationPeriods, 1);
      assert.equal(alarm.DatapointsToAlarm, 1);
    }
    assert.equal(alarm.TreatMissingData, 'notBreaching');
    assert.equal(alarm.AlarmActions, undefined);
    if (!tolerated.includes(alarm.MetricName)) assert.equal(alarm.Threshold, 0);
  }
});

test('a topic in the context is told of each', () => {
  const topic = 'arn:aws:sns:eu-west-1:111111111111:operations';
  const notifying = Object.values(
    synthesize({ alarmTopic: topic }).template.findResources('AWS::CloudWatch::Alarm'),
  );
  assert.equal(notifying.length, alarms.length);
  for (const { Properties } of notifying) assert.deepEqual(Properties.AlarmActions, [topic]);
});
