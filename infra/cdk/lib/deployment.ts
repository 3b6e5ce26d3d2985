// A deployment: the stack of what it keeps, and the stack of what works on it.

import type { App } from 'aws-cdk-lib';
import { DataStack } from './data-stack.ts';
import type { Settings } from './settings.ts';
import { CommunicationsStack } from './stack.ts';

export interface Deployment {
  readonly data: DataStack;
  readonly compute: CommunicationsStack;
}

export function deployment(app: App, settings: Settings): Deployment {
  const terminationProtection = settings.guarded;
  const data = new DataStack(app, {
    settings,
    description: 'What the communications of Shopify shops keep: archive, ledger, queues, keys',
    terminationProtection,
  });
  const compute = new CommunicationsStack(app, settings.prefix, {
    settings,
    data,
    description: 'Shopify events to customer documents: composed, archived, delivered, reported back',
    terminationProtection,
  });
  return { data, compute };
}
