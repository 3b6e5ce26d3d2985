// Writes the app's configuration from those of its shops:
//
//   npm run configure -- --client-id <id> --event-source <arn> --url <address> shops/*.toml
//
// The subscriptions are the app's: every shop that has it installed gets the topics of all of them, and intake ignores
// what a shop has not switched on.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { configuration, FULFILLMENT_ORDERS, type FulfillmentOrders, Unusable } from '../lib/app.ts';
import { shop } from '../lib/shop.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'client-id': { type: 'string', default: '' },
    'event-source': { type: 'string', default: '' },
    'fulfillment-orders': { type: 'string', default: 'merchant_managed' },
    name: { type: 'string', default: 'Customer documents' },
    output: { type: 'string', default: 'shopify.app.toml' },
    'privacy-url': { type: 'string' },
    subscriptions: { type: 'boolean', default: false },
    url: { type: 'string', default: '' },
  },
});

try {
  if (positionals.length === 0) throw new Unusable('name the configuration of each shop that the app is for');
  const shops = positionals.map((path) => shop(readFileSync(path, 'utf8')));
  const who = values['fulfillment-orders'].split(',');
  const text = configuration({
    clientId: values['client-id'],
    name: values.name,
    url: values.url,
    eventSource: values['event-source'],
    documents: new Set(shops.flatMap(({ documents }) => documents)),
    reconcile: shops.some(({ reconcile }) => reconcile),
    subscriptions: values.subscriptions,
    fulfillmentOrders: FULFILLMENT_ORDERS.filter((it: FulfillmentOrders) => who.includes(it)),
    privacyUrl: values['privacy-url'],
  });
  writeFileSync(values.output, text);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`configure: ${error.message}`);
  process.exitCode = 1;
}
