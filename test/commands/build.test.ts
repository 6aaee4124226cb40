import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runExporter } from '../support/exporter-process.ts';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

test('src imports only production dependencies and modules of Node, and uses every dependency', () => {
  const imported = sources.flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(/\b(?:from|import|import\() ?'([^.'][^']*)'/g)].map(
      ([, name]) => name ?? '',
    ),
  );
  const packages = new Set(imported.filter((name) => !name.startsWith('node:')));
  expect([...packages].toSorted()).toEqual(Object.keys(dependencies).toSorted());
});

test('the build runs with production dependencies only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-build-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '--project',
    'src/tsconfig.json',
    '--outDir',
    join(folder, 'dist'),
  ]);
  cpSync('package.json', join(folder, 'package.json'));
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }
  const main = join(folder, 'dist', 'main.js');
  const source = await runExporter(['--version']);
  expect(await runExporter(['--version'], { main })).toEqual({ ...source, code: 0, stderr: '' });
  expect(readFileSync(main, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});
