import type { Family, FamilyOptions, FleetContext, TunnelFamily } from '../core/families/family.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { turn } from '../turn.ts';
import { type Block, createBlockEncoder, isChanged, type Piece } from './block.ts';
import { regroup } from './regroup.ts';
import { createTunnelEncoder, encodeFleetFamily, type Lines } from './tunnel-encoder.ts';

/** The sample lines of one family. The same object as before while they do not change. */
export interface Section {
  readonly family: Family;
  readonly pieces: readonly Piece[];
  readonly series: number;
}

export interface RendererOptions {
  readonly table: readonly Family[];
  readonly families: FamilyOptions;
  readonly context: FleetContext;
}

/** Work after which the event loop has its turn, in tunnels encoded; putting a block together is worth some, too. */
const WORK_PER_SLICE = 128;
const WORK_PER_BLOCK = 8;
const SERIES_PER_SLICE = 500;

/**
 * Renders snapshots one after the other, in slices between which the event loop has its turn; cost follows change. A family without samples has no section: nothing is known of it. Calls must not overlap.
 */
export function createRenderer({
  table,
  families,
  context,
}: RendererOptions): (snapshot: Snapshot) => Promise<readonly Section[]> {
  const tunnelFamilies = table.filter((family) => family.scope === 'tunnel');
  const encodeBlock = createBlockEncoder(
    tunnelFamilies.map((family) => createTunnelEncoder(family, { families, context })),
  );
  let blocks: readonly Block[] = [];
  let sections: ReadonlyMap<string, Section> = new Map();

  const renderBlocks = async (snapshot: Snapshot): Promise<readonly Block[]> => {
    const rendered: Block[] = [];
    let work = 0;
    // Whoever gives a new snapshot has just done some work.
    await turn();
    const groups = regroup(blocks, snapshot);
    await turn();
    for (const group of groups) {
      if (group.kind === 'same') {
        rendered.push(group.block);
        continue;
      }
      rendered.push(encodeBlock(group.members));
      work += WORK_PER_BLOCK + group.members.filter(isChanged).length;
      if (work < WORK_PER_SLICE) continue;
      work = 0;
      await turn();
    }
    return rendered;
  };

  const tunnelPieces = (family: TunnelFamily): readonly Piece[] => {
    const position = tunnelFamilies.indexOf(family);
    return blocks.flatMap(({ pieces }) => pieces[position] ?? []);
  };

  return async (snapshot) => {
    blocks = await renderBlocks(snapshot);
    await turn();
    const next: Section[] = [];
    for (const family of table) {
      const known = sections.get(family.name);
      const pieces =
        family.scope === 'fleet'
          ? [fleetPiece(known, encodeFleetFamily(family, snapshot, context))]
          : tunnelPieces(family);
      next.push(...sectionOf(family, { known, pieces: pieces.filter(({ series }) => series > 0) }));
      // Thousands of accounts or declared tunnels are some milliseconds of work.
      if (family.scope === 'fleet' && (next.at(-1)?.series ?? 0) > SERIES_PER_SLICE) await turn();
    }
    sections = new Map(next.map((section) => [section.family.name, section]));
    return next;
  };
}

function fleetPiece(known: Section | undefined, { text, series }: Lines): Piece {
  const bytes = Buffer.from(text);
  const [before] = known?.pieces ?? [];
  return before?.bytes.equals(bytes) === true ? before : { bytes, series };
}

function sectionOf(
  family: Family,
  { known, pieces }: { readonly known: Section | undefined; readonly pieces: readonly Piece[] },
): readonly Section[] {
  if (pieces.length === 0) return [];
  const same =
    known?.pieces.length === pieces.length && pieces.every((piece, index) => piece === known.pieces[index]);
  if (same && known !== undefined) return [known];
  return [{ family, pieces, series: pieces.reduce((sum, { series }) => sum + series, 0) }];
}
