// Shopify's privacy topics: the HTTP API's function checks who signed them and queues them, the function `privacy` carries
// them out. It is the only function that destroys secrets of customers and deletes anything.

import { type Handler, type HandlerProps } from './function.ts';
import * as allow from './permissions.ts';
import { inbox, type WorkQueue } from './queues.ts';
import { PRIVACY } from './functions.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

/** What the function `privacy` is made with. */
export function privacy(
  storage: Storage,
  settings: Settings,
  work: WorkQueue,
): Omit<HandlerProps, 'settings' | 'network'> {
  const { archive, archiveKey, commitments, customerKey, linkKey, links, operations, table } = storage;
  return {
    name: PRIVACY.name,
    environment: {
      ARCHIVE_LOCK_MODE: settings.lockMode,
      COMMITMENTS_TABLE_NAME: commitments.tableName,
      LINKS_TABLE_NAME: links.tableName,
      ...inbox(work),
      RETRY_BASE_SECONDS: String(settings.retryBaseSeconds),
    },
    grants: [
      allow.consume(work.queue),
      // to itself, to do it once more
      allow.send(work.queue, work.deadLetters),
      allow.erase(archive, archiveKey, commitments),
      allow.eraseOperations(operations),
      allow.lookAt(table),
      allow.findOfCustomer(table),
      allow.updateLedger(table),
      allow.eraseLinks(links),
      allow.readSecret(customerKey),
      allow.readSecret(linkKey),
    ],
  };
}

/** One message is a person's whole request. */
export function takePrivacyRequests(handler: Handler, work: WorkQueue): void {
  const { batchSize: size, windowSeconds, maxConcurrency } = PRIVACY;
  handler.consume(work, { size, windowSeconds, maxConcurrency });
}
