// Serves a page of the admin to a browser: the stand-in of the admin in `admin/`, the extension's script as it is deployed, and
// what a scene says. Only what is named here is served, and only to this machine.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../admin');
const FILES = { 'page.html': 'text/html', 'admin.css': 'text/css', 'admin.js': 'text/javascript' };

export interface Scene {
  target: string;
  /** The texts of the extension in the language of who looks, and that language. */
  texts: unknown;
  locale: string;
  /** The resources that the page is about. */
  selected: string[];
  /** What the Admin API answers; undefined: nothing. */
  answer: unknown;
  /** The button of each kind that is pressed once the page is there, one after the other. */
  press?: string[];
}

export interface Admin {
  scene: (name: string) => Scene | undefined;
  /** Answers what the extension asks of the console. */
  api: (request: IncomingMessage, response: ServerResponse) => void;
  script: string;
}

/** Answers the server and its address. */
export async function serveAdmin({ scene, api, script }: Admin): Promise<{ server: Server; base: string }> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/v1/')) return api(request, response);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname === '/' ? 'page.html' : pathname.slice(1);
    const found = body(name, searchParams.get('scene') ?? '');
    const type =
      name in FILES ? FILES[name as keyof typeof FILES] : name.endsWith('.js') ? 'text/javascript' : 'application/json';
    response.writeHead(found === undefined ? 404 : 200, {
      'Content-Type': `${type}; charset=utf-8`,
      'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'",
    });
    response.end(found);
  });
  function body(name: string, wanted: string): string | undefined {
    if (name in FILES) return readFileSync(join(FOLDER, name), 'utf8');
    if (name === 'bundle.js') return script;
    if (name === 'favicon.ico') return '';
    const found = name === 'scene.json' ? scene(wanted) : undefined;
    return found && JSON.stringify(found);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
