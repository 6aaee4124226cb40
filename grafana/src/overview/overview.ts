import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { accountsUnwatched, exporterRestarts } from '../board/annotations.ts';
import { assemble } from '../board/assemble.ts';
import { availabilities, changes } from './changes.ts';
import { now } from './now.ts';
import { places } from './places.ts';
import { redundancy } from './redundancy.ts';
import { versions } from './versions.ts';

export function overview(): Dashboard {
  return assemble({
    board: 'overview',
    description: 'Which tunnels are in trouble now, since when, and what changed.',
    variables: { tunnel: 'all' },
    annotations: [accountsUnwatched(), exporterRestarts()],
    sections: [now(), changes(), availabilities(), redundancy(), places(), versions()],
  });
}
