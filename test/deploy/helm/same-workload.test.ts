import { describe, expect, test } from 'vitest';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import type { KubernetesObject, Labels } from '../kubernetes/objects.ts';
import { renderOverlay } from '../kubernetes/overlays.ts';
import { ciValues, renderChart } from './chart.ts';

/** What helm alone adds, and what differs by intent. */
const HELM_LABELS = ['helm.sh/chart', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/version'];

/**
 * Objects that only one of the two has: the namespace is `helm install`'s, sidecars are no matter
 * of the chart.
 */
const ONLY_KUSTOMIZE = ['Namespace', 'PodMonitor'];

/** An object as the other tool would have made it. */
function comparable(object: KubernetesObject): unknown {
  // Kustomize names the ConfigMap after its content; helm has a checksum instead.
  const text = JSON.stringify(object).replaceAll(/(cloudflare-tunnel-exporter)-[a-z0-9]{10}"/g, '$1"');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it was before
  const copy = JSON.parse(text) as KubernetesObject;
  const { template } = copy.spec ?? {};
  return {
    ...copy,
    metadata: { ...copy.metadata, labels: without(copy.metadata.labels, HELM_LABELS) },
    ...(copy.data?.['config.yaml'] === undefined ? {} : { data: 'config.yaml' }),
    ...(template === undefined
      ? {}
      : {
          spec: { ...copy.spec, template: { ...template, metadata: { labels: template.metadata.labels } } },
        }),
  };
}

function without(labels: Labels = {}, names: readonly string[] = []): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

function byKindAndName(objects: readonly KubernetesObject[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    objects.map((object) => {
      const comparison = comparable(object);
      const name = object.metadata.name.replace(/-[a-z0-9]{10}$/, '');
      return [`${object.kind} ${name}`, comparison];
    }),
  );
}

describe.skipIf(kubectlLayer.missing)(`chart and kustomize${kubectlLayer.needs}`, () => {
  test.each([
    ['operator', 'operator', 'Deployment'],
    ['replicas', 'replicas', 'PodDisruptionBudget'],
    ['shards', 'shards', 'StatefulSet'],
  ])('describe the same workload: overlay %s, values %s', (overlay, values, kind) => {
    const kustomized = renderOverlay(overlay).filter((object) => !ONLY_KUSTOMIZE.includes(object.kind));
    expect(kustomized.map((object) => object.kind)).toContain(kind);
    expect(byKindAndName(renderChart(ciValues(values)))).toEqual(byKindAndName(kustomized));
  });
});
