// Alarm, metric, group, log query, dashboard and the section of docs/runbook.md belong together: each is looked for from each
// other one. `UPDATE_CONTRACTS=1 npm test` writes the page's table of alarms.

import { Template } from 'aws-cdk-lib/assertions';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GROUPS } from '../lib/alarm-groups.ts';
import { address, entryOf, RUNBOOK } from '../lib/runbook.ts';
import { FLOWS, FUNCTIONS, RUNS, synthesize } from './support.ts';

const ROOT = join(__dirname, '../../..');
const PAGE = join(ROOT, 'docs/runbook.md');
const TOPIC = 'arn:aws:sns:eu-west-1:111111111111:operations';

const { template } = synthesize({ alarmTopic: TOPIC });
const found = (type: string, from: Template = template): [string, any][] =>
  Object.entries(from.findResources(type)).map(([id, { Properties }]) => [id, Properties]);
const alarms = found('AWS::CloudWatch::Alarm');
const name = ({ AlarmName }: any): string => AlarmName.replace('shopify-exstream-', '');
const metricsOf = (alarm: any): { Namespace: string; MetricName: string; Dimensions: any }[] =>
  alarm.Metrics?.flatMap(({ MetricStat }: any) => MetricStat?.Metric ?? []) ?? [alarm];

const page = readFileSync(PAGE, 'utf8');
const part = (from: string, to: string) => page.slice(page.indexOf(from), page.indexOf(to));
const todo = part('\n## What to do', '\n## Give back');

/** Each section below its group's heading. */
function sections(): { group: string; section: string; text: string }[] {
  return todo.split(/^### /m).flatMap((group) => {
    const [heading = '', ...rest] = group.split(/^#### /m);
    const of = /^`([^`]+)`/.exec(heading)?.[1] ?? '';
    return rest.map((text) => ({ group: of, section: /^`([^`]+)`$/m.exec(text)?.[1] ?? text, text }));
  });
}

describe('the runbook', () => {
  test('has a section for every alarm, below its group, and no other', () => {
    for (const [, alarm] of alarms) assert.ok(entryOf(name(alarm)), `${name(alarm)}: add it to lib/runbook.ts`);
    const needed = new Set(alarms.map(([, alarm]) => entryOf(name(alarm))));
    const idle = RUNBOOK.filter((entry) => !needed.has(entry)).map(({ section }) => section);
    assert.deepEqual(idle, [], 'about no alarm');
    const written = sections().map(({ group, section }) => `${group}: ${section}`);
    assert.deepEqual(written.sort(), RUNBOOK.map(({ group, section }) => `${group}: ${section}`).sort());
    assert.deepEqual(
      [...todo.matchAll(/^### `(.*)`$/gm)].map(([, group]) => group),
      Object.keys(GROUPS),
    );
  });

  test('says in each section what it means, what is safe and what to do', () => {
    for (const { section, text } of sections()) {
      const parts = [...text.matchAll(/^\*\*(\w+)\.\*\*\s+(\S[^*]{15,})/gm)].map(([, word]) => word);
      assert.deepEqual(parts, ['Means', 'Safe', 'Do'], section);
    }
  });

  test('lists all alarms with what they look at', () => {
    const rows = RUNBOOK.map(({ section, group, query }) => {
      const of = alarms.filter(([, alarm]) => entryOf(name(alarm))?.section === section).map(([, alarm]) => alarm);
      const metrics = new Set(of.flatMap(metricsOf).map((it) => `\`${it.Namespace} ${it.MetricName}\``));
      const link = `[\`${section}\`](${address('', section)})`;
      return `| ${link} | ${of.length} | \`${group}\` | ${[...metrics].join(', ')} | \`${query}\` |`;
    });
    const head = '| alarm | how many | group | looks at | log query |\n| --- | --- | --- | --- | --- |';
    const table = `\n${[head, ...rows].join('\n')}\n\n`;
    const pattern = /(<!-- generated: alarms.*-->\n)[^]*?(<!-- end: alarms -->)/;
    if (process.env.UPDATE_CONTRACTS !== undefined) writeFileSync(PAGE, page.replace(pattern, `$1${table}$2`));
    else assert.ok(page.includes(table), 'UPDATE_CONTRACTS=1 npm test');
  });

  test('is where every alarm and group says it is', () => {
    const url = 'https://wiki.example/runbook';
    const elsewhere = synthesize({ runbookUrl: url }).template;
    for (const [from, at] of [
      [template, 'docs/runbook.md'],
      [elsewhere, url],
    ] as const) {
      for (const [, alarm] of found('AWS::CloudWatch::Alarm', from)) {
        const section = entryOf(name(alarm))?.section ?? '';
        assert.ok(alarm.AlarmDescription.endsWith(` ${address(at, section)}`), alarm.AlarmName);
      }
      for (const [, group] of found('AWS::CloudWatch::CompositeAlarm', from)) {
        assert.ok(group.AlarmDescription.endsWith(` ${at}#${name(group)}`), group.AlarmName);
      }
    }
  });
});

describe('groups', () => {
  const groups = found('AWS::CloudWatch::CompositeAlarm');
  const members = ({ AlarmRule }: any): string[] =>
    [...JSON.stringify(AlarmRule).matchAll(/\{"Ref":"(\w+)"\}/g)].map(([, id]) => id ?? '');

  test('have every alarm in exactly one, and ring when any of theirs does', () => {
    assert.deepEqual(groups.map(([, group]) => name(group)).sort(), Object.keys(GROUPS).sort());
    const all = groups.flatMap(([, group]) => members(group));
    assert.deepEqual(all.sort(), alarms.map(([id]) => id).sort());
    for (const [, group] of groups) {
      const of = alarms.filter(([id]) => members(group).includes(id)).map(([, alarm]) => entryOf(name(alarm))?.group);
      assert.deepEqual([...new Set(of)], [name(group)]);
      const rule = group.AlarmRule['Fn::Join'][1]
        .map((it: any) => (typeof it === 'string' ? it : name(alarms.find(([id]) => id === it.Ref)?.[1])))
        .join('');
      assert.match(rule, /^\(?ALARM\("[\w-]+"\)( OR ALARM\("[\w-]+"\))*\)?$/);
      // what CloudWatch takes, with a prefix of 40 characters
      assert.ok(members(group).length <= 100, name(group));
      assert.ok(rule.length + 41 * members(group).length <= 10_240, name(group));
    }
  });

  test('notify in the place of their alarms, or beside them', () => {
    for (const [, group] of groups) {
      assert.deepEqual([group.AlarmActions, group.OKActions], [[TOPIC], [TOPIC]]);
    }
    for (const [, alarm] of alarms) assert.equal(alarm.AlarmActions, undefined, alarm.AlarmName);
    const each = synthesize({ alarmTopic: TOPIC, alarmNotify: 'each' }).template;
    for (const [, alarm] of [
      ...found('AWS::CloudWatch::Alarm', each),
      ...found('AWS::CloudWatch::CompositeAlarm', each),
    ]) {
      assert.deepEqual([alarm.AlarmActions, alarm.OKActions], [[TOPIC], [TOPIC]]);
    }
    for (const [, group] of found('AWS::CloudWatch::CompositeAlarm', synthesize().template)) {
      assert.equal(group.AlarmActions, undefined);
    }
    assert.throws(() => synthesize({ alarmNotify: 'nobody' }), /alarmNotify.*groups, each/);
  });

  test('are charged for by `ctl cost`', () => {
    const source = readFileSync(join(ROOT, 'infra/ctl/src/cost.rs'), 'utf8');
    assert.equal(Number(/const ALARM_GROUPS: f64 = (\d+)\.0;/.exec(source)?.[1]), groups.length);
  });
});

describe('log queries', () => {
  const queries = new Map(
    found('AWS::Logs::QueryDefinition').map(([, it]) => [it.Name.replace('shopify-exstream/', ''), it]),
  );
  const logs = new Map(found('AWS::Logs::LogGroup').map(([id, { LogGroupName }]) => [id, LogGroupName]));
  const searched = ({ LogGroupNames }: any): string[] => LogGroupNames.map(({ Ref }: any) => logs.get(Ref));

  test('are there for every alarm, and search the log of the function that it is about', () => {
    for (const [, alarm] of alarms) {
      const entry = entryOf(name(alarm));
      const query = queries.get(entry?.query);
      assert.ok(query, `${name(alarm)}: no query ${entry?.query}`);
      const about = FUNCTIONS.find((it) => name(alarm).startsWith(`${it}-`));
      // reconcile queues what was missed; the API has a log of its own
      if (about === undefined || /-recovered$|-api-/.test(name(alarm))) continue;
      assert.ok(searched(query).includes(`/aws/lambda/shopify-exstream-${about}`), name(alarm));
    }
    for (const it of queries.values()) assert.ok(it.LogGroupNames.length > 0 && it.LogGroupNames.length <= 50);
  });

  /** What the functions write: the arguments of every log line. */
  const lines = ['functions', 'shared']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((it) => `${folder}/${it}`),
    )
    .filter((file) => file.endsWith('.rs') && file.includes('/src/') && !/tests?(\/|\.rs)/.test(file))
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .flatMap((text) => [...text.matchAll(/tracing::(?:debug|info|warn|error)!\(([^]*?)\);/g)].map(([, it]) => it ?? ''))
    .join('\n');
  const access = JSON.parse(found('AWS::ApiGatewayV2::Stage')[0]?.[1].AccessLogSettings.Format ?? '{}');

  const WORDS = new Set(
    (
      'fields filter sort stats asc desc by as in like or and count max latest pct bin ispresent limit ' +
      // what the subscriber and CloudWatch add to every line
      'level message timestamp log'
    ).split(' '),
  );

  test('name fields and texts that the functions write', () => {
    assert.ok(lines.length > 5000, 'no log lines were found');
    for (const [key, { QueryString }] of queries) {
      const texts = [...QueryString.matchAll(/"([^"]+)"/g)].map(([, it]) => it);
      const known = ['put its id here', 'ERROR', 'WARN', 'failed', 'unknown', 'suppressed'];
      for (const text of texts) assert.ok(known.includes(text) || lines.includes(`"${text}"`), `${key}: ${text}`);
      const bare = QueryString.replace(/"[^"]*"|\/[^/]*\/|record\.status|\d+m?/g, '');
      const aliases = [...bare.matchAll(/ as (\w+)/g)].map(([, it]) => it);
      const fields = [...bare.matchAll(/\w+/g)].map(([it]) => it);
      for (const field of fields.filter((it) => !WORDS.has(it) && !aliases.includes(it))) {
        const written = key === 'page-requests' ? field in access : new RegExp(`\\b${field}\\b`).test(lines);
        assert.ok(written, `${key}: no line has ${field}`);
      }
    }
  });
});

describe('the dashboard', () => {
  const dashboards = found('AWS::CloudWatch::Dashboard');
  const body = JSON.stringify(dashboards[0]?.[1].DashboardBody);
  const text = body.replaceAll('\\\\\\"', '"').replaceAll('\\"', '"');

  test('is one, and shows every alarm, what it looks at, and every group', () => {
    assert.equal(dashboards.length, 1);
    assert.equal(dashboards[0]?.[1].DashboardName, 'shopify-exstream');
    for (const [id, alarm] of alarms) {
      assert.ok(body.includes(`{"Fn::GetAtt":["${id}","Arn"]}`), alarm.AlarmName);
      for (const { Namespace, MetricName } of metricsOf(alarm)) {
        assert.ok(text.includes(`"${Namespace}","${MetricName}"`), `${Namespace} ${MetricName}`);
      }
      assert.ok(text.includes(`"label":"${name(alarm)}"`), name(alarm));
    }
    for (const group of Object.keys(GROUPS)) assert.ok(text.includes(`docs/runbook.md#${group})`), group);
    for (const work of [...FLOWS, ...RUNS, 'write-back']) assert.ok(text.includes(`"label":"${work}"`), work);
  });

  test('shows what the functions count', () => {
    const metrics = readFileSync(join(ROOT, 'shared/service/src/metrics.rs'), 'utf8');
    const shown = [...text.matchAll(/"ShopifyExstream","(\w+)"/g)].map(([, it]) => it ?? '');
    assert.ok(shown.length > 40);
    for (const metric of new Set(shown)) assert.match(metrics, new RegExp(`^    ${metric}: "`, 'm'));
  });

  test('stays within what CloudWatch takes', () => {
    assert.ok((text.match(/"type":"/g) ?? []).length <= 500);
    assert.ok(body.length < 900_000);
  });
});

test('an emulator gets the dashboard, and neither groups nor queries, which it does not know', () => {
  const local = synthesize({ endpointUrl: 'http://127.0.0.1:4566' }).template;
  local.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  local.resourceCountIs('AWS::CloudWatch::CompositeAlarm', 0);
  local.resourceCountIs('AWS::Logs::QueryDefinition', 0);
});
