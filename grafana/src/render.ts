import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { format } from 'prettier';

/** As committed: formatted like every other file here. */
export function render(dashboard: Dashboard): Promise<string> {
  return format(JSON.stringify(dashboard, null, 2), { parser: 'json', printWidth: 110 });
}
