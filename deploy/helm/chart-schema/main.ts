/** Writes the chart's values.schema.json: npm run copies. */
import { writeFileSync } from 'node:fs';
import { valuesSchema } from './values.ts';

writeFileSync(
  'deploy/helm/cloudflare-tunnel-exporter/values.schema.json',
  `${JSON.stringify(valuesSchema(), null, 1)}\n`,
);
