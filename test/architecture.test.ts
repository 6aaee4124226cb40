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
  'self-metrics': ['core', 'config', 'cloudflare', 'exposition'],
  log: ['core', 'config'],
  poller: ['core', 'config', 'cloudflare', 'log', 'yield-to-event-loop.ts'],
  sidecar: ['core', 'log'],
  commands: [
    'core',
    'config',
    'cloudflare',
    'exposition',
    'simulator',
    'web',
    'self-metrics',
    'log',
    'node-http.ts',
    'poller',
    'sidecar',
  ],
  'main.ts': ['node-version.ts', 'commands', 'config', 'log', 'web'],
  'bin.ts': ['node-version.ts'],
};

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

test.each(sources)('src/%s imports only what its place allows', (file) => {
  const place = file.split('/')[0] ?? '';
  const foreign = importsOf(file)
    .map((path) => path.split('/')[0] ?? '')
    .filter((target) => target !== place);
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

test.each(['run', 'once', 'check/check', 'healthcheck'])('%s does not load the simulator', (command) => {
  const loaded = new Set(['main.ts', `commands/${command}.ts`]);
  for (const file of loaded) for (const imported of importsOf(file)) loaded.add(imported);
  expect([...loaded].filter((file) => file.startsWith('simulator/'))).toEqual([]);
  expect(loaded).toContain('config/load.ts');
});

test.each(sources.filter((file) => !file.startsWith('simulator/')))(
  'src/%s imports the simulator by its index only',
  (file) => {
    expect(readFileSync(`src/${file}`, 'utf8')).not.toMatch(/simulator\/(?!index\.ts)/);
  },
);

/** The files under src/ that a file imports when it is loaded; `import()` is left out. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(`src/${file}`, 'utf8');
  return [...text.matchAll(/(?:from|import) '(\.[^']+)'/g)].map(([, path]) =>
    new URL(path ?? '', `file:///${file}`).pathname.slice(1),
  );
}
