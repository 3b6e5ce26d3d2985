// What is read of the metafield, whatever is in it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { read, STATES, type Status } from '../extensions/documents/src/metafield.ts';
import { fromRepository, SAMPLE } from './support.ts';

const list = (status: Status) => {
  assert.equal(status.kind, 'list');
  return status.kind === 'list' ? status : assert.fail();
};

const entry = (fields: object) => ({
  id: 'c4809f9b199959867b344883a5f958d0',
  document: 'receipt',
  state: 'accepted',
  at: '2026-11-27T08:00:00Z',
  ...fields,
});
const value = (...communications: object[]) => JSON.stringify({ v: 2, communications });

describe('the metafield', () => {
  test('is read as write-back publishes it', () => {
    const { communications, skipped } = list(read(SAMPLE));
    assert.equal(skipped, 0);
    assert.equal(communications.length, JSON.parse(SAMPLE).communications.length);
    for (const it of JSON.parse(SAMPLE).communications as Record<string, unknown>[]) {
      const found = communications.find(({ id }) => id === it['id']);
      assert.ok(found);
      const { id, document, state, label, at, ...rest } = found;
      assert.deepEqual(
        [document, state, at.toISOString()],
        [it['document'], it['state'], new Date(String(it['at'])).toISOString()],
      );
      assert.deepEqual(Object.fromEntries(label), it['label']);
      // every further field of the sample is read, but the template, which is no merchant's matter
      const read = Object.entries(rest).filter(([, value]) => value !== undefined);
      const names: Record<string, string> = { issueOf: 'issue_of' };
      const known = ['id', 'document', 'state', 'label', 'at', 'template'];
      assert.deepEqual(
        read.map(([name]) => names[name] ?? name).sort(),
        Object.keys(it)
          .filter((name) => !known.includes(name))
          .sort(),
        id,
      );
    }
  });

  test('has the states of the ledger', () => {
    const [, body = ''] = fromRepository('shared/comms/src/state.rs').split('State, "state", {');
    const named = [...(body.split('\n    }\n}')[0] ?? '').matchAll(/ = "(\w+)"/g)].map(([, name]) => name);
    assert.deepEqual([...STATES].sort(), named.sort());
  });

  test('of version 1 is read', () => {
    const { communications } = list(read(value(entry({ channel: 'email' })).replace('"v":2', '"v":1')));
    assert.equal(communications[0]?.channel, 'email');
    assert.equal(communications[0]?.label.size, 0);
  });

  test('that is not there is told from one that is something else, and from a later one', () => {
    assert.equal(read(undefined).kind, 'none');
    assert.equal(read(null).kind, 'none');
    for (const foreign of [
      '',
      'null',
      '[]',
      '7',
      '"x"',
      '{}',
      '{"v":2}',
      '{"v":"2","communications":[]}',
      '{"v":0,"communications":[]}',
    ]) {
      assert.equal(read(foreign).kind, 'foreign', foreign);
    }
    assert.equal(read('{"v":3,"documents":[]}').kind, 'later');
  });

  test('is read as far as it can be', () => {
    const bad = [
      7,
      null,
      [],
      {},
      entry({ id: 1 }),
      entry({ state: 'lost' }),
      entry({ at: 'yesterday' }),
      entry({ at: '2026-13-41T00:00:00Z' }),
    ];
    const { communications, skipped } = list(read(value(entry({}), ...(bad as object[]))));
    assert.deepEqual([communications.length, skipped], [1, bad.length]);
    const damaged = entry({
      label: 7,
      address: {},
      sent: 'x',
      decision: { kind: 'hold' },
      subject: 'javascript:alert(1)',
    });
    const [it] = list(read(value(damaged))).communications;
    assert.deepEqual(
      [it?.label.size, it?.address, it?.sent, it?.decision, it?.subject],
      [0, undefined, undefined, undefined, undefined],
    );
  });

  test('says nothing that hides or steers, and is bounded', () => {
    const reason = `a\u202egnp\u2066b\u0000\u009b2J\u200bc\n\r\td\u2028e ${'x'.repeat(100_000)}`;
    const [it] = list(read(value(entry({ reason, address: '\u200f' })))).communications;
    assert.ok(it?.reason?.startsWith('a gnp b 2J c d e xxx'), it?.reason?.slice(0, 40));
    assert.equal(it?.reason?.length, 300);
    assert.equal(it?.address, undefined);
    // joiners shape letters and emoji
    const [kept] = list(read(value(entry({ reason: 'می\u200cخواهم 👩\u200d💻' })))).communications;
    assert.equal(kept?.reason, 'می\u200cخواهم 👩\u200d💻');
    const many = list(read(value(...Array.from({ length: 5000 }, () => entry({})))));
    assert.equal(many.communications.length, 20);
  });
});
