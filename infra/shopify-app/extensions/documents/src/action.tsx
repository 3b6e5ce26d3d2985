// The same as an action: all of them, in a window.

import { render } from 'preact';
import { List } from './list.tsx';

export default function action() {
  render(
    <s-admin-action heading={shopify.i18n.translate('heading')}>
      <List first={Infinity} />
      <s-button slot="secondary-actions" onClick={() => shopify.close()}>
        {shopify.i18n.translate('close')}
      </s-button>
    </s-admin-action>,
    document.body,
  );
}
