/** Writes the dashboards' JSON: npm run dashboards. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, FOLDER } from './dashboards.ts';
import { render } from './render.ts';

for (const [file, build] of Object.entries(DASHBOARDS)) {
  writeFileSync(join(FOLDER, file), await render(build()));
}
