import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { debianProgram } from '../../support/debian.ts';
import { RULES } from './rule-file.ts';

const COMPOSE = 'deploy/compose/compose.yaml';
const promtool = debianProgram('promtool');

interface Service {
  readonly build?: string;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports: readonly string[];
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours, and the tests say what it must hold
const { services } = parse(readFileSync(COMPOSE, 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>;
};
const here = (path: string): string => join(dirname(COMPOSE), path);

test('compose starts the exporter in demo mode, Prometheus, Alertmanager and Grafana', () => {
  expect(Object.keys(services)).toEqual(['exporter', 'prometheus', 'alertmanager', 'grafana']);
  expect(services['exporter']?.command).toEqual(['demo']);
  expect(existsSync(here(`${services['exporter']?.build}/Dockerfile`))).toBe(true);
});

test('every file and folder that compose mounts is there, and none can be written to', () => {
  const volumes = Object.values(services).flatMap((service) => service.volumes ?? []);
  expect(volumes.length).toBeGreaterThan(4);
  for (const volume of volumes) {
    const [source = '', , mode] = volume.split(':');
    expect({ volume, exists: existsSync(here(source)), mode }).toEqual({ volume, exists: true, mode: 'ro' });
  }
});

test('nothing that compose starts is reached from other machines', () => {
  const ports = Object.values(services).flatMap((service) => service.ports);
  expect(ports).toHaveLength(4);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test.skipIf(promtool.missing)(
  `promtool takes Prometheus' configuration with the rules${promtool.needs}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'compose-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    copyFileSync(here('prometheus.yml'), join(folder, 'prometheus.yml'));
    copyFileSync(RULES, join(folder, 'alerts.yaml'));
    const { status, stdout } = spawnSync(
      promtool.command,
      ['check', 'config', '--lint=all', '--lint-fatal', join(folder, 'prometheus.yml')],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(stdout).toContain('1 rule files found');
  },
);
