import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { enabledFamilies } from '../../src/core/families/table.ts';
import type { Snapshot, TunnelState } from '../../src/core/snapshot.ts';
import { createRenderer } from '../../src/exposition/renderer.ts';
import { TUNNELS_PER_GROUP } from '../../src/exposition/regroup.ts';
import { aPage, bytesOf, NO_OPTIONS, TEXT } from '../support/pages.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel } from '../support/snapshots.ts';

const RENDERER = {
  table: enabledFamilies(NO_OPTIONS),
  families: NO_OPTIONS,
  context: { types: ['cfd_tunnel'], selectsAll: true, expected: [], intermittent: [] },
} as const;

const numbered = (from: number, to: number): readonly TunnelState[] =>
  Array.from({ length: to - from }, (_, index) =>
    aTunnel({ id: `tunnel-${from + index}`, name: `ünnamed ${from + index}` }),
  );

/** The states themselves, not copies: pages go by identity. */
const fleetOf = (states: readonly TunnelState[]): Snapshot =>
  aSnapshot({ ...anAccount(), tunnels: new Map(states.map((state) => [state.tunnel.id, state])) });

const sortedLines = (page: Buffer): readonly string[] => page.toString().split('\n').toSorted();

test('while a fleet is replaced little by little, the page stays that of the fleet and in as many blocks', async () => {
  const page = aPage({ families: NO_OPTIONS });
  const render = createRenderer(RENDERER);
  let fleet = numbered(0, 1000);
  for (let poll = 0; poll < 40; poll += 1) {
    const kept = fleet.filter((_, index) => (index * 7 + poll) % 20 !== 0);
    const came = numbered(1000 * (poll + 1), 1000 * (poll + 1) + 1000 - kept.length);
    fleet = [...came, ...kept].map((state, index) =>
      index % 97 === poll ? aDownTunnel({ id: state.tunnel.id, name: state.tunnel.name }) : state,
    );
    await page.publish(fleetOf(fleet));
    for (const { blocks } of await render(fleetOf(fleet)))
      expect(blocks.length).toBeLessThanOrEqual(2 * Math.ceil(1000 / TUNNELS_PER_GROUP) + 1);
  }
  const fresh = aPage({ families: NO_OPTIONS });
  const { series } = await fresh.publish(fleetOf(fleet));
  expect((await page.publish(fleetOf(fleet))).series).toBe(series);
  const plain = await bytesOf(page, TEXT);
  expect(sortedLines(plain)).toEqual(sortedLines(await bytesOf(fresh, TEXT)));
  expect(gunzipSync(await bytesOf(page, { ...TEXT, gzip: true })).equals(plain)).toBe(true);
});

test('a tunnel that changes leaves the blocks of other groups as they are', async () => {
  const render = createRenderer(RENDERER);
  const fleet = numbered(0, 3 * TUNNELS_PER_GROUP);
  const blocksOf = async (states: readonly TunnelState[]) =>
    (await render(fleetOf(states))).find(({ family }) => family.name === 'cloudflare_tunnel_status')?.blocks;
  const before = await blocksOf(fleet);
  const after = await blocksOf(fleet.with(100, aDownTunnel({ id: 'tunnel-100', name: 'changed' })));
  expect(after?.map((block, index) => block === before?.[index])).toEqual([true, false, true]);
});

test('a fleet that has gone leaves nothing behind', async () => {
  const render = createRenderer(RENDERER);
  await render(fleetOf(numbered(0, 300)));
  const names = (await render(fleetOf([]))).map(({ family }) => family.name);
  expect(names).not.toContain('cloudflare_tunnel_status');
  expect(names).toContain('cloudflare_tunnel_account_info');
});
