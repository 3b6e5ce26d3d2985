// Shows what an agent sees of an order in the admin, for the demo: the extension as it is deployed, in the stand-in of the
// admin, with the order's real metafield and a console that runs.
//
//   npm run order-page -- --resource <global id> --shop <domain> --metafield <file> --console <address>
//
// CLIENT_ID and CLIENT_SECRET are those of the app, as the admin has them. Prints its address, and serves until it is ended:
// `/?scene=block-en`, `-de`, `-fr`, `action-en`, and with `-why` what the button Why says.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Scene, serveAdmin } from '../lib/admin.ts';
import { bundle, EXTENSION } from '../lib/bundle.ts';

const LANGUAGES = ['en', 'de', 'fr'];
const SECONDS = 60;

const { values } = parseArgs({
  options: {
    resource: { type: 'string', default: '' },
    shop: { type: 'string', default: '' },
    metafield: { type: 'string', default: '' },
    console: { type: 'string', default: '' },
  },
});
const value = readFileSync(values.metafield, 'utf8');
const console_ = new URL(values.console);

function scene(name: string): Scene | undefined {
  const [what, language = '', press] = name.split('-');
  if (!['block', 'action'].includes(what ?? '') || !LANGUAGES.includes(language)) return undefined;
  const file = `locales/${language}${language === 'en' ? '.default' : ''}.json`;
  const texts = JSON.parse(readFileSync(join(EXTENSION, file), 'utf8')) as Record<string, string>;
  return {
    target: `admin.order-details.${what}.render`,
    texts,
    locale: language === 'en' ? 'en-GB' : language,
    selected: [values.resource],
    answer: { data: { node: { metafield: { value } } } },
    press: press === undefined ? [] : [`do.${press}`],
  };
}

/** What the admin adds to whatever an extension asks of the app: who of the shop's staff asks, for a minute. */
function sessionToken(now: number): string {
  const part = (it: unknown) => Buffer.from(JSON.stringify(it)).toString('base64url');
  const shop = `https://${values.shop}`;
  const claims = {
    iss: `${shop}/admin`,
    dest: shop,
    aud: process.env['CLIENT_ID'],
    sub: '1',
    exp: now + SECONDS,
    nbf: now,
    iat: now,
  };
  const unsigned = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, jti: String(now), sid: 'demo' })}`;
  const signature = createHmac('sha256', process.env['CLIENT_SECRET'] ?? '')
    .update(unsigned)
    .digest('base64url');
  return `${unsigned}.${signature}`;
}

const { base } = await serveAdmin({
  scene,
  script: await bundle(),
  api(request, response) {
    const options = {
      // an emulator knows its APIs by a host that no resolver need know
      host: console_.hostname.endsWith('.localhost') ? '127.0.0.1' : console_.hostname,
      port: console_.port,
      path: request.url,
      method: request.method,
      headers: {
        host: console_.host,
        authorization: `Bearer ${sessionToken(Math.floor(Date.now() / 1000))}`,
        ...(request.headers['content-type'] ? { 'content-type': request.headers['content-type'] } : {}),
      },
    };
    const asked = ask(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  },
});
process.stdout.write(`${base}\n`);
