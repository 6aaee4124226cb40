import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Which folder or file directly under src/ may import which others; everything may import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  'node-version.ts': [],
  'node-http.ts': [],
  'yield-to-event-loop.ts': [],
  config: ['core'],
  cloudflare: ['core', 'config', 'node-http.ts', 'yield-to-event-loop.ts'],
  exposition: ['core', 'yield-to-event-loop.ts'],
  simulator: ['core', 'node-http.ts'],
  web: ['core', 'config', 'exposition', 'node-http.ts'],
  'telemetry.ts': ['core', 'config', 'cloudflare', 'exposition'],
  'log.ts': ['config', 'log-sink.ts'],
  'log-sink.ts': [],
  'event-log.ts': ['core'],
  poller: ['core', 'config', 'cloudflare', 'log.ts', 'yield-to-event-loop.ts'],
  sidecar: ['core', 'log.ts'],
  commands: [
    'core',
    'config',
    'cloudflare',
    'exposition',
    'simulator',
    'web',
    'telemetry.ts',
    'log.ts',
    'node-http.ts',
    'event-log.ts',
    'poller',
    'sidecar',
  ],
  'main.ts': ['node-version.ts', 'commands', 'config', 'log.ts', 'web'],
  'bin.ts': ['node-version.ts'],
};

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

test.each(sources)('src/%s imports only what its place allows', (file) => {
  const place = file.split('/')[0] ?? '';
  const text = readFileSync(`src/${file}`, 'utf8');
  const imports = [...text.matchAll(/(?:from|import) '(\.[^']+)'/g)].map(([, path]) =>
    new URL(path ?? '', `file:///${file}`).pathname.slice(1),
  );
  const foreign = imports.map((path) => path.split('/')[0] ?? '').filter((target) => target !== place);
  expect(Object.keys(MAY_IMPORT)).toContain(place);
  for (const target of foreign) expect(MAY_IMPORT[place]).toContain(target);
});

test.each(sources.filter((file) => file.startsWith('core/')))(
  'src/%s is pure: no package, clock or chance',
  (file) => {
    expect(readFileSync(`src/${file}`, 'utf8')).not.toMatch(
      /from '(?!\.)|Date\.now|new Date\(\)|Math\.random/,
    );
  },
);
