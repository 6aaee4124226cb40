import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from '../support/debian.ts';
import { RULES } from './alerts/rule-file.ts';

export const promtool = debianProgram('promtool');

/** What promtool says of a configuration of Prometheus that has the project's rules beside it. */
export function checkPrometheusConfig(text: string): {
  readonly status: number | null;
  readonly stdout: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-config-'));
  writeFileSync(join(folder, 'prometheus.yml'), text);
  copyFileSync(RULES, join(folder, 'alerts.yaml'));
  const { status, stdout } = spawnSync(
    promtool.command,
    ['check', 'config', '--lint=all', '--lint-fatal', join(folder, 'prometheus.yml')],
    { encoding: 'utf8' },
  );
  rmSync(folder, { recursive: true });
  return { status, stdout };
}
