import { ALL_SETTINGS } from '../../../src/config/settings.ts';
import { containersOf, podTemplates } from './objects.ts';
import type { Container, KubernetesObject, Labels } from './objects.ts';

/**
 * What is wrong between objects that are each right: selectors that select nothing, ports and
 * volumes that are not there, unknown flags.
 */
export function incoherences(objects: readonly KubernetesObject[]): readonly string[] {
  const templates = podTemplates(objects);
  const containers = templates.flatMap(({ spec }) => containersOf(spec));
  const portNames = containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name));
  return [
    ...objects.flatMap((object) =>
      selectorsOf(object)
        .filter((selector) => !templates.some(({ metadata }) => selects(selector, metadata.labels)))
        .map((selector) => `${object.kind} selects nothing: ${JSON.stringify(selector)}`),
    ),
    ...objects.flatMap(({ kind, spec }) =>
      (kind === 'Service' ? (spec?.ports ?? []) : [])
        .filter(({ targetPort }) => !portNames.includes(targetPort))
        .map(({ targetPort }) => `Service: no port ${targetPort}`),
    ),
    ...templates.flatMap(({ spec }) => {
      const volumes = (spec.volumes ?? []).map(({ name }) => name);
      return containersOf(spec).flatMap((container) => [
        ...(container.volumeMounts ?? [])
          .filter(({ name }) => !volumes.includes(name))
          .map(({ name }) => `${container.name}: no volume ${name}`),
        ...probePorts(container)
          .filter((port) => !(container.ports ?? []).some(({ name }) => name === port))
          .map((port) => `${container.name}: no port ${port} to probe`),
      ]);
    }),
    ...containers
      .filter(({ image }) => image.includes('cloudflare-tunnel-exporter'))
      .flatMap(({ args = [] }) =>
        args.filter((arg) => !isKnownFlag(arg)).map((arg) => `unknown flag ${arg}`),
      ),
  ];
}

function selectorsOf({ kind, spec }: KubernetesObject): readonly Labels[] {
  // A monitor selects Services or Pods that others make.
  if (kind.endsWith('Monitor')) return [];
  // That of a Service is no LabelSelector but plain labels.
  const selectors = [
    kind === 'Service' ? spec?.selector : spec?.selector?.matchLabels,
    spec?.podSelector?.matchLabels,
  ];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- told apart by kind
  return selectors.filter((selector) => selector !== undefined) as readonly Labels[];
}

function selects(selector: Labels, labels: Labels = {}): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

function probePorts({ livenessProbe, readinessProbe, startupProbe }: Container): readonly string[] {
  return [livenessProbe, readinessProbe, startupProbe]
    .map((probe) => probe?.httpGet?.port)
    .filter((port) => port !== undefined);
}

function isKnownFlag(arg: string): boolean {
  return ALL_SETTINGS.some(({ flag }) => arg.startsWith(`--${flag}=`));
}
