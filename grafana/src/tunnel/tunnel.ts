import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  accountsUnwatched,
  configurationChanges,
  connectorStarts,
  exporterRestarts,
  failovers,
  statusChanges,
} from '../board/annotations.ts';
import { assemble } from '../board/assemble.ts';
import { churn } from './churn.ts';
import { connections } from './connections.ts';
import { connectorsNow } from './connectors-now.ts';
import { now } from './now.ts';

export function tunnel(): Dashboard {
  return assemble({
    board: 'tunnel',
    description:
      'One tunnel: its status, its connections to Cloudflare, its connectors. Choose it by name above.',
    variables: { tunnel: 'one' },
    annotations: [
      accountsUnwatched(),
      statusChanges(),
      connectorStarts(),
      configurationChanges(),
      failovers(),
      exporterRestarts(),
    ],
    sections: [now(), connectorsNow(), connections(), churn()],
  });
}
