import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ALL_SETTINGS } from '../../../src/config/settings.ts';
import { debianProgram } from '../../support/debian.ts';
import { UNIT } from './syscall-filter.ts';

const analyze = debianProgram('systemd-analyze');

function systemdAnalyze(args: readonly string[]): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(analyze.command, args, { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

test.skipIf(analyze.missing)(`systemd has nothing to say against the unit${analyze.needs}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'systemd-unit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const unit = join(folder, 'cloudflare-tunnel-exporter.service');
  // It also looks whether the programs are there, which on this machine may be elsewhere.
  writeFileSync(
    unit,
    readFileSync(UNIT, 'utf8').replaceAll(/\/usr\/bin\/node|\/bin\/kill/g, process.execPath),
  );
  expect(systemdAnalyze(['verify', '--man=no', unit])).toEqual({ code: 0, output: '' });
});

test.skipIf(analyze.missing)(`its exposure is below 2.0${analyze.needs}`, () => {
  const { code, output } = systemdAnalyze([
    'security',
    '--offline=true',
    '--threshold=20',
    '--no-pager',
    UNIT,
  ]);
  expect(output).toMatch(/Overall exposure level .*: [01]\.\d OK/);
  expect(code).toBe(0);
});

test('it starts what the build makes, with variables that the exporter knows', () => {
  const unit = readFileSync(UNIT, 'utf8');
  expect(unit).toMatch(/^ExecStart=\S+\/node --max-semi-space-size=2 \S+\/dist\/main\.js$/m);
  const variables = [...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name ?? '');
  const known = ALL_SETTINGS.flatMap((setting) => setting.variables);
  expect(variables.filter((name) => !known.includes(name))).toEqual(['MALLOC_ARENA_MAX']);
});
