import { setImmediate } from 'node:timers/promises';
import type { Family, FamilyOptions, FleetContext } from '../core/families/family.ts';
import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import { createTunnelEncoder, encodeFleetFamily, type Lines } from './tunnel-encoder.ts';

/** The sample lines of one family, the same in both formats. The same object as before while they do not change. */
export interface Section {
  readonly family: Family;
  readonly lines: Buffer;
  readonly series: number;
}

export interface RendererOptions {
  readonly table: readonly Family[];
  readonly families: FamilyOptions;
  readonly context: FleetContext;
}

/** What one tunnel has on the page. */
interface TunnelEntry {
  readonly state: TunnelState;
  /** One for each tunnel family of the table, in its order; the same object as before where equal. */
  readonly lines: readonly Lines[];
}

/** So many tunnels are rendered before the event loop gets its turn: some milliseconds. */
const TUNNELS_PER_SLICE = 200;

/**
 * Renders snapshots one after the other; cost follows change. A tunnel is encoded when its state is another object than
 * before, and a family is put together anew when a tunnel's lines in it are. A family without samples has no section:
 * nothing is known of it. Calls must not overlap.
 */
export function createRenderer({
  table,
  families,
  context,
}: RendererOptions): (snapshot: Snapshot) => Promise<readonly Section[]> {
  const tunnelFamilies = table.filter((family) => family.scope === 'tunnel');
  const encodeTunnel = createTunnelEncoder(tunnelFamilies, families);
  const positions = new Map(tunnelFamilies.map(({ name }, position) => [name, position]));
  let entries = new Map<string, TunnelEntry>();
  let order: readonly TunnelEntry[] = [];
  let sections = new Map<string, Section>();

  const entryOf = (state: TunnelState): TunnelEntry => {
    const before = entries.get(keyOf(state));
    if (before?.state === state) return before;
    const lines = encodeTunnel(state).map((encoded, position) => {
      const known = before?.lines[position];
      return known?.text === encoded.text ? known : encoded;
    });
    return { state, lines };
  };

  const renderTunnels = async (snapshot: Snapshot): Promise<readonly TunnelEntry[]> => {
    const rendered: TunnelEntry[] = [];
    for (const account of snapshot.accounts.values()) {
      for (const state of account.tunnels.values()) {
        rendered.push(entryOf(state));
        if (rendered.length % TUNNELS_PER_SLICE === 0) await setImmediate();
      }
    }
    return rendered;
  };

  return async (snapshot) => {
    const rendered = await renderTunnels(snapshot);
    const next = new Map<string, Section>();
    for (const family of table) {
      const known = sections.get(family.name);
      const section =
        family.scope === 'fleet'
          ? fleetSection(family, known, encodeFleetFamily(family, snapshot, context))
          : tunnelSection(family, known, {
              position: positions.get(family.name) ?? 0,
              before: order,
              rendered,
            });
      if (section !== undefined) next.set(family.name, section);
      if (section !== known) await setImmediate();
    }
    entries = new Map(rendered.map((entry) => [keyOf(entry.state), entry]));
    order = rendered;
    sections = next;
    return [...next.values()];
  };
}

/** No id holds a space. */
function keyOf({ tunnel }: TunnelState): string {
  return `${tunnel.accountId} ${tunnel.id}`;
}

function fleetSection(
  family: Family,
  known: Section | undefined,
  { text, series }: Lines,
): Section | undefined {
  if (series === 0) return undefined;
  const lines = Buffer.from(text);
  return known?.lines.equals(lines) === true ? known : { family, lines, series };
}

interface TunnelSectionInput {
  readonly position: number;
  readonly before: readonly TunnelEntry[];
  readonly rendered: readonly TunnelEntry[];
}

function tunnelSection(
  family: Family,
  known: Section | undefined,
  { position, before, rendered }: TunnelSectionInput,
): Section | undefined {
  const unchanged =
    before.length === rendered.length &&
    rendered.every((entry, index) => entry.lines[position] === before[index]?.lines[position]);
  if (unchanged && (known !== undefined || rendered.length === 0)) return known;
  let bytes = 0;
  let series = 0;
  for (const { lines } of rendered) {
    bytes += lines[position]?.bytes ?? 0;
    series += lines[position]?.series ?? 0;
  }
  if (series === 0) return undefined;
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const { lines } of rendered) at += buffer.write(lines[position]?.text ?? '', at);
  return { family, lines: buffer, series };
}
