import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readProject } from '../../deploy/release/project.ts';
import { runExporter } from '../support/exporter-process.ts';
import { checkPrometheusConfig, promtool } from './prometheus-config.ts';

const COMPOSE = 'deploy/compose/tunnel.yaml';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours, and the tests say what it must hold
const { services, configs } = parse(readFileSync(COMPOSE, 'utf8')) as {
  readonly services: Readonly<Record<'cloudflared' | 'exporter' | 'prometheus', Service>>;
  readonly configs: { readonly prometheus: { readonly content: string } };
};

test('the exporter of the compose file with cloudflared is the published image, and takes its settings', async () => {
  const { image, version } = readProject();
  const { exporter } = services;
  expect(exporter.image).toBe(`${image}:${version}`);
  const account = '023e105f4ecef8ad9ca31a8372d0c353';
  const tunnel = { a: account, t: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415', s: 'c2VjcmV0' };
  const given: Readonly<Record<string, string>> = {
    CLOUDFLARE_API_TOKEN: 'a-secret-token-of-40-characters-in-length',
    TUNNEL_TOKEN: Buffer.from(JSON.stringify(tunnel)).toString('base64'),
  };
  const env = Object.fromEntries(
    Object.entries(exporter.environment ?? {}).map(([name, value]) => {
      expect(value).toMatch(new RegExp(String.raw`^\$\{${name}:\?is .+\}$`));
      return [name, given[name] ?? ''];
    }),
  );
  const checked = await runExporter([...(exporter.command ?? []), '--config.check'], { env });
  expect(checked).toMatchObject({ code: 0, stdout: 'The configuration is valid.\n', stderr: '' });
});

test('its images have a version, its ports are closed to other machines, and what it mounts is there', () => {
  for (const { image, ports = [], volumes = [] } of Object.values(services)) {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const volume of volumes.filter((each) => each.startsWith('.')))
      expect(existsSync(join(dirname(COMPOSE), volume.split(':')[0] ?? ''))).toBe(true);
  }
});

test('it runs the cloudflared that the manifests run', () => {
  const kustomization = readFileSync('deploy/kubernetes/cloudflared/kustomization.yaml', 'utf8');
  const [, tag] = /name: cloudflare\/cloudflared\n +newTag: (\S+)/.exec(kustomization) ?? [];
  expect(services.cloudflared.image).toBe(`docker.io/cloudflare/cloudflared:${tag}`);
});

test.skipIf(promtool.missing)(`promtool takes its configuration of Prometheus${promtool.needs}`, () => {
  expect(checkPrometheusConfig(configs.prometheus.content)).toEqual({
    status: 0,
    stdout: expect.stringContaining('1 rule files found'),
  });
});
