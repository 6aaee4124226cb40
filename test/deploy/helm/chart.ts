import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { helm } from '../kubernetes/kubectl-layer.ts';
import { readObjects } from '../kubernetes/objects.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';

export const CHART = 'deploy/helm/cloudflare-tunnel-exporter';
const CI = join(CHART, 'ci');

export const CI_VALUES = readdirSync(CI).map((file) => join(CI, file));

export function ciValues(name: string): string {
  return join(CI, `${name}-values.yaml`);
}

const rendered = new Map<string, readonly KubernetesObject[]>();

/** As `helm template` with a values file, and more flags after it. The same values are rendered once. */
export function renderChart(values: string, flags: readonly string[] = []): readonly KubernetesObject[] {
  const key = [values, ...flags].join('\0');
  const objects = rendered.get(key) ?? readObjects(chartText(values, flags));
  rendered.set(key, objects);
  return objects;
}

export function chartText(values: string, flags: readonly string[] = []): string {
  const name = 'cloudflare-tunnel-exporter';
  return helm(['template', name, CHART, '--namespace', name, '--values', values, ...flags]);
}

/** What helm says of values that it refuses. */
export function refusalOf(flags: readonly string[]): string {
  try {
    helm(['template', 'release', CHART, ...flags]);
  } catch (error) {
    if (error instanceof Error && 'stderr' in error) return String(error.stderr);
    throw error;
  }
  return '';
}
