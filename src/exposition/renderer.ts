import type {
  Family,
  FamilyOptions,
  FleetContext,
  FleetFamily,
  TunnelFamily,
} from '../core/families/family.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import {
  type Block,
  countChanged,
  createBlock,
  createGroupEncoder,
  type Group,
  plainLength,
} from './group.ts';
import { regroup } from './regroup.ts';
import { createTunnelEncoder, encodeFleetFamily } from './tunnel-encoder.ts';

/** The sample lines of one family. Stays the same object until they change. */
export interface Section {
  readonly family: Family;
  readonly blocks: readonly Block[];
  readonly series: number;
  /** Number of bytes of the plain lines. */
  readonly length: number;
}

export interface RendererOptions {
  readonly table: readonly Family[];
  readonly families: FamilyOptions;
  readonly context: FleetContext;
}

/** Work between two yields to the event loop, in encoded tunnels. Starting a group counts as several. */
const WORK_PER_SLICE = 64;
const WORK_PER_GROUP = 8;
const SERIES_PER_SLICE = 500;

/**
 * Renders snapshots one after the other, and only what has changed. Yields to the event loop between slices. A family
 * without samples has no section, and so no HELP line. Calls must not overlap.
 */
export function createRenderer({
  table,
  families,
  context,
}: RendererOptions): (snapshot: Snapshot) => Promise<readonly Section[]> {
  const tunnelFamilies = table.filter((family) => family.scope === 'tunnel');
  const encodeGroup = createGroupEncoder(
    tunnelFamilies.map((family) => createTunnelEncoder(family, { families, context })),
  );
  const encodeFleet = createFleetEncoder(context);
  let groups: readonly Group[] = [];
  let sections: ReadonlyMap<string, Section> = new Map();

  const renderGroups = async (snapshot: Snapshot): Promise<readonly Group[]> => {
    const rendered: Group[] = [];
    let work = 0;
    // The caller has just used some time of the event loop.
    await yieldToEventLoop();
    const regrouped = regroup(groups, snapshot);
    await yieldToEventLoop();
    for (const next of regrouped) {
      if (next.kind === 'same') {
        rendered.push(next.group);
        continue;
      }
      rendered.push(encodeGroup(next));
      work += WORK_PER_GROUP + countChanged(next);
      if (work < WORK_PER_SLICE) continue;
      work = 0;
      await yieldToEventLoop();
    }
    return rendered;
  };

  const tunnelBlocks = (family: TunnelFamily): readonly Block[] => {
    const position = tunnelFamilies.indexOf(family);
    return groups.flatMap(({ blocks }) => blocks[position] ?? []);
  };

  return async (snapshot) => {
    groups = await renderGroups(snapshot);
    await yieldToEventLoop();
    const next: Section[] = [];
    for (const family of table) {
      const blocks = family.scope === 'fleet' ? [encodeFleet(family, snapshot)] : tunnelBlocks(family);
      next.push(
        ...sectionOf(family, {
          known: sections.get(family.name),
          blocks: blocks.filter(({ series }) => series > 0),
        }),
      );
      // Encoding thousands of accounts or declared tunnels takes some milliseconds.
      if (family.scope === 'fleet' && (next.at(-1)?.series ?? 0) > SERIES_PER_SLICE) await yieldToEventLoop();
    }
    sections = new Map(next.map((section) => [section.family.name, section]));
    return next;
  };
}

/** Encodes the families of the whole fleet. A block stays the same object until its text changes. */
function createFleetEncoder(context: FleetContext): (family: FleetFamily, snapshot: Snapshot) => Block {
  const known = new Map<string, { readonly text: string; readonly block: Block }>();
  return (family, snapshot) => {
    const { text, series } = encodeFleetFamily(family, snapshot, context);
    const before = known.get(family.name);
    if (before?.text === text) return before.block;
    const block = createBlock(Buffer.from(text), series);
    known.set(family.name, { text, block });
    return block;
  };
}

function sectionOf(
  family: Family,
  { known, blocks }: { readonly known: Section | undefined; readonly blocks: readonly Block[] },
): readonly Section[] {
  if (blocks.length === 0) return [];
  const same =
    known?.blocks.length === blocks.length && blocks.every((block, index) => block === known.blocks[index]);
  if (same && known !== undefined) return [known];
  const series = blocks.reduce((sum, block) => sum + block.series, 0);
  return [{ family, blocks, series, length: plainLength(blocks) }];
}
