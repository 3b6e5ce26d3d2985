// The customer's own documents on the page of an order. Whoever came by a link in an e-mail and has not logged in sees none
// of them and is asked to log in: such a link may have been forwarded.

import type { Api } from '@shopify/ui-extensions/customer-account.order-status.block.render';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { consoleAt, own, type Own } from './own.ts';

/** The types know `shopify` only as what all targets have in common. */
const account = () => shopify as unknown as Api;

export default function block() {
  render(<Documents />, document.body);
}

/** The value of a signal, followed as it changes. */
function useValue<T>(signal: { readonly value: T; subscribe(follow: (value: T) => void): () => void }): T {
  const [value, set] = useState<{ is: T }>({ is: signal.value });
  useEffect(() => signal.subscribe((is) => set({ is })), [signal]);
  return value.is;
}

function Documents() {
  const api = account();
  const { translate, formatDate } = api.i18n;
  const isFull = useValue(api.authenticationState) === 'fully_authenticated';
  const customer = useValue(api.authenticatedAccount.customer)?.id;
  const order = useValue(api.order)?.id;
  const address = consoleAt(useValue(api.settings)['console_url']);
  const [found, show] = useState<Own[] | 'waiting' | 'failed'>('waiting');
  const [attempt, again] = useState(0);
  const mayAsk = isFull && customer !== undefined;
  useEffect(() => {
    show('waiting');
    if (!mayAsk || address === undefined || order === undefined) return;
    let current = true;
    void api.sessionToken
      .get()
      .then((token) => own(address, order, token))
      .catch(() => undefined)
      .then((answer) => {
        if (current) show(answer ?? 'failed');
      });
    return () => {
      current = false;
    };
  }, [mayAsk, address, order, customer, attempt]);

  // until a merchant has set it up, and until the order is there
  if (address === undefined || order === undefined) return null;
  if (!mayAsk) {
    return (
      <s-section heading={translate('heading')}>
        <s-paragraph>{translate('log_in')}</s-paragraph>
        <s-button onClick={() => void api.requireLogin()}>{translate('do_log_in')}</s-button>
      </s-section>
    );
  }
  if (found === 'waiting') return <s-spinner accessibilityLabel={translate('loading')} />;
  if (found === 'failed') {
    return (
      <s-section heading={translate('heading')}>
        <s-paragraph>{translate('failed')}</s-paragraph>
        <s-button onClick={() => again(attempt + 1)}>{translate('again')}</s-button>
      </s-section>
    );
  }
  if (found.length === 0) return null;
  return (
    <s-section heading={translate('heading')}>
      <s-stack gap="small-300">
        {found.map(({ title, issuedAt, url }) => (
          <s-link key={url} href={url} target="_blank">
            {translate('document', { title, at: formatDate(issuedAt, { dateStyle: 'medium' }) })}
          </s-link>
        ))}
      </s-stack>
    </s-section>
  );
}
