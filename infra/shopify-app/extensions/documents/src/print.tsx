// The print action of one order, and of those that are selected in the list: their archived slips, receipts and labels as
// one PDF, which the admin shows and prints. Nothing is composed for it: what is not archived is not printed.

import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused } from './actions.tsx';
import { documents, type Known, print, type Printed } from './console.ts';
import { isolated, row } from './say.ts';

/** As many as the console prints at once. */
const MOST = 50;
/** Orders that are asked about at the same time. */
const AT_ONCE = 4;

interface Choice {
  key: string;
  label: string;
  ids: string[];
}

interface Found {
  choices: Choice[];
  /** Orders whose documents could not be read. */
  failed: number;
}

export default function action() {
  render(<Print />, document.body);
}

/** What is archived about the selected orders, in their order. */
async function find(): Promise<Found> {
  const orders = shopify.data.selected.map(({ id }) => id);
  const all: (Known[] | undefined)[] = orders.map(() => undefined);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < orders.length; index = next++) {
      const answer = await documents(orders[index] ?? '');
      if ('ok' in answer) all[index] = answer.ok.filter(({ hasDocument }) => hasDocument);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const known = all.flatMap((it) => it ?? []);
  const choices = orders.length === 1 ? known.map(one) : kinds(known);
  return { choices, failed: all.filter((it) => it === undefined).length };
}

/** Of one order, each document is a choice. */
function one({ communication }: Known): Choice {
  const { title, lines } = row(communication, [], shopify.i18n);
  return { key: communication.id, label: `${title}: ${lines[0] ?? ''}`, ids: [communication.id] };
}

/** Of several, each kind of document is. */
function kinds(known: readonly Known[]): Choice[] {
  const found = new Map<string, Choice>();
  for (const { communication } of known) {
    const { document, id } = communication;
    const kind = found.get(document) ?? { key: document, label: row(communication, [], shopify.i18n).title, ids: [] };
    kind.ids.push(id);
    found.set(document, kind);
  }
  return [...found.values()].map((it) => ({ ...it, label: `${it.label} (${it.ids.length})` }));
}

function Print() {
  const { translate } = shopify.i18n;
  const [found, show] = useState<Found>();
  const [without, leave] = useState<ReadonlySet<string>>(new Set());
  const [printed, set] = useState<Printed | 'waiting' | { error: string | undefined }>('waiting');
  const [attempt, again] = useState(0);
  const latest = useRef(0);
  useEffect(() => {
    show(undefined);
    void find().then(show);
  }, [attempt]);
  const chosen = found?.choices.filter(({ key }) => !without.has(key)).flatMap(({ ids }) => ids) ?? [];
  const wanted = chosen.slice(0, MOST);
  useEffect(() => {
    const turn = ++latest.current;
    set('waiting');
    if (wanted.length === 0) return;
    void print(wanted).then((answer) => {
      // an answer to an earlier choice is of other documents
      if (turn === latest.current) set('ok' in answer ? answer.ok : answer);
    });
  }, [wanted.join()]);
  const isReady = printed !== 'waiting' && 'left' in printed;
  const toggle = (key: string) =>
    leave(new Set(without.has(key) ? [...without].filter((it) => it !== key) : [...without, key]));
  return (
    <s-admin-print-action src={isReady && wanted.length > 0 ? printed.url : undefined}>
      <s-stack gap="base">
        {found === undefined && <s-spinner accessibilityLabel={translate('loading')} />}
        {found !== undefined && found.failed > 0 && (
          <s-banner tone="critical" heading={translate('print.failed', { count: found.failed })}>
            <s-button onClick={() => again(attempt + 1)}>{translate('failed.again')}</s-button>
          </s-banner>
        )}
        {found?.choices.length === 0 && found.failed === 0 && <s-paragraph>{translate('print.none')}</s-paragraph>}
        {found?.choices.map(({ key, label }) => (
          <s-checkbox key={key} label={label} checked={!without.has(key)} onChange={() => toggle(key)} />
        ))}
        {chosen.length > MOST && (
          <s-banner tone="warning" heading={translate('print.most', { most: MOST, count: chosen.length })} />
        )}
        {printed !== 'waiting' && 'error' in printed && <Refused error={printed.error} />}
        {isReady &&
          printed.left.map((it) => (
            <s-banner key={it} tone="warning" heading={translate('print.left', { reason: isolated(it) })} />
          ))}
      </s-stack>
    </s-admin-print-action>
  );
}
