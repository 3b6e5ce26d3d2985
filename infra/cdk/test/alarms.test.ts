import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FLOWS, FUNCTIONS, idOf, only, PARTNER_BUS, RUNS, synthesize } from './support.ts';

/** What AWS publishes, with its dimensions: the pages on monitoring of Lambda, SQS, EventBridge and Scheduler. */
const PUBLISHED: Record<string, Record<string, string[]>> = {
  'AWS/ApiGateway': { '5xx': ['ApiId'] },
  'AWS/Events': {
    Events: ['EventSourceName'],
    InvocationsFailedToBeSentToDlq: ['EventBusName', 'RuleName'],
  },
  'AWS/Lambda': {
    DestinationDeliveryFailures: ['FunctionName'],
    Duration: ['FunctionName'],
    Errors: ['FunctionName'],
    IteratorAge: ['FunctionName'],
    Throttles: ['FunctionName'],
  },
  'AWS/SQS': {
    ApproximateAgeOfOldestMessage: ['QueueName'],
    ApproximateNumberOfMessagesVisible: ['QueueName'],
  },
  'AWS/Scheduler': {
    InvocationDroppedCount: ['ScheduleGroup'],
    InvocationsFailedToBeSentToDeadLetterCount: ['ScheduleGroup'],
    TargetErrorCount: ['ScheduleGroup'],
  },
};

const { template } = synthesize();
const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
const named = (name: string, from = template) =>
  Object.values(from.findResources('AWS::CloudWatch::Alarm'))
    .map(({ Properties }) => Properties)
    .find(({ AlarmName }) => AlarmName === `shopify-exstream-${name}`);
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

const WORK = [...FLOWS, ...RUNS, 'write-back', 'privacy'].map((name) => `${idOf(name)}Queue`);

test('every dead-letter queue must be empty', () => {
  const ids = [
    ...WORK.map((id) => `${id}DeadLetters`),
    'IntakeDeadLetters',
    'OutcomeEventsDeadLetters',
    'SchedulesDeadLetters',
  ];
  assert.deepEqual(dimensions('ApproximateNumberOfMessagesVisible'), ids.map(queueName).sort());
});

test('every function must not fail as a whole', () => {
  assert.deepEqual(dimensions('Errors'), FUNCTIONS.map((name) => functionName('FunctionName', idOf(name))).sort());
});

test('no work waits too long, where a run makes it hours', () => {
  assert.deepEqual(dimensions('ApproximateAgeOfOldestMessage'), WORK.map(queueName).sort());
  const longest = (id: string) =>
    of('ApproximateAgeOfOldestMessage').find(({ Dimensions }) => JSON.stringify(Dimensions) === queueName(`${id}Queue`))
      ?.Threshold;
  assert.equal(longest('OrderConfirmation'), 900);
  assert.equal(longest('AccountStatements'), 6 * 3600);
  assert.equal(longest('TargetedOffers'), 24 * 3600);
  assert.equal(longest('StatementRun'), 3600);
});

test("what ends badly is the function's own metric", () => {
  const expected = {
    Unknown: FLOWS,
    BecameIll: FLOWS,
    Overdue: [...FLOWS, ...RUNS, 'write-back', 'privacy'],
    ReportRefused: ['write-back'],
    RunsFailed: ['statement-run'],
    StatementsUnreadable: ['statement-run'],
    BatchOutputsUnproven: ['statement-run'],
    BatchOutputsMissing: ['statement-run'],
    MembersUnreadable: ['offer-run'],
    Retried: RUNS,
    EvidenceAltered: ['archive-seal'],
    EvidenceMissing: ['archive-seal'],
    Unstamped: ['archive-seal'],
    FailedShops: ['archive-seal', 'delivery-status', 'reconcile'],
    Problems: ['archive-seal', 'delivery-status', 'reconcile'],
    Recovered: FLOWS,
    NotShown: ['documents'],
    NotFound: ['documents'],
  };
  for (const [metric, names] of Object.entries(expected)) {
    assert.deepEqual(dimensions(metric), names.map((name) => functionName('Function', idOf(name))).sort());
    for (const alarm of of(metric)) assert.equal(alarm.Namespace, 'ShopifyExstream');
  }
});

test('functions that are not let run, or hardly end in time', () => {
  const all = FUNCTIONS.map((name) => functionName('FunctionName', idOf(name))).sort();
  assert.deepEqual(dimensions('Throttles'), all);
  // runs and passes use up their time and hand on the rest
  const ending = [...FLOWS, 'intake', 'write-back', 'documents', 'staff-console', 'privacy', 'outcome-events'];
  assert.deepEqual(dimensions('Duration'), ending.map((name) => functionName('FunctionName', idOf(name))).sort());
  const slow = (id: string, from = template) => named(`${id}-slow`, from);
  assert.equal(slow('intake').ExtendedStatistic, 'p99');
  assert.equal(slow('intake').Threshold, 0.8 * 15_000);
  assert.equal(slow('order-confirmation').Threshold, 0.8 * 120_000);
  const other = synthesize({ timeoutOrderConfirmation: '50' }).template;
  assert.equal(slow('order-confirmation', other).Threshold, 0.8 * 50_000);
});

test('events that reach neither intake nor a dead-letter queue', () => {
  const refused = named('intake-refusal-lost');
  assert.equal(refused.Namespace, 'AWS/Lambda');
  assert.equal(refused.MetricName, 'DestinationDeliveryFailures');
  assert.equal(JSON.stringify(refused.Dimensions), functionName('FunctionName', 'Intake'));
  const rule = only(template, 'AWS::Events::Rule', 'Webhooks').logicalId;
  const lost = named('webhooks-lost');
  assert.equal(lost.MetricName, 'InvocationsFailedToBeSentToDlq');
  assert.deepEqual(lost.Dimensions, [
    { Name: 'EventBusName', Value: PARTNER_BUS },
    { Name: 'RuleName', Value: { Ref: rule } },
  ]);
});

test('the silence of the partner source, over hours that context says', () => {
  const silence = named('source-silent');
  assert.deepEqual(silence.Dimensions, [{ Name: 'EventSourceName', Value: PARTNER_BUS }]);
  const { MetricName, Namespace, Statistic, Threshold, ComparisonOperator, TreatMissingData } = silence;
  assert.deepEqual([Namespace, MetricName, Statistic], ['AWS/Events', 'Events', 'Sum']);
  // nothing is published while nothing comes: no value is silence
  assert.deepEqual([ComparisonOperator, Threshold, TreatMissingData], ['LessThanThreshold', 1, 'breaching']);
  const hours = ({ Period, EvaluationPeriods, DatapointsToAlarm }: any) => {
    assert.equal(EvaluationPeriods, DatapointsToAlarm);
    return (Period * EvaluationPeriods) / 3600;
  };
  assert.equal(hours(silence), 24);
  assert.equal(hours(named('source-silent', synthesize({ silentHours: '3' }).template)), 3);
  assert.throws(() => synthesize({ silentHours: '169' }), /silentHours/);
  for (const context of [{ silentHours: '0' }, { createBus: 'true' }] as Record<string, string>[]) {
    assert.equal(named('source-silent', synthesize(context).template), undefined);
  }
});

test('schedules that start nothing, of runs and of passes', () => {
  const groups = ['SchedulesGroup', 'SchedulesPassesGroup'].map((id) =>
    dimension('ScheduleGroup', { Ref: only(template, 'AWS::Scheduler::ScheduleGroup', id).logicalId }),
  );
  for (const metric of ['InvocationDroppedCount', 'TargetErrorCount', 'InvocationsFailedToBeSentToDeadLetterCount']) {
    assert.deepEqual(dimensions(metric), groups.sort());
    for (const alarm of of(metric)) assert.equal(alarm.Namespace, 'AWS/Scheduler');
  }
});

describe('documents that failed', () => {
  interface Query {
    Id: string;
    Expression?: string;
    MetricStat?: { Metric: any; Period: number; Stat: string };
  }

  /** What CloudWatch makes of the counts of one period, where one that was not counted has no value. */
  function value(queries: Query[], counts: Record<string, number>): number {
    const [expression, ...more] = queries.flatMap(({ Expression }) => Expression ?? []);
    assert.deepEqual(more, []);
    const metrics = queries.filter(({ MetricStat }) => MetricStat !== undefined);
    const values = metrics.map(({ MetricStat }) => counts[MetricStat?.Metric.MetricName]);
    const fill = (given: number | undefined, otherwise: number) => given ?? otherwise;
    const choose = (condition: boolean, yes: number, no: number) => (condition ? yes : no);
    const evaluate = new Function('FILL', 'IF', ...metrics.map(({ Id }) => Id), `return ${expression}`);
    return evaluate(fill, choose, ...values);
  }

  const rings = ({ Metrics, Threshold }: any, counts: Record<string, number>) => value(Metrics, counts) > Threshold;

  test('are an alarm where they are more than a share, and more than a few', () => {
    for (const flow of FLOWS) {
      const alarm = named(`${flow}-failed`);
      for (const { MetricStat } of alarm.Metrics as Query[]) {
        if (MetricStat === undefined) continue;
        assert.equal(JSON.stringify(MetricStat.Metric.Dimensions), functionName('Function', idOf(flow)));
        assert.equal(MetricStat.Period, 15 * 60);
        assert.equal(MetricStat.Stat, 'Sum');
      }
      assert.equal(alarm.EvaluationPeriods, 1);
    }
    const alarm = named('order-confirmation-failed');
    assert.equal(rings(alarm, { Failed: 1 }), false, 'one document');
    assert.equal(rings(alarm, { Failed: 2, Accepted: 1 }), false, 'two of three');
    assert.equal(rings(alarm, { Failed: 3 }), true, 'all three');
    assert.equal(rings(alarm, { Failed: 5, Accepted: 95 }), false, 'five of a hundred');
    assert.equal(rings(alarm, { Failed: 6, Accepted: 50, Archived: 44 }), true, 'six of a hundred');
    assert.equal(rings(alarm, { Failed: 30, Archived: 500, Suppressed: 500, Unknown: 20 }), false, '3 %');
    assert.equal(rings(alarm, { Accepted: 1000 }), false, 'none');
    assert.equal(rings(alarm, {}), false, 'nothing at all');
  });

  test('by numbers that context says', () => {
    const strict = named('order-confirmation-failed', synthesize({ failedAlarm: '0', failedAlarmFrom: '1' }).template);
    assert.equal(rings(strict, { Failed: 1, Accepted: 10_000 }), true);
    assert.equal(rings(strict, { Accepted: 10_000 }), false);
    assert.throws(() => synthesize({ failedAlarm: '101' }), /failedAlarm/);
    assert.throws(() => synthesize({ failedAlarmFrom: '0' }), /failedAlarmFrom/);
  });
});

describe('every alarm', () => {
  test('is of a metric that the code counts or AWS publishes', () => {
    for (const { Namespace, MetricName, Dimensions } of alarms.flatMap(metricsOf)) {
      const names = Dimensions.map(({ Name }: { Name: string }) => Name);
      if (Namespace !== 'ShopifyExstream') {
        assert.deepEqual(PUBLISHED[Namespace]?.[MetricName], names, `${Namespace} ${MetricName}`);
        continue;
      }
      assert.deepEqual(names, ['Function']);
      const logicalId: string = Dimensions[0].Value.Ref;
      const name = FUNCTIONS.find((name) => logicalId.startsWith(`${idOf(name)}Function`)) ?? '';
      assert.ok(counted(name).includes(MetricName), `${name} counts no ${MetricName}`);
    }
  });

  test('says what happened and what to do', () => {
    for (const { AlarmName, AlarmDescription } of alarms) {
      assert.match(AlarmDescription, /^\S.{30,}[.?] docs\/runbook\.md#\S+$/s, AlarmName);
      const sentences = AlarmDescription.split(/[.?:] /).length;
      assert.ok(sentences >= 2, `${AlarmName} does not say what to do`);
      assert.ok(AlarmDescription.length <= 1024, AlarmName);
    }
  });

  test('is in what `ctl cost` says a month costs, by the metrics it looks at', () => {
    const source = readFileSync(join(__dirname, '../../ctl/src/cost.rs'), 'utf8');
    const [, charged] = /const ALARMS: f64 = (\d+)\.0;/.exec(source) ?? [];
    // without a bus for outcomes and without the console, which a deployment asks for
    const usual = Object.values(
      synthesize({ outcomeBus: '', console: 'false' }).template.findResources('AWS::CloudWatch::Alarm'),
    );
    assert.equal(Number(charged), usual.flatMap(({ Properties }) => metricsOf(Properties)).length);
  });

  test('has a name of its own', () => {
    const names = alarms.map(({ AlarmName }) => AlarmName);
    assert.equal(new Set(names).size, names.length);
  });
});

const ROOT = join(__dirname, '../../..');

function metricsOf(alarm: any): any[] {
  if (alarm.Metrics === undefined) return [alarm];
  return alarm.Metrics.flatMap(({ MetricStat }: any) => MetricStat?.Metric ?? []);
}

/** The metrics that a function's own code, or the pipeline of the flows, counts: its tests aside. */
function counted(name: string): string[] {
  const folders = [`functions/${name}/src`, ...(FLOWS.includes(name) ? ['shared/flow/src'] : [])];
  const texts = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.rs') && !file.includes('tests'))
      .map((file) => codeOf(join(folder, file))),
  );
  // what a message that is delivered again counts, whoever handles it
  if (texts.some((text) => text.includes('.failed('))) texts.push(codeOf('shared/service/src/batch.rs'));
  return texts.flatMap((text) => [...text.matchAll(/\bMetric::([A-Z][A-Za-z]+)/g)].map(([, word]) => word ?? ''));
}

function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').split('#[cfg(test)]')[0] ?? '';
}

test('a few recovered documents are no alarm, many in the time of a pass are', () => {
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
  test(`a shop in trouble is an alarm when it stays so, with a pass every ${every} minutes`, () => {
    const context = {
      everyDeliveryStatus: `${every}`,
      timeoutDeliveryStatus: '30',
      everyReconcile: `${every}`,
      timeoutReconcile: '30',
      everyArchiveSeal: `${every}`,
      timeoutArchiveSeal: '30',
    };
    const found = Object.values(
      synthesize(context).template.findResources('AWS::CloudWatch::Alarm', {
        Properties: { MetricName: 'FailedShops' },
      }),
    );
    assert.equal(found.length, 3);
    for (const { Properties } of found) {
      const { Period, EvaluationPeriods } = Properties;
      // what CloudWatch looks back on at most
      assert.ok(Period * EvaluationPeriods <= (Period < 3600 ? 86_400 : 7 * 86_400));
      // the latest pass first, with so many failed shops in each
      const after = (...passes: number[]) =>
        rings(
          Properties,
          passes.reverse().flatMap((failed) => [failed, ...Array<number>(every - 1).fill(0)]),
        );
      assert.equal(after(1, 1, 1), true, 'one shop, three passes in a row');
      assert.equal(after(1, 0, 1, 0, 1, 0), true, 'every second pass');
      assert.equal(after(1, 1, 0, 0, 0, 0), false, 'twice');
      assert.equal(after(50, 0, 0, 0, 0, 0), false, 'many shops, once');
      assert.equal(after(0, 0, 0, 0, 0, 0, 1, 1, 1), false, 'long ago');
    }
  });
}

test('all others fire on the first value above the threshold, and on no value not at all', () => {
  const tolerated = [
    'ApproximateAgeOfOldestMessage',
    'Recovered',
    'Retried',
    'Duration',
    'NotFound',
    'IteratorAge',
    undefined,
  ];
  const lasting = ['FailedShops', 'Problems', 'Throttles', 'Duration', 'TargetErrorCount', '5xx'];
  for (const alarm of alarms.filter(({ MetricName }) => MetricName !== 'Events')) {
    assert.equal(alarm.ComparisonOperator, 'GreaterThanThreshold');
    const periods = lasting.includes(alarm.MetricName) ? [6, 3] : [1, 1];
    assert.deepEqual([alarm.EvaluationPeriods, alarm.DatapointsToAlarm], periods, alarm.AlarmName);
    assert.equal(alarm.TreatMissingData, 'notBreaching');
    assert.equal(alarm.AlarmActions, undefined);
    if (!tolerated.includes(alarm.MetricName)) assert.equal(alarm.Threshold, 0);
  }
});

test('an emulator gets every alarm but those on expressions, which it does not know', () => {
  const local = synthesize({ endpointUrl: 'http://127.0.0.1:4566' }).template;
  const there = Object.values(local.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
  const named = (some: typeof alarms) => some.map(({ AlarmName }) => AlarmName).sort();
  assert.deepEqual(named(there), named(alarms.filter(({ Metrics }) => Metrics === undefined)));
  assert.ok(there.length < alarms.length);
});
