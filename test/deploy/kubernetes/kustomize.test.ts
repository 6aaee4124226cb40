import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runExporter } from '../../support/exporter-process.ts';
import { ageInDays, outdatedAfterDays, pinnedRelease } from './cloudflared-release.ts';
import { incoherences } from './coherence.ts';
import { kubectl, kubectlLayer } from './kubectl-layer.ts';
import { ofKind, only, podTemplates, readObjects } from './objects.ts';
import type { Container, KubernetesObject, PodSpec } from './objects.ts';
import { FOLDER, renderOverlay } from './overlays.ts';
import { hardeningGaps, restrictedViolations } from './pod-security.ts';
import { refusals, TYPE_CHECK_MS } from './refusals.ts';

const OVERLAYS = readdirSync(`${FOLDER}/overlays`);
/** What cloudflared runs with, of no tunnel. */
const TUNNEL_TOKEN = Buffer.from(
  JSON.stringify({
    a: '023e105f4ecef8ad9ca31a8372d0c353',
    t: '6ff42ae2-765d-4adf-8112-31c55c1551ef',
    s: 'c2VjcmV0',
  }),
).toString('base64');
const SIDECARS = ['sidecar', 'sidecar-plain', 'sidecar-edge-ready'];

function podOf(objects: readonly KubernetesObject[]): PodSpec {
  return only(podTemplates(objects)).spec;
}

function exporterIn(pod: PodSpec): Container {
  return only([...(pod.initContainers ?? []), ...pod.containers].filter(({ name }) => name === 'exporter'));
}

function flag({ args = [] }: Container, name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

describe.skipIf(kubectlLayer.missing)(`the kustomize overlays${kubectlLayer.needs}`, () => {
  const rendered = new Map(kubectlLayer.missing ? [] : OVERLAYS.map((name) => [name, renderOverlay(name)]));
  const overlay = (name: string): readonly KubernetesObject[] => rendered.get(name) ?? [];

  test(
    'hold no field that Kubernetes and the Prometheus Operator do not know',
    async () => {
      expect(rendered.size).toBeGreaterThan(5);
      expect(await refusals([...rendered.values()].flat())).toEqual([]);
    },
    TYPE_CHECK_MS,
  );

  test.each(OVERLAYS)('%s: every container meets the restricted Pod Security Standard', (name) => {
    const pods = podTemplates(overlay(name)).map(({ spec }) => spec);
    expect(pods).toHaveLength(1);
    expect(pods.flatMap(restrictedViolations)).toEqual([]);
    expect(pods.flatMap(hardeningGaps)).toEqual([]);
  });

  test.each(OVERLAYS)('%s: selectors, ports, volumes and flags fit together', (name) => {
    expect(incoherences(overlay(name))).toEqual([]);
  });

  test.each(OVERLAYS)('%s: everything is in a namespace that enforces the restricted standard', (name) => {
    const namespace = only(ofKind(overlay(name), 'Namespace'));
    expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const elsewhere = overlay(name).filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== namespace.metadata.name,
    );
    expect(elsewhere).toEqual([]);
    expect(ofKind(overlay(name), 'NetworkPolicy')).toHaveLength(1);
  });

  test.each(OVERLAYS.filter((name) => !SIDECARS.includes(name)))(
    '%s: probed on /livez and /readyz',
    (name) => {
      const { livenessProbe, readinessProbe } = exporterIn(podOf(overlay(name)));
      expect(livenessProbe?.httpGet?.path).toBe('/livez');
      expect(readinessProbe?.httpGet?.path).toBe('/readyz');
    },
  );

  test('the operator overlay has both monitors, the alerts and every dashboard', () => {
    const objects = overlay('operator');
    const [service] = ofKind(objects, 'Service');
    const [serviceMonitor] = ofKind(objects, 'ServiceMonitor');
    const [podMonitor] = ofKind(objects, 'PodMonitor');
    expect(service?.metadata.labels).toMatchObject(
      serviceMonitor?.spec?.selector?.matchLabels ?? { none: '' },
    );
    expect(serviceMonitor?.spec?.endpoints?.map(({ port }) => port)).toEqual(
      service?.spec?.ports?.map(({ name }) => name),
    );
    expect(ofKind(objects, 'PrometheusRule')).toHaveLength(1);
    const dashboards = ofKind(objects, 'ConfigMap').filter(
      ({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1',
    );
    const files = readdirSync('grafana/dashboards').filter((file) => file.endsWith('.json'));
    expect(dashboards.flatMap(({ data = {} }) => Object.keys(data)).toSorted()).toEqual(files.toSorted());

    for (const name of SIDECARS) {
      const template = only(podTemplates(overlay(name)));
      expect(template.metadata.labels).toMatchObject(podMonitor?.spec?.selector?.matchLabels ?? { none: '' });
      expect(exporterIn(template.spec).ports?.map((port) => port.name)).toEqual(
        podMonitor?.spec?.podMetricsEndpoints?.map(({ port }) => port),
      );
    }
  });

  test('two replicas have a disruption budget and together no more requests than one has', () => {
    const objects = overlay('replicas');
    const { replicas = 0 } = only(ofKind(objects, 'Deployment')).spec ?? {};
    expect(replicas * Number(flag(exporterIn(podOf(objects)), 'cloudflare.request-budget'))).toBe(600);
    expect(ofKind(objects, 'PodDisruptionBudget')).toHaveLength(1);
  });

  test('as many shards as Pods', () => {
    const objects = overlay('shards');
    const { replicas } = only(ofKind(objects, 'StatefulSet')).spec ?? {};
    expect(flag(exporterIn(podOf(objects)), 'shard.total')).toBe(String(replicas));
    expect(ofKind(objects, 'Deployment')).toEqual([]);
  });

  test('shards share one token, and together make no more requests than one exporter does', () => {
    const objects = overlay('shards');
    const { replicas = 0 } = only(ofKind(objects, 'StatefulSet')).spec ?? {};
    expect(replicas * Number(flag(exporterIn(podOf(objects)), 'cloudflare.request-budget'))).toBe(600);
  });

  test.each(OVERLAYS)('%s: the exporter takes the flags', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const config = ofKind(overlay(name), 'ConfigMap').find(({ data }) => data?.['config.yaml'] !== undefined);
    writeFileSync(join(folder, 'config.yaml'), config?.data?.['config.yaml'] ?? '');
    writeFileSync(join(folder, 'api-token'), 'an-api-token-that-is-none-0123456789abcd');
    writeFileSync(join(folder, 'tunnel-token'), TUNNEL_TOKEN);
    const args = exporterIn(podOf(overlay(name))).args ?? [];
    const finished = await runExporter(
      ['--config.check', ...args.map((arg) => arg.replace(/=\/etc\/.*\//, `=${folder}/`))],
      // A shard goes by the number at the end of its Pod's name, which this machine's need not have.
      { env: name === 'shards' ? { TUNNEL_EXPORTER_SHARD_INDEX: '1' } : {} },
    );
    expect(finished).toMatchObject({ code: 0, stdout: 'The configuration is valid.\n' });
  });

  describe('a sidecar never holds up cloudflared', () => {
    test('the native one is no startup gate: it restarts by itself, and no probe of it asks about Cloudflare', () => {
      const pod = podOf(overlay('sidecar'));
      const exporter = only(pod.initContainers ?? []);
      expect(exporter.restartPolicy).toBe('Always');
      expect(exporter.startupProbe).toBeUndefined();
      expect(exporter.readinessProbe).toBeUndefined();
      expect(exporter.livenessProbe?.httpGet?.path).toBe('/livez');
    });

    test('the plain one starts after cloudflared and is else the same container', () => {
      const { containers, initContainers } = podOf(overlay('sidecar-plain'));
      const [first, second] = containers;
      expect(first?.name).toBe('cloudflared');
      expect(initContainers).toBeUndefined();
      const { restartPolicy, ...native } = only(podOf(overlay('sidecar')).initContainers ?? []);
      expect(restartPolicy).toBe('Always');
      expect(second).toEqual(native);
    });

    test.each(SIDECARS)('%s: cloudflared is not restarted because Cloudflare cannot be reached', (name) => {
      const cloudflared = podOf(overlay(name)).containers.find(
        (container) => container.name === 'cloudflared',
      );
      expect(cloudflared?.livenessProbe?.httpGet?.path).toBe('/healthcheck');
      expect(cloudflared?.readinessProbe?.httpGet?.path).toBe('/ready');
      expect(cloudflared?.startupProbe).toBeUndefined();
    });

    test.each(SIDECARS)('%s: a missing API token does not keep the Pod from starting', (name) => {
      const { volumes = [] } = podOf(overlay(name));
      const optional = volumes.filter(({ secret }) => secret?.optional === true);
      expect(optional.map(({ secret }) => secret?.secretName)).toEqual(['cloudflare-api-token']);
    });

    test('readiness that asks the edge is an overlay of its own', () => {
      const { readinessProbe, ...rest } = only(podOf(overlay('sidecar-edge-ready')).initContainers ?? []);
      expect(readinessProbe?.httpGet?.path).toBe('/edge-ready');
      expect(rest).toEqual(only(podOf(overlay('sidecar')).initContainers ?? []));
    });

    test('it is as confined as the exporter alone', () => {
      const { securityContext, resources, image } = exporterIn(podOf(overlay('deployment')));
      for (const name of SIDECARS) {
        expect(exporterIn(podOf(overlay(name)))).toMatchObject({ securityContext, resources, image });
      }
    });
  });
});

function matches(file: string, pattern: RegExp): readonly (string | undefined)[] {
  return [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, found]) => found);
}

test('Dockerfile, chart and manifests name the version of package.json', () => {
  const [version] = matches('package.json', /"version": "([^"]+)"/g);
  const sidecars = OVERLAYS.map((name) => `${FOLDER}/overlays/${name}/kustomization.yaml`);
  const tag = /name: cloudflare-tunnel-exporter\n +newTag: (\S+)/g;
  expect([
    ...matches('Dockerfile', /ARG VERSION=(\S+)/g),
    ...matches('Dockerfile', /--tag cloudflare-tunnel-exporter:(\S+)/g),
    ...matches('deploy/helm/cloudflare-tunnel-exporter/Chart.yaml', /^(?:appV|v)ersion: (\S+)/gm),
    ...[`${FOLDER}/base/kustomization.yaml`, ...sidecars].flatMap((file) => matches(file, tag)),
  ]).toEqual(Array.from({ length: 7 }, () => version));
});

describe('the cloudflared that the manifests pin', () => {
  const pinned = pinnedRelease(readFileSync(`${FOLDER}/cloudflared/kustomization.yaml`, 'utf8'));
  const changelog = readFileSync('CHANGELOG.md', 'utf8');

  // Uses no clock, because the test of a commit must not fail a year later. It fails in the commit
  // of a release, where it can be fixed.
  test('has half a year left, at a release of this project, before our own alert calls it outdated', () => {
    expect(ageInDays(pinned, changelog)).toBeLessThan(outdatedAfterDays() / 2);
  });

  test('is that of the compose file', () => {
    const [, tag] =
      /cloudflare\/cloudflared:(\S+)/.exec(readFileSync('deploy/compose/tunnel.yaml', 'utf8')) ?? [];
    expect(tag).toBe(pinned.version);
  });

  test('counts from the later of the day it was checked and the last release', () => {
    const release = { version: '2026.10.0', checked: '2026-11-24' };
    expect(ageInDays(release, '# Changelog\n\n## Unreleased\n')).toBe(54);
    expect(ageInDays(release, '## Unreleased\n\n## 0.2.0 - 2027-10-02\n\n## 0.1.0 - 2026-12-01\n')).toBe(366);
    expect(ageInDays({ version: '2025.11.1', checked: '2026-11-24' }, '')).toBeGreaterThan(
      outdatedAfterDays(),
    );
    expect(ageInDays({ version: 'latest', checked: '2026-11-24' }, '')).toBeNaN();
  });
});

/** An overlay as a user writes it, elsewhere. */
function withProxy(overlay: string): readonly KubernetesObject[] {
  const folder = mkdtempSync(join(tmpdir(), 'own-overlay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const to = relative(realpathSync(folder), resolve(FOLDER));
  const lines = ['resources:', `  - ${to}/overlays/${overlay}`, 'components:', `  - ${to}/components/proxy`];
  writeFileSync(join(folder, 'kustomization.yaml'), `${lines.join('\n')}\n`);
  return readObjects(kubectl(['kustomize', folder]));
}

describe.skipIf(kubectlLayer.missing)(`the component of a proxy${kubectlLayer.needs}`, () => {
  test.each(['operator', 'replicas', 'shards'])('with %s: the variable, and the port', (overlay) => {
    const objects = withProxy(overlay);
    expect(exporterIn(podOf(objects)).env).toEqual([
      { name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'proxy-url' } } },
    ]);
    const { spec } = only(ofKind(objects, 'NetworkPolicy'));
    expect(spec).toMatchObject({ egress: [{}, {}, { ports: [{ port: 3128, protocol: 'TCP' }] }] });
  });

  test(
    'adds no field that Kubernetes does not know',
    async () => {
      expect(await refusals(withProxy('replicas'))).toEqual([]);
    },
    TYPE_CHECK_MS,
  );
});
