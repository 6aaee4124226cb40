import { afterEach, expect, test, vi } from 'vitest';
import { createServedPage } from '../../src/commands/served-page.ts';
import { FAMILIES } from '../../src/core/families/table.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { bytesOf, NO_OPTIONS, TEXT } from '../support/pages.ts';
import { anAccount, aSnapshot, aTunnel } from '../support/snapshots.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const fleetOf = (name: string, tunnels: number): Snapshot =>
  aSnapshot(
    anAccount({ tunnels: Array.from({ length: tunnels }, (_, index) => aTunnel({ id: `${index}`, name })) }),
  );

const served = (): { readonly page: ReturnType<typeof createServedPage>; readonly failures: unknown[] } => {
  const failures: unknown[] = [];
  const page = createServedPage(
    {
      metrics: { ...NO_OPTIONS, allow: [], deny: [] },
      tunnels: {
        types: ['cfd_tunnel'],
        ids: [],
        include: [],
        exclude: [],
        intermittent: [],
        configurations: false,
        routes: false,
      },
      expectedTunnels: [],
    },
    {
      selfMetrics: () => Promise.resolve([]),
      rendered: () => undefined,
      failed: (error) => failures.push(error),
    },
  );
  return { page, failures };
};

const namesOn = async (page: ReturnType<typeof createServedPage>): Promise<ReadonlySet<string>> =>
  new Set(
    (await bytesOf(page, TEXT))
      .toString()
      .matchAll(/^cloudflare_tunnel_info\{.*tunnel_name="([^"]*)"/gm)
      .map(([, name = '']) => name),
  );

test('a scrape during rendering shows that snapshot', async () => {
  const { page } = served();
  page.render(fleetOf('before', 2));
  expect(await namesOn(page)).toEqual(new Set(['before']));
  page.render(fleetOf('after', 1000));
  expect(await namesOn(page)).toEqual(new Set(['after']));
});

test('a scrape ends while new snapshots keep arriving', async () => {
  const { page } = served();
  const polling = new AbortController();
  const polls = (async (): Promise<void> => {
    while (!polling.signal.aborted) {
      page.render(fleetOf('tunnel', 200));
      await page.body(TEXT);
    }
  })();
  expect(await namesOn(page)).toEqual(new Set(['tunnel']));
  polling.abort();
  await polls;
});

test('if a snapshot cannot be rendered, the previous page stays and the error is reported', async () => {
  const { page, failures } = served();
  page.render(fleetOf('before', 2));
  await page.body(TEXT);
  const info = FAMILIES.find(({ name }) => name === 'cloudflare_tunnel_info');
  if (info?.scope !== 'tunnel') throw new Error('there is no cloudflare_tunnel_info');
  vi.spyOn(info, 'samples').mockImplementation(() => {
    throw new Error('no');
  });
  page.render(fleetOf('after', 2));
  expect(await namesOn(page)).toEqual(new Set(['before']));
  expect(failures).toEqual([new Error('no')]);
});
