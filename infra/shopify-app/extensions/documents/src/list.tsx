// The list of what was sent, for the page it stands on. It reads one metafield, by the Admin API and in the merchant's
// name, and works from that alone: while the console does not answer, or where there is none, it says that nothing can be
// done with them. With the console, each can be opened, sent again, explained and held, and what the metafield does not
// have is listed too.

import { useEffect, useState } from 'preact/hooks';
import { Actions } from './actions.tsx';
import { type Answered, documents, type Known } from './console.ts';
import { type Answer, type Communication, QUERY, read, type Status } from './metafield.ts';
import { row, type Row } from './say.ts';

type Shown = Status | { kind: 'loading' } | { kind: 'failed' };

/** Reads the metafield of the page's resource. */
async function load(): Promise<Shown> {
  const id = shopify.data.selected[0]?.id;
  if (id === undefined) return { kind: 'failed' };
  try {
    const { data, errors } = await shopify.query<Answer>(QUERY, { variables: { id } });
    // an answer without the resource says nothing of what was sent
    if (errors?.length || !data?.node) return { kind: 'failed' };
    return read(data.node.metafield?.value);
  } catch {
    return { kind: 'failed' };
  }
}

/** What the console knows of the page's resource. */
async function ask(): Promise<Answered<Known[]>> {
  const id = shopify.data.selected[0]?.id;
  return id === undefined ? { error: undefined } : documents(id);
}

/** The communications of the metafield, and those that only the console has; `undefined` where neither is known. */
function together(shown: Status, known: readonly Known[]): (Status & { kind: 'list' }) | undefined {
  if (shown.kind !== 'list' && known.length === 0) return undefined;
  const { communications, skipped } = shown.kind === 'list' ? shown : { communications: [], skipped: 0 };
  const listed = new Set(communications.map(({ id }) => id));
  const more = known.map(({ communication }) => communication).filter(({ id }) => !listed.has(id));
  const all = [...communications, ...more].sort((a, b) => b.at.getTime() - a.at.getTime());
  return { kind: 'list', communications: all, skipped };
}

/** The communications of the page's resource, the newest first: `first` of them, until all are asked for. */
export function List({ first }: { first: number }) {
  const [shown, show] = useState<Shown>({ kind: 'loading' });
  const [console, hear] = useState<Answered<Known[]>>();
  const [all, showAll] = useState(false);
  const [attempt, again] = useState(0);
  const { translate } = shopify.i18n;
  useEffect(() => {
    let current = true;
    show({ kind: 'loading' });
    void load().then((status) => {
      if (current) show(status);
    });
    hear(undefined);
    void ask().then((answer) => {
      if (current) hear(answer);
    });
    return () => {
      current = false;
    };
  }, [attempt]);

  const known = console !== undefined && 'ok' in console ? console.ok : [];
  const list = shown.kind === 'loading' || shown.kind === 'failed' ? undefined : together(shown, known);
  if (list !== undefined) {
    const isSilent = console !== undefined && 'error' in console;
    const rest = { known, isSilent, first: all ? Infinity : first, showAll: () => showAll(true) };
    return <Communications {...list} {...rest} />;
  }
  switch (shown.kind) {
    case 'loading':
      return <s-spinner accessibilityLabel={translate('loading')} />;
    case 'failed':
      return (
        <s-banner tone="critical" heading={translate('failed.heading')}>
          <s-paragraph>{translate('failed.text')}</s-paragraph>
          <s-button onClick={() => again(attempt + 1)}>{translate('failed.again')}</s-button>
        </s-banner>
      );
    case 'later':
    case 'foreign':
      return <s-banner tone="warning" heading={translate(`${shown.kind}.heading`)} />;
    default:
      return <s-paragraph>{translate('none')}</s-paragraph>;
  }
}

interface Listed {
  communications: Communication[];
  known: readonly Known[];
  /** The console does not answer. */
  isSilent: boolean;
  skipped: number;
  first: number;
  showAll: () => void;
}

function Communications({ communications, known, isSilent, skipped, first, showAll }: Listed) {
  const { translate } = shopify.i18n;
  if (communications.length === 0 && skipped === 0) return <s-paragraph>{translate('none')}</s-paragraph>;
  const knownAs = new Map(known.map((it) => [it.communication.id, it]));
  const rows = communications.slice(0, first).map((it) => row(it, communications, shopify.i18n));
  return (
    <s-stack gap="base">
      <s-box accessibilityRole="unordered-list">
        <s-stack gap="base">
          {rows.map((it) => (
            <Item key={it.id} {...it} known={knownAs.get(it.id)} />
          ))}
        </s-stack>
      </s-box>
      {isSilent && <s-paragraph color="subdued">{translate('silent')}</s-paragraph>}
      {skipped > 0 && <s-paragraph>{translate('skipped', { count: skipped })}</s-paragraph>}
      {communications.length > rows.length && (
        <s-button onClick={showAll}>{translate('all', { count: communications.length })}</s-button>
      )}
    </s-stack>
  );
}

function Item({ title, state, tone, lines, known }: Row & { known: Known | undefined }) {
  return (
    <s-box accessibilityRole="list-item">
      <s-stack gap="small-300">
        <s-stack direction="inline" gap="small" alignItems="center">
          <s-text type="strong">{title}</s-text>
          <s-badge tone={tone}>{state}</s-badge>
        </s-stack>
        {lines.map((line, index) => (
          <s-paragraph key={index} color={index === 0 ? 'base' : 'subdued'}>
            {line}
          </s-paragraph>
        ))}
        {known && <Actions known={known} title={title} />}
      </s-stack>
    </s-box>
  );
}
