// The list of what was sent, for the page it stands on. It reads one metafield, by the Admin API and in the merchant's
// name: no server of this system is asked, so it works while there is none.

import { useEffect, useState } from 'preact/hooks';
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

/** The communications of the page's resource, the newest first: `first` of them, until all are asked for. */
export function List({ first }: { first: number }) {
  const [shown, show] = useState<Shown>({ kind: 'loading' });
  const [all, showAll] = useState(false);
  const [attempt, again] = useState(0);
  const { translate } = shopify.i18n;
  useEffect(() => {
    let current = true;
    show({ kind: 'loading' });
    void load().then((status) => {
      if (current) show(status);
    });
    return () => {
      current = false;
    };
  }, [attempt]);

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
    case 'none':
      return <s-paragraph>{translate('none')}</s-paragraph>;
    case 'list':
      return <Communications {...shown} first={all ? Infinity : first} showAll={() => showAll(true)} />;
  }
}

interface Listed {
  communications: Communication[];
  skipped: number;
  first: number;
  showAll: () => void;
}

function Communications({ communications, skipped, first, showAll }: Listed) {
  const { translate } = shopify.i18n;
  if (communications.length === 0 && skipped === 0) return <s-paragraph>{translate('none')}</s-paragraph>;
  const rows = communications.slice(0, first).map((it) => row(it, communications, shopify.i18n));
  return (
    <s-stack gap="base">
      <s-box accessibilityRole="unordered-list">
        <s-stack gap="base">{rows.map(Item)}</s-stack>
      </s-box>
      {skipped > 0 && <s-paragraph>{translate('skipped', { count: skipped })}</s-paragraph>}
      {communications.length > rows.length && (
        <s-button onClick={showAll}>{translate('all', { count: communications.length })}</s-button>
      )}
    </s-stack>
  );
}

function Item({ id, title, state, tone, lines }: Row) {
  return (
    <s-box key={id} accessibilityRole="list-item">
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
      </s-stack>
    </s-box>
  );
}
