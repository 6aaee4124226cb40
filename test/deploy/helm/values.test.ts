import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { helm, kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ofKind, only, podTemplates, readObjects } from '../kubernetes/objects.ts';
import type { Container, KubernetesObject } from '../kubernetes/objects.ts';
import { refusals, TYPE_CHECK_MS } from '../kubernetes/refusals.ts';
import { CHART, chartText, CI_VALUES, ciValues, refusalOf, renderChart } from './chart.ts';

/** The chart with values that others do not set, so that each test says what it needs. */
function rendered(...flags: readonly string[]): readonly KubernetesObject[] {
  return renderChart(
    ciValues('operator'),
    flags.map((flag) => `--set=${flag}`),
  );
}

function json(flag: string, value: unknown): string {
  return `--set-json=${flag}=${JSON.stringify(value)}`;
}

function specOf(objects: readonly KubernetesObject[], kind: string): Readonly<Record<string, unknown>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests say what it holds
  return only(ofKind(objects, kind)).spec as unknown as Readonly<Record<string, unknown>>;
}

function podOf(objects: readonly KubernetesObject[]): Readonly<Record<string, unknown>> & {
  readonly containers: readonly Container[];
} {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests say what it holds
  return only(podTemplates(objects)).spec as unknown as ReturnType<typeof podOf>;
}

function exporterOf(objects: readonly KubernetesObject[]): Container & Readonly<Record<string, unknown>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests say what it holds
  return podOf(objects).containers[0] as Container & Readonly<Record<string, unknown>>;
}

function egressOf(objects: readonly KubernetesObject[]): unknown {
  return specOf(objects, 'NetworkPolicy')['egress'];
}

/** Objects that the chart makes; extraManifests are the user's. */
function own(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  return objects.filter(({ metadata }) => !/-(?:extra|text)$/.test(metadata.name));
}

describe.skipIf(kubectlLayer.missing)(`what users of other charts set${kubectlLayer.needs}`, () => {
  test.each([
    [[], 'cloudflare-tunnel-exporter:0.1.0'],
    [['image.registry=registry.example.com'], 'registry.example.com/cloudflare-tunnel-exporter:0.1.0'],
    [['image.registry=a', 'global.imageRegistry=mirror/'], 'mirror/cloudflare-tunnel-exporter:0.1.0'],
    [['image.registry=a', 'image.repository=b/c', 'image.tag=v1'], 'a/b/c:v1'],
  ])('image %j is %s', (flags, image) => {
    expect(exporterOf(rendered(...flags)).image).toBe(image);
  });

  test('pull secrets of the parent chart join those of the chart, once each', () => {
    const everything = podOf(renderChart(ciValues('everything')));
    expect(everything['imagePullSecrets']).toEqual([{ name: 'registry' }, { name: 'global' }]);
  });

  test('common labels and annotations are on every object, and the labels on Pods', () => {
    const objects = own(
      renderChart(ciValues('everything'), ['--set=commonLabels.a=b', '--set=commonAnnotations.c=d']),
    );
    expect(new Set(objects.map(({ kind }) => kind)).size).toBe(10);
    for (const { kind, metadata } of objects) {
      expect({ kind, ...metadata }).toMatchObject({ kind, labels: { a: 'b' }, annotations: { c: 'd' } });
    }
    expect(only(podTemplates(objects)).metadata.labels).toMatchObject({ a: 'b' });
  });

  test('a label of an object wins over a common one, and nothing over those that selectors go by', () => {
    const name = 'app\\.kubernetes\\.io/name';
    const objects = rendered(
      'commonLabels.team=all',
      'service.labels.team=network',
      `commonLabels.${name}=other`,
      `podLabels.${name}=other`,
      `service.labels.${name}=other`,
    );
    const { labels } = only(ofKind(objects, 'Service')).metadata;
    expect(labels).toMatchObject({ team: 'network', 'app.kubernetes.io/name': 'cloudflare-tunnel-exporter' });
    expect(only(podTemplates(objects)).metadata.labels).toMatchObject({
      team: 'all',
      'app.kubernetes.io/name': 'cloudflare-tunnel-exporter',
    });
  });

  test('every kind of object takes annotations of its own', () => {
    const bare = own(renderChart(ciValues('everything'), ['--set=commonAnnotations=null']));
    const without = bare.filter(({ metadata }) => metadata.annotations === undefined);
    expect(without).toEqual([]);
  });

  test.each([
    ['serviceMonitor', 'ServiceMonitor'],
    ['podMonitor', 'PodMonitor'],
  ])('%s in another namespace finds the exporter in its own', (value, kind) => {
    const enabled = `${value}.enabled=true`;
    const there = rendered(enabled, `${value}.namespace=monitoring`);
    expect(only(ofKind(there, kind)).metadata.namespace).toBe('monitoring');
    expect(specOf(there, kind)['namespaceSelector']).toEqual({ matchNames: ['cloudflare-tunnel-exporter'] });
    for (const here of [
      rendered(enabled),
      rendered(enabled, `${value}.namespace=cloudflare-tunnel-exporter`),
    ]) {
      expect(specOf(here, kind)).not.toHaveProperty('namespaceSelector');
    }
  });

  test('rules and dashboards go where Prometheus and Grafana look for them', () => {
    const objects = rendered('prometheusRule.namespace=monitoring', 'dashboards.namespace=grafana');
    expect(only(ofKind(objects, 'PrometheusRule')).metadata.namespace).toBe('monitoring');
    const dashboards = ofKind(objects, 'ConfigMap').filter(({ data }) => data?.['config.yaml'] === undefined);
    expect(dashboards.length).toBeGreaterThan(3);
    expect(new Set(dashboards.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['grafana']));
  });

  test('namespaceOverride moves everything, and monitors look there', () => {
    const objects = rendered('namespaceOverride=elsewhere', 'serviceMonitor.namespace=monitoring');
    const namespaces = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`);
    expect(namespaces.filter((line) => !line.endsWith(' elsewhere'))).toEqual(['ServiceMonitor monitoring']);
    expect(specOf(objects, 'ServiceMonitor')['namespaceSelector']).toEqual({ matchNames: ['elsewhere'] });
  });

  test('the job of a scrape can come from a label', () => {
    const label = 'app\\.kubernetes\\.io/name';
    expect(specOf(rendered(), 'ServiceMonitor')).not.toHaveProperty('jobLabel');
    const objects = rendered(`serviceMonitor.jobLabel=${label}`);
    expect(specOf(objects, 'ServiceMonitor')['jobLabel']).toBe('app.kubernetes.io/name');
    expect(only(ofKind(objects, 'Service')).metadata.labels).toHaveProperty(['app.kubernetes.io/name']);
  });

  test('a field of the endpoint wins over the value beside it, and stands there once', () => {
    const flags = [
      json('serviceMonitor.endpoint', { interval: '5m', path: '/other', relabelings: [{ action: 'drop' }] }),
      json('serviceMonitor.relabelings', [{ action: 'keep' }]),
    ];
    // readObjects() refuses a key that is there twice.
    expect(specOf(renderChart(ciValues('operator'), flags), 'ServiceMonitor')['endpoints']).toEqual([
      {
        port: 'metrics',
        path: '/other',
        interval: '5m',
        scrapeTimeout: '10s',
        relabelings: [{ action: 'drop' }],
      },
    ]);
  });

  test('an empty interval leaves it to Prometheus', () => {
    expect(specOf(rendered('serviceMonitor.interval='), 'ServiceMonitor')['endpoints']).toEqual([
      { port: 'metrics', path: '/metrics', scrapeTimeout: '10s' },
    ]);
  });

  test('containers, variables, DNS and hosts of the Pod', () => {
    const everything = renderChart(ciValues('everything'));
    expect(podOf(everything)).toMatchObject({
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.53'], options: [{ name: 'ndots', value: '1' }] },
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['proxy.example.com'] }],
      runtimeClassName: 'gvisor',
      terminationGracePeriodSeconds: 30,
      initContainers: [{ name: 'wait' }],
      containers: [{ name: 'exporter' }, { name: 'beside' }],
    });
    expect(exporterOf(everything)['envFrom']).toEqual([
      { secretRef: { name: 'more-variables' } },
      { configMapRef: { name: 'others', optional: true }, prefix: 'X_' },
    ]);
    expect(podOf(rendered('hostNetwork=true', 'dnsPolicy=ClusterFirstWithHostNet'))).toMatchObject({
      hostNetwork: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
    });
  });

  test('Recreate leaves out what only a rolling update may have', () => {
    expect(specOf(rendered('strategy.type=Recreate'), 'Deployment')['strategy']).toEqual({
      type: 'Recreate',
    });
    expect(specOf(rendered('strategy.rollingUpdate.maxSurge=50%'), 'Deployment')['strategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: '50%', maxUnavailable: 0 },
    });
    const shards = renderChart(ciValues('shards'), ['--set=updateStrategy.type=OnDelete']);
    expect(specOf(shards, 'StatefulSet')['updateStrategy']).toEqual({ type: 'OnDelete' });
  });

  test('a probe that is null is left out, and one with a handler keeps it', () => {
    expect(exporterOf(rendered('livenessProbe=null'))).not.toHaveProperty('livenessProbe');
    expect(exporterOf(rendered('startupProbe.failureThreshold=30'))['startupProbe']).toEqual({
      failureThreshold: 30,
      httpGet: { path: '/livez', port: 'metrics' },
    });
    expect(exporterOf(rendered('readinessProbe.tcpSocket.port=metrics'))['readinessProbe']).toMatchObject({
      tcpSocket: { port: 'metrics' },
    });
  });

  test('the Service is of any type', () => {
    expect(specOf(rendered('service.type=NodePort', 'service.nodePort=30240'), 'Service')).toMatchObject({
      type: 'NodePort',
      ports: [{ port: 20240, nodePort: 30240 }],
    });
    expect(specOf(rendered('service.clusterIP=None'), 'Service')).toMatchObject({ clusterIP: 'None' });
    expect(specOf(renderChart(ciValues('everything')), 'Service')).toMatchObject({
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/internal',
      loadBalancerSourceRanges: ['192.0.2.0/24'],
      externalTrafficPolicy: 'Local',
      ipFamilies: ['IPv6', 'IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    });
  });

  test('a disruption budget by a minimum', () => {
    const flags = ['--set=podDisruptionBudget.minAvailable=1'];
    expect(specOf(renderChart(ciValues('replicas'), flags), 'PodDisruptionBudget')).toMatchObject({
      minAvailable: 1,
    });
    expect(specOf(renderChart(ciValues('replicas'), flags), 'PodDisruptionBudget')).not.toHaveProperty(
      'maxUnavailable',
    );
  });

  test.each([
    ['envFrom', json('envFrom', [{ secretRef: { name: 'token' } }])],
    ['extraEnv', json('extraEnv', [{ name: 'CLOUDFLARE_API_TOKEN_FILE', value: '/vault/token' }])],
    ['config', '--set=config.cloudflare.api_token_file=/vault/token'],
    ['extraArgs', '--set=extraArgs={--cloudflare.api-token-file=/vault/token}'],
  ])('the API token may come from %s', (_, flag) => {
    const { args, volumeMounts } = exporterOf(
      renderChart(ciValues('one-token'), ['--set=apiToken.existingSecret=', flag]),
    );
    expect(args?.filter((arg) => arg.startsWith('--cloudflare.api-token-file=/etc'))).toEqual([]);
    expect(volumeMounts?.map(({ name }) => name)).toEqual(['config']);
  });
});

describe.skipIf(kubectlLayer.missing)(`a proxy${kubectlLayer.needs}`, () => {
  const dns = { ports: [expect.objectContaining({ port: 53 }), expect.objectContaining({ port: 53 })] };
  const direct = { to: expect.any(Array), ports: [{ port: 443, protocol: 'TCP' }] };

  test.each([
    ['http://proxy.example.com:3128', 3128],
    ['http://proxy.example.com', 80],
    ['https://[2001:db8::1]/', 443],
    ['socks5://proxy.example.com', 1080],
  ])('%s is a variable, and the NetworkPolicy opens port %d', (url, port) => {
    const objects = rendered(`proxy.url=${url}`, 'proxy.noProxy=.svc');
    expect(exporterOf(objects).env).toEqual([
      { name: 'HTTPS_PROXY', value: url },
      { name: 'NO_PROXY', value: '.svc' },
    ]);
    expect(egressOf(objects)).toEqual([dns, direct, { ports: [{ port, protocol: 'TCP' }] }]);
  });

  test('without one, no variable and no port', () => {
    expect(exporterOf(rendered())).not.toHaveProperty('env');
    expect(egressOf(rendered())).toEqual([dns, direct]);
  });

  test('with a password it is in a Secret, and nothing else outside is reached', () => {
    const objects = renderChart(ciValues('proxy'));
    expect(exporterOf(objects).env).toEqual([
      { name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'proxy-url' } } },
      { name: 'NO_PROXY', value: '.svc,.cluster.local' },
    ]);
    expect(egressOf(objects)).toEqual([
      dns,
      { to: [{ ipBlock: { cidr: '10.0.0.5/32' } }], ports: [{ port: 3128, protocol: 'TCP' }] },
    ]);
  });

  test('with an authority of its own: a file from a ConfigMap or a Secret', () => {
    const { args, volumeMounts } = exporterOf(renderChart(ciValues('proxy')));
    expect(args).toContain('--cloudflare.ca-file=/etc/cloudflare-tunnel-exporter/ca/ca.crt');
    expect(volumeMounts).toContainEqual({
      name: 'ca',
      mountPath: '/etc/cloudflare-tunnel-exporter/ca',
      readOnly: true,
    });
    expect(podOf(renderChart(ciValues('proxy')))['volumes']).toContainEqual({
      name: 'ca',
      configMap: { name: 'company-ca' },
    });
    expect(podOf(renderChart(ciValues('everything')))['volumes']).toContainEqual({
      name: 'ca',
      secret: expect.objectContaining({ secretName: 'company-ca' }),
    });
    expect(exporterOf(rendered()).args?.join(' ')).not.toContain('ca-file');
  });

  test.each([
    [['proxy.url=http://alice:secret@proxy:3128'], 'proxy.url: give http://<host>:<port>'],
    [['proxy.url=proxy:3128'], 'proxy.url: give http://<host>:<port>'],
    [['proxy.existingSecret=proxy'], 'proxy.port: with proxy.existingSecret the NetworkPolicy needs'],
    [['caFile.configMap=a', 'caFile.existingSecret=b'], 'caFile: both configMap and existingSecret are set'],
    [['proxy.existingSecret=proxy', 'proxy.url=http://proxy:1', 'proxy.port=1'], 'keep one'],
  ])('%j is refused, and no password is repeated', (flags, message) => {
    const refusal = refusalOf(['--values', ciValues('one-token'), ...flags.map((flag) => `--set=${flag}`)]);
    expect(refusal).toContain(message);
    expect(refusal).not.toContain('secret@');
  });
});

describe.skipIf(kubectlLayer.missing)(`the NetworkPolicy${kubectlLayer.needs}`, () => {
  test('an empty list of peers lets nobody in or out, rather than everybody', () => {
    const flags = [json('networkPolicy.ingressFrom', []), json('networkPolicy.egressTo', [])];
    const { ingress, egress } = specOf(renderChart(ciValues('one-token'), flags), 'NetworkPolicy');
    expect(ingress).toEqual([]);
    expect(egress).toHaveLength(1);
  });

  test('ports and rules beside the usual ones', () => {
    expect(specOf(renderChart(ciValues('everything')), 'NetworkPolicy')).toMatchObject({
      ingress: [{ ports: [{ port: 'metrics' }] }, { from: [{ podSelector: {} }] }],
      egress: [{}, { ports: [{ port: 443 }, { port: 8443 }] }, { ports: [{ port: 9000 }] }],
    });
  });
});

describe.skipIf(kubectlLayer.missing)(`upgrades and Argo CD${kubectlLayer.needs}`, () => {
  test('the same values render the same objects: nothing is made up or looked up', () => {
    for (const values of CI_VALUES) expect(chartText(values)).toBe(chartText(values));
    const templates = readdirSync(join(CHART, 'templates')).map((file) =>
      readFileSync(join(CHART, 'templates', file), 'utf8'),
    );
    expect(templates.join('\n')).not.toMatch(
      /\b(?:lookup|rand\w+|uuidv4|now|gen[A-Z]\w+|Capabilities|htpasswd)\b/,
    );
    expect(templates.join('\n')).not.toContain('helm.sh/hook');
  });

  test('every object fits the annotation of `kubectl apply`', () => {
    const sizes = CI_VALUES.flatMap((values) => renderChart(values)).map(
      (object) => JSON.stringify(object).length,
    );
    expect(Math.max(...sizes)).toBeGreaterThan(100_000);
    expect(Math.max(...sizes)).toBeLessThan(262_144);
  });

  test('what Argo CD needs on a monitor goes there', () => {
    const option = 'argocd\\.argoproj\\.io/sync-options';
    const value = 'SkipDryRunOnMissingResource=true';
    const objects = rendered(`serviceMonitor.annotations.${option}=${value}`);
    expect(only(ofKind(objects, 'ServiceMonitor')).metadata.annotations).toEqual({
      'argocd.argoproj.io/sync-options': value,
    });
  });

  test('a release named by a number', () => {
    const name = '12345';
    const text = helm(['template', name, CHART, '--values', ciValues('one-token')]);
    expect(text).toContain('app.kubernetes.io/instance: "12345"');
  });
});

describe.skipIf(kubectlLayer.missing)(`keys without a value${kubectlLayer.needs}`, () => {
  test.each([
    'commonLabels',
    'podAnnotations',
    'extraEnv',
    'imagePullSecrets',
    'config',
    'global',
    'resources',
  ])('%s: an empty key is an empty map or list', (key) => {
    expect(rendered(`${key}=null`).length).toBeGreaterThan(5);
  });

  test('a section that holds defaults is named', () => {
    for (const section of ['image', 'service', 'prometheusRule', 'proxy']) {
      expect(refusalOf(['--values', ciValues('operator'), `--set=${section}=null`])).toContain(
        `${section}: has no values; remove the line, or give some`,
      );
    }
  });
});

describe.skipIf(kubectlLayer.missing)(`as part of another chart${kubectlLayer.needs}`, () => {
  test("it takes the parent's globals and condition", () => {
    const parent = mkdtempSync(join(tmpdir(), 'parent-chart-'));
    onTestFinished(() => rmSync(parent, { recursive: true }));
    cpSync(CHART, join(parent, 'charts/cloudflare-tunnel-exporter'), { recursive: true });
    const dependency = {
      name: 'cloudflare-tunnel-exporter',
      version: '*',
      condition: 'cloudflare-tunnel-exporter.enabled',
    };
    const chart = { apiVersion: 'v2', name: 'parent', version: '1.0.0', dependencies: [dependency] };
    writeFileSync(join(parent, 'Chart.yaml'), stringify(chart));
    const rendering = (enabled: boolean): readonly KubernetesObject[] =>
      readObjects(
        helm([
          'template',
          'release',
          parent,
          '--set=global.storageClass=fast,global.imageRegistry=mirror.example.com',
          `--set=cloudflare-tunnel-exporter.enabled=${enabled}`,
          '--set=cloudflare-tunnel-exporter.accounts[0].id=023e105f4ecef8ad9ca31a8372d0c353',
          '--set=cloudflare-tunnel-exporter.apiToken.existingSecret=token',
        ]),
      );
    expect(exporterOf(rendering(true)).image).toBe('mirror.example.com/cloudflare-tunnel-exporter:0.1.0');
    expect(rendering(false)).toEqual([]);
  });
});

describe.skipIf(kubectlLayer.missing)(`combinations${kubectlLayer.needs}`, () => {
  const COMBINATIONS = [
    ['service.type=NodePort', 'service.nodePort=30240', 'service.ipDualStack.enabled=true'],
    ['service.type=LoadBalancer', 'service.externalTrafficPolicy=Local'],
    ['strategy.type=Recreate', 'livenessProbe=null', 'readinessProbe=null'],
    ['networkPolicy.enabled=false', 'proxy.existingSecret=proxy'],
    ['proxy.url=http://proxy:3128', 'networkPolicy.proxyTo[0].ipBlock.cidr=10.0.0.5/32'],
    ['serviceMonitor.namespace=monitoring', 'serviceMonitor.sampleLimit=1000000', 'dashboards.folder='],
    ['shards=3', 'updateStrategy.type=OnDelete', 'podDisruptionBudget.minAvailable=50%'],
    ['replicas=0', 'serviceAccount.create=false', 'serviceAccount.name=mine'],
    ['nameOverride=other', 'fullnameOverride=tunnels', 'namespaceOverride=elsewhere', 'commonLabels.a=b'],
    ['priorityClassName=high', 'runtimeClassName=gvisor', 'hostNetwork=true', 'dnsConfig.searches[0]=svc'],
    [
      'extraVolumes[0].name=a',
      'extraVolumes[0].emptyDir.sizeLimit=1Mi',
      'extraVolumeMounts[0].name=a',
      'extraVolumeMounts[0].mountPath=/a',
    ],
    [
      'prometheusRule.alerts.CloudflareTunnelDown.enabled=false',
      'prometheusRule.additionalRuleLabels.team=a',
    ],
  ];

  test(
    'render no field that Kubernetes and the Prometheus Operator do not know',
    async () => {
      const objects = COMBINATIONS.flatMap((flags) =>
        rendered(...flags).filter(({ data }) => data === undefined || data['config.yaml'] !== undefined),
      );
      expect(objects.length).toBeGreaterThan(60);
      expect(await refusals(objects)).toEqual([]);
    },
    TYPE_CHECK_MS,
  );
});
