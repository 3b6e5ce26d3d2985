// What the admin gives an extension: the elements of blocks and actions, and the API. Of each target it is the same as
// far as it is used here; `close` is of actions alone.

import type { Api as ActionApi } from '@shopify/ui-extensions/admin.order-details.action.render';
import type { Api as BlockApi } from '@shopify/ui-extensions/admin.order-details.block.render';
import type {} from '@shopify/ui-extensions/admin.order-details.print-action.render';

declare global {
  const shopify: BlockApi & Pick<ActionApi, 'close'>;
}
