// What can be done with one communication: open it, send it again, ask why, hold it. Each is a button, and what belongs to
// it is shown below, in place of what another one showed.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Answered, changeHold, type Holds, holds, type Known, open, type Opened, resend, why } from './console.ts';
import { isolated } from './say.ts';

/** What the console takes. */
const MOST_REASON = 200;
const MOST_MATTER = 90;

type Panel = 'open' | 'resend' | 'why' | 'hold';

export function Actions({ known, title }: { known: Known; title: string }) {
  const [panel, show] = useState<Panel>();
  const { translate } = shopify.i18n;
  const { hasDocument, mayResend } = known;
  const id = known.communication.id;
  const panels = (['open', 'resend', 'why', 'hold'] as const).filter(
    (it) => it === 'why' || (it === 'resend' ? mayResend : hasDocument),
  );
  return (
    <s-stack gap="small">
      <s-stack direction="inline" gap="small-300">
        {panels.map((it) => (
          <s-button
            key={it}
            variant="tertiary"
            accessibilityLabel={`${translate(`do.${it}`)}: ${title}`}
            onClick={() => show(panel === it ? undefined : it)}
          >
            {translate(`do.${it}`)}
          </s-button>
        ))}
      </s-stack>
      {panel === 'open' && <Open id={id} />}
      {panel === 'resend' && <Resend id={id} close={() => show(undefined)} />}
      {panel === 'why' && <Why id={id} />}
      {panel === 'hold' && <Hold id={id} />}
    </s-stack>
  );
}

/** Asks once; `again` asks anew. `undefined` until there is an answer. */
function useAnswer<T>(ask: () => Promise<Answered<T>>): [Answered<T> | undefined, () => void] {
  const [answer, set] = useState<Answered<T>>();
  const [attempt, again] = useState(0);
  useEffect(() => {
    let current = true;
    set(undefined);
    void ask().then((it) => {
      if (current) set(it);
    });
    return () => {
      current = false;
    };
  }, [attempt]);
  return [answer, () => again(attempt + 1)];
}

/** What is shown of an answer; until then that it is waited for, and instead of it why there is none. */
function Waiting<T>(props: {
  answer: Answered<T> | undefined;
  again: () => void;
  children: (it: T) => ComponentChildren;
}) {
  const { translate } = shopify.i18n;
  const { answer, again, children } = props;
  if (answer === undefined) return <s-spinner accessibilityLabel={translate('waiting')} />;
  if ('error' in answer) {
    return (
      <s-stack gap="small-300">
        <Refused error={answer.error} />
        <s-button onClick={again}>{translate('failed.again')}</s-button>
      </s-stack>
    );
  }
  return <>{children(answer.ok)}</>;
}

/** Why there is no answer: the console's own sentence if it gave one. */
export function Refused({ error }: { error: string | undefined }) {
  const { translate } = shopify.i18n;
  return <s-banner tone="critical" heading={error === undefined ? translate('unavailable') : isolated(error)} />;
}

/** Why something is done. `missing`: it was to be done without. */
function Reason({ value, missing, set }: { value: string; missing: boolean; set: (value: string) => void }) {
  const { translate } = shopify.i18n;
  return (
    <s-text-field
      label={translate('reason')}
      maxLength={MOST_REASON}
      required
      value={value}
      error={missing && value.trim() === '' ? translate('reason_missing') : ''}
      onInput={(event) => set(event.currentTarget.value)}
    />
  );
}

function Open({ id }: { id: string }) {
  const { translate } = shopify.i18n;
  const [answer, again] = useAnswer<Opened>(() => open(id));
  const [ended, end] = useState(false);
  const until = answer && 'ok' in answer ? answer.ok.expiresAt.getTime() : undefined;
  useEffect(() => {
    end(false);
    if (until === undefined) return;
    const timer = setTimeout(() => end(true), Math.max(0, until - Date.now()));
    return () => clearTimeout(timer);
  }, [until]);
  if (ended) return <s-button onClick={again}>{translate('open.again')}</s-button>;
  return (
    <Waiting answer={answer} again={again}>
      {({ url, fileName }) => (
        <s-link href={url} target="_blank">
          {translate('open.link', { name: isolated(fileName) })}
        </s-link>
      )}
    </Waiting>
  );
}

function Why({ id }: { id: string }) {
  const [answer, again] = useAnswer<string[]>(() => why(id));
  return (
    <Waiting answer={answer} again={again}>
      {(sentences) => sentences.map((it, index) => <s-paragraph key={index}>{isolated(it)}</s-paragraph>)}
    </Waiting>
  );
}

function Resend({ id, close }: { id: string; close: () => void }) {
  const { translate } = shopify.i18n;
  const [reason, setReason] = useState('');
  const [to, setTo] = useState('');
  const [sending, send] = useState(false);
  const [missing, miss] = useState(false);
  const [answer, set] = useState<Answered<string>>();
  // names the request: pressed again after no answer it is the same one, and with another address another one
  const [request, rename] = useState({ name: crypto.randomUUID(), to: '' });
  if (answer && 'ok' in answer) return <s-banner tone="success" heading={translate('resend.done')} />;
  const submit = async () => {
    miss(reason.trim() === '');
    if (reason.trim() === '' || sending) return;
    const address = to.trim();
    const named = answer === undefined || request.to === address ? request.name : crypto.randomUUID();
    rename({ name: named, to: address });
    send(true);
    set(await resend(id, { request: named, reason: reason.trim(), to: address }));
    send(false);
  };
  return (
    <s-stack gap="small">
      <Reason value={reason} missing={missing} set={setReason} />
      <s-text-field
        label={translate('resend.to')}
        details={translate('resend.to_details')}
        maxLength={320}
        value={to}
        onInput={(event) => setTo(event.currentTarget.value)}
      />
      {answer && 'error' in answer && <Refused error={answer.error} />}
      <s-stack direction="inline" gap="small-300">
        <s-button variant="primary" loading={sending} onClick={() => void submit()}>
          {translate('resend.send')}
        </s-button>
        <s-button onClick={close}>{translate('cancel')}</s-button>
      </s-stack>
    </s-stack>
  );
}

function Hold({ id }: { id: string }) {
  const [answer, again] = useAnswer<Holds>(() => holds(id));
  return (
    <Waiting answer={answer} again={again}>
      {(found) => <Matters id={id} found={found} />}
    </Waiting>
  );
}

function Matters({ id, found }: { id: string; found: Holds }) {
  const { translate } = shopify.i18n;
  const [{ mayHold, matters }, set] = useState(found);
  const [matter, setMatter] = useState('');
  const [reason, setReason] = useState('');
  const [missing, miss] = useState(false);
  const [unnamed, leaveUnnamed] = useState(false);
  const [refused, refuse] = useState<{ error: string | undefined }>();
  const [busy, work] = useState(false);
  if (!mayHold) return <s-paragraph>{translate('hold.nothing')}</s-paragraph>;
  const change = async (what: 'hold' | 'release', of: string) => {
    const isMissing = reason.trim() === '' || of === '';
    miss(isMissing);
    leaveUnnamed(of === '');
    if (isMissing || busy) return;
    work(true);
    const answer = await changeHold(id, what, { matter: of, reason: reason.trim() });
    work(false);
    refuse('error' in answer ? answer : undefined);
    if ('ok' in answer) set(answer.ok);
  };
  return (
    <s-stack gap="small">
      <s-paragraph>{translate(matters.length === 0 ? 'hold.free' : 'hold.held')}</s-paragraph>
      {matters.map((it) => (
        <s-stack key={it.matter} direction="inline" gap="small" alignItems="center">
          <s-text>{isolated(it.matter)}</s-text>
          {it.mayRelease && (
            <s-button loading={busy} onClick={() => void change('release', it.matter)}>
              {translate('hold.release', { matter: isolated(it.matter) })}
            </s-button>
          )}
        </s-stack>
      ))}
      <Reason value={reason} missing={missing} set={setReason} />
      <s-text-field
        label={translate('hold.matter')}
        maxLength={MOST_MATTER}
        value={matter}
        error={unnamed && matter.trim() === '' ? translate('reason_missing') : ''}
        onInput={(event) => setMatter(event.currentTarget.value)}
      />
      {refused && <Refused error={refused.error} />}
      <s-button loading={busy} onClick={() => void change('hold', matter.trim())}>
        {translate('hold.hold')}
      </s-button>
    </s-stack>
  );
}
