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
    description: "How old the data is, whether the exporters work, and how Cloudflare's API answers.",
    variables: { tunnel: 'hidden' },
    annotations: [accountsUnwatched(), exporterRestarts()],
    sections: [now(), freshness(), api(), polls(), processes()],
  });
}
