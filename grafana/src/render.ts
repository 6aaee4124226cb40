import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { format } from 'prettier';

/** The dashboard's JSON as it is committed: formatted like every other file. */
export function render(dashboard: Dashboard): Promise<string> {
  return format(JSON.stringify(dashboard, null, 2), { parser: 'json', printWidth: 110 });
}
