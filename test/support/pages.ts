import { buffer } from 'node:stream/consumers';
import { createMetricsPage, type MetricsPageOptions } from '../../src/exposition/metrics-page.ts';
import { chunksOf, type PageRequest } from '../../src/exposition/page.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';

/** Every opt-in label and family. */
export const ALL_OPTIONS = { originIp: true, features: true, hostnames: true, routes: true };
export const NO_OPTIONS = { originIp: false, features: false, hostnames: false, routes: false };

export const TEXT: PageRequest = { format: 'text', gzip: false, names: undefined };
export const OPENMETRICS: PageRequest = { ...TEXT, format: 'openmetrics' };

/** A page with metrics about tunnels only. By default, every option is on. */
export function aPage(parts: Partial<MetricsPageOptions> = {}): ReturnType<typeof createMetricsPage> {
  return createMetricsPage({
    families: ALL_OPTIONS,
    context: { types: ['cfd_tunnel', 'warp_connector'], selectsAll: true, expected: [], intermittent: [] },
    allows: () => true,
    selfMetrics: () => Promise.resolve([]),
    ...parts,
  });
}

/** The bytes of a snapshot's page. */
export async function pageOf(
  snapshot: Snapshot,
  request: PageRequest,
  parts: Partial<MetricsPageOptions> = {},
): Promise<Buffer> {
  const page = aPage(parts);
  await page.publish(snapshot);
  return bytesOf(page, request);
}

export async function bytesOf(
  page: Pick<ReturnType<typeof createMetricsPage>, 'body'>,
  request: PageRequest,
): Promise<Buffer> {
  return buffer(chunksOf(await page.body(request)));
}
