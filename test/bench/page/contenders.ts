import { Gauge, Registry } from 'prom-client';
import { enabledFamilies } from '../../../src/core/families/table.ts';
import { type FleetContext, TUNNEL_LABELS, type TunnelFamily } from '../../../src/core/families/family.ts';
import type { Snapshot, TunnelState } from '../../../src/core/snapshot.ts';
import { createMetricsPage, type SnapshotPage } from '../../../src/exposition/metrics-page.ts';

/** What the page is measured against: the same series by other means. */

export const FAMILY_OPTIONS = { originIp: false, features: false, hostnames: false, routes: false } as const;
const CONTEXT: FleetContext = { types: ['cfd_tunnel'], selectsAll: true, expected: [], intermittent: [] };
const families = enabledFamilies(FAMILY_OPTIONS).filter((family) => family.scope === 'tunnel');

export function aTunnelPage(): SnapshotPage {
  return createMetricsPage({
    families: FAMILY_OPTIONS,
    context: CONTEXT,
    allows: () => true,
    selfMetrics: () => Promise.resolve([]),
  });
}

function statesOf({ accounts }: Snapshot): readonly TunnelState[] {
  return [...accounts.values()].flatMap(({ tunnels }) => [...tunnels.values()]);
}

function labelValues({ tunnel }: TunnelState): readonly string[] {
  return [tunnel.accountId, tunnel.id, tunnel.name];
}

/** The parts of one line: its label values, then its value, all of them strings already. */
type PreparedLine = readonly string[];

interface PreparedFamily {
  readonly name: string;
  readonly labels: readonly string[];
  readonly lines: readonly PreparedLine[];
}

/** Everything that a line is made of, so that nothing is left but to add it up. */
export function prepareStrings(snapshot: Snapshot): readonly PreparedFamily[] {
  return families.map((family) => {
    const lines: PreparedLine[] = [];
    const labels = [...TUNNEL_LABELS, ...family.labels];
    for (const state of statesOf(snapshot)) {
      family.samples(
        state,
        (value, ...values) => {
          const own = values.slice(0, family.labels.length);
          lines.push([...labelValues(state), ...own, String(value)]);
        },
        CONTEXT,
      );
    }
    return { name: family.name, labels, lines };
  });
}

/**
 * The straight-line loop: adds the prepared strings up, family by family, and makes bytes of each
 * family.
 */
export function concatenate(prepared: readonly PreparedFamily[]): number {
  let bytes = 0;
  for (const { name, labels, lines } of prepared) {
    let text = '';
    for (const line of lines) {
      text += `${name}{`;
      for (let index = 0; index < labels.length; index += 1)
        text += `${index === 0 ? '' : ','}${labels[index] ?? ''}="${line[index] ?? ''}"`;
      text += `} ${line[labels.length] ?? ''}\n`;
    }
    bytes += Buffer.from(text).length;
  }
  return bytes;
}

/** The lines themselves, finished: of the straight-line loop, only the adding up is left. */
export function finishLines(prepared: readonly PreparedFamily[]): readonly (readonly string[])[] {
  return prepared.map(({ name, labels, lines }) =>
    lines.map((line) => {
      const pairs = labels.map((label, index) => `${label}="${line[index] ?? ''}"`);
      return [`${name}{`, pairs.join(','), `} ${line[labels.length] ?? ''}\n`].join('');
    }),
  );
}

export function addUp(finished: readonly (readonly string[])[]): number {
  let bytes = 0;
  for (const lines of finished) {
    let text = '';
    for (const line of lines) text += line;
    bytes += Buffer.from(text).length;
  }
  return bytes;
}

/** prom-client: a registry filled with every series, and its text as bytes. */
export async function fillAndRenderPromClient(snapshot: Snapshot): Promise<number> {
  const registry = new Registry();
  const states = statesOf(snapshot);
  for (const family of families) fillGauge(registry, family, { states });
  return Buffer.from(await registry.metrics()).length;
}

function fillGauge(
  registry: Registry,
  { name, help, labels, samples }: TunnelFamily,
  { states }: { readonly states: readonly TunnelState[] },
): void {
  const gauge = new Gauge({ name, help, labelNames: [...TUNNEL_LABELS, ...labels], registers: [registry] });
  for (const state of states) {
    const { accountId, id, name: tunnelName } = state.tunnel;
    samples(
      state,
      (value, ...values) => {
        const set: Record<string, string> = { account_id: accountId, tunnel_id: id, tunnel_name: tunnelName };
        for (const [index, label] of labels.entries()) set[label] = values[index] ?? '';
        gauge.set(set, value);
      },
      CONTEXT,
    );
  }
}
