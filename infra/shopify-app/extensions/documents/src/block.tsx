// The block on the page of an order, a customer or a company location: the newest, and all on request.

import { render } from 'preact';
import { List } from './list.tsx';

const FIRST = 5;

export default function block() {
  render(
    <s-admin-block heading={shopify.i18n.translate('heading')}>
      <List first={FIRST} />
    </s-admin-block>,
    document.body,
  );
}
