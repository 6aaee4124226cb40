import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkPrometheusConfig, promtool } from '../prometheus-config.ts';

const COMPOSE = 'deploy/compose/compose.yaml';

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
    expect(checkPrometheusConfig(readFileSync(here('prometheus.yml'), 'utf8'))).toEqual({
      status: 0,
      stdout: expect.stringContaining('1 rule files found'),
    });
  },
);
