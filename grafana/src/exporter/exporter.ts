import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { accountsUnwatched, exporterRestarts } from '../board/annotations.ts';
import { assemble } from '../board/assemble.ts';
import { api } from './api.ts';
import { freshness } from './freshness.ts';
import { now } from './now.ts';
import { polls } from './polls.ts';
import { processes } from './processes.ts';

export function exporter(): Dashboard {
  return assemble({
    board: 'exporter',
    description: "Is the exporter well, how old is what it reports, and how does Cloudflare's API answer.",
    variables: { tunnel: 'hidden' },
    annotations: [accountsUnwatched(), exporterRestarts()],
    sections: [now(), freshness(), api(), polls(), processes()],
  });
}
