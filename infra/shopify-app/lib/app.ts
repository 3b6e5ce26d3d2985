// The app's configuration, `shopify.app.toml`, from the documents that the app's shops have switched on: which scopes
// they need, which topics they follow from, and the definitions of the metafield that shows what became of them.
// Documents, their flows and topics are in `documents.json`, which a test of `reconcile` keeps equal to the code; what each
// flow needs is in `scopes.json`, which `ctl doctor` compares with what a shop has granted. docs/deployment.md says what for.

import known from '../documents.json' with { type: 'json' };
import needed from '../scopes.json' with { type: 'json' };

/** The version of the Admin API and of the payloads. */
export const API_VERSION = '2026-10';

export type Document = keyof typeof known;
export type Flow =
  | 'order-confirmation'
  | 'shipping-documents'
  | 'return-letters'
  | 'targeted-offers'
  | 'account-statements'
  | 'exception-letters';

export const DOCUMENTS = Object.keys(known).sort() as Document[];

/** What is asked of a shop for its documents, and what differs from one deployment to the next. */
export interface Wanted {
  clientId: string;
  name: string;
  /** The app's address: what the extension asks, and where a merchant who opens the app is sent. */
  url: string;
  /** The ARN of the partner event source, not of the bus. */
  eventSource: string;
  documents: ReadonlySet<Document>;
  /** Missed events are searched for. */
  reconcile: boolean;
  /** The app's own subscription contracts are billed. */
  subscriptions: boolean;
  /** Who prepares the goods: one of the three scopes for fulfillment orders, or several. */
  fulfillmentOrders: readonly FulfillmentOrders[];
  /** Where Shopify's privacy topics go. Needed by apps that are not for one's own shops. */
  privacyUrl?: string;
}

export const FULFILLMENT_ORDERS = ['merchant_managed', 'assigned', 'third_party'] as const;
export type FulfillmentOrders = (typeof FULFILLMENT_ORDERS)[number];

export const PRIVACY_TOPICS = ['customers/data_request', 'customers/redact', 'shop/redact'];

/** The topic of the app's own subscriptions, and the scope without which Shopify refuses it. */
const BILLING = needed.subscriptions;
const BY_FLOW: Record<Flow, readonly string[]> = needed.flows;

export class Unusable extends Error {}

export function scopes(wanted: Wanted): string[] {
  const flows = new Set([...wanted.documents].map((document) => known[document].flow as Flow));
  const all = [...needed.every, ...[...flows].flatMap((flow) => BY_FLOW[flow])];
  if (flows.has('shipping-documents'))
    all.push(...wanted.fulfillmentOrders.map((who) => `read_${who}_fulfillment_orders`));
  if (wanted.reconcile) all.push(...needed.reconcile);
  if (wanted.subscriptions) all.push(BILLING.scope);
  return [...new Set(all)].sort();
}

export function topics({ documents, subscriptions }: Pick<Wanted, 'documents' | 'subscriptions'>): string[] {
  const all = [...documents].flatMap((document): string[] => known[document].topics);
  return [...new Set(all)].filter((topic) => subscriptions || topic !== BILLING.topic).sort();
}

/** The resources that carry the metafield, as the file calls them. */
export const OWNERS = ['order', 'customer', 'company_location'] as const;

function owners({ documents }: Wanted): readonly string[] {
  const flows = new Set([...documents].map((document) => known[document].flow as Flow));
  if (flows.has('account-statements')) return OWNERS;
  return flows.has('targeted-offers') ? ['order', 'customer'] : ['order'];
}

/** The file. */
export function configuration(wanted: Wanted): string {
  check(wanted);
  const list = (all: readonly string[]) => `[\n${all.map((it) => `  ${JSON.stringify(it)},\n`).join('')}]`;
  const subscriptions =
    topics(wanted).length === 0
      ? ''
      : `
[[webhooks.subscriptions]]
uri = ${JSON.stringify(wanted.eventSource)}
topics = ${list(topics(wanted))}
`;
  const privacy =
    wanted.privacyUrl === undefined
      ? ''
      : `
[[webhooks.subscriptions]]
uri = ${JSON.stringify(wanted.privacyUrl)}
compliance_topics = ${list(PRIVACY_TOPICS)}
`;
  const definitions = owners(wanted).map(
    (owner) => `
[${owner}.metafields.app.communications]
type = "json"
name = "Documents for the customer"
description = "What the customer was sent, and what became of it"
access.admin = "merchant_read"
`,
  );
  return `# Written by \`npm run configure\`: see README.md.
client_id = ${JSON.stringify(wanted.clientId)}
name = ${JSON.stringify(wanted.name)}
application_url = ${JSON.stringify(wanted.url)}
embedded = false

[build]
include_config_on_deploy = true

[access_scopes]
scopes = ${JSON.stringify(scopes(wanted).join(','))}

[auth]
redirect_urls = [${JSON.stringify(wanted.url)}]

[webhooks]
api_version = ${JSON.stringify(API_VERSION)}
${subscriptions}${privacy}${definitions.join('')}`;
}

function check({ clientId, name, url, eventSource, documents, fulfillmentOrders, privacyUrl }: Wanted): void {
  const say = (it: boolean, what: string) => {
    if (!it) throw new Unusable(what);
  };
  say(/^[0-9a-f]{32}$/.test(clientId), 'the client id is 32 hexadecimal digits, as the Dev Dashboard shows it');
  say(name.length > 0 && name.length <= 30, 'an app has a name of up to 30 characters');
  say(isHttps(url), 'the app needs an HTTPS address');
  say(privacyUrl === undefined || isHttps(privacyUrl), 'the privacy topics go to an HTTPS address');
  say(
    /^arn:aws:events:[a-z0-9-]+::event-source\/aws\.partner\/shopify\.com\/\d+\/[\w.-]+$/.test(eventSource),
    'the event source is an ARN, such as arn:aws:events:eu-central-1::event-source/aws.partner/shopify.com/123456/orders',
  );
  say(documents.size > 0, 'no document is switched on');
  say(fulfillmentOrders.length > 0, `who prepares the goods is one of ${FULFILLMENT_ORDERS.join(', ')}, or several`);
}

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}
