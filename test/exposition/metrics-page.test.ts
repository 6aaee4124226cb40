import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { buffer as wholeOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import { Gauge, Registry } from 'prom-client';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { FAMILIES } from '../../src/core/families/table.ts';
import type { TunnelState } from '../../src/core/snapshot.ts';
import type { MetricsPageOptions, SnapshotPage } from '../../src/exposition/metrics-page.ts';
import { chunksOf, type PageRequest } from '../../src/exposition/page.ts';
import { TUNNELS_PER_GROUP } from '../../src/exposition/regroup.ts';
import { debianProgram } from '../support/debian.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { aPage, bytesOf, NO_OPTIONS, OPENMETRICS, pageOf, TEXT } from '../support/pages.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel } from '../support/snapshots.ts';
import { aSelfMetrics } from '../support/self-metrics.ts';

const curl = debianProgram('curl');

afterEach(() => {
  vi.restoreAllMocks();
});

const fleetOf = (...tunnels: readonly TunnelState[]): ReturnType<typeof aSnapshot> =>
  aSnapshot(anAccount({ tunnels }));

/** The states themselves, not copies: pages go by identity. */
const fleetOfStates = (...states: readonly TunnelState[]): ReturnType<typeof aSnapshot> =>
  aSnapshot({ ...anAccount(), tunnels: new Map(states.map((state) => [state.tunnel.id, state])) });

const namesOn = (page: Buffer, request: PageRequest = TEXT): readonly string[] =>
  parseExposition(page, request.format).map(({ name }) => name);

const tunnelsOn = (page: Buffer): readonly (string | undefined)[] =>
  (parseExposition(page, 'text').find(({ name }) => name === 'cloudflare_tunnel_info')?.samples ?? []).map(
    ({ labels }) => labels.get('tunnel_name'),
  );

/** Counts how often a tunnel is encoded: once for each look at its info. */
function encodings(): () => number {
  const info = FAMILIES.find(({ name }) => name === 'cloudflare_tunnel_info');
  if (info?.scope !== 'tunnel') throw new Error('there is no cloudflare_tunnel_info');
  const spy = vi.spyOn(info, 'samples');
  return () => spy.mock.calls.length;
}

test('before the first snapshot the page is of the exporter alone', async () => {
  const page = aPage({ selfMetrics: aSelfMetrics().metrics });
  expect(
    namesOn(await bytesOf(page, TEXT)).filter((name) => !/exporter_|process_|nodejs_/.test(name)),
  ).toEqual([]);
  expect((await bytesOf(page, OPENMETRICS)).toString()).toMatch(/^# EOF\n$/m);
});

test('a snapshot is rendered when it is published, not when it is scraped', async () => {
  const encoded = encodings();
  const page = aPage();
  await page.publish(fleetOf(aTunnel({ id: '1' }), aTunnel({ id: '2' })));
  expect(encoded()).toBe(2);
  for (const gzip of [true, false, true, false]) {
    await page.body({ ...TEXT, gzip });
    await page.body({ ...OPENMETRICS, gzip });
  }
  expect(encoded()).toBe(2);
});

test('a family in which no tunnel has changed is not written again, and stays on the page', async () => {
  const encoded = encodings();
  const page = aPage();
  const [same, before] = [aTunnel({ id: '1', name: 'same' }), aTunnel({ id: '2', name: 'changed' })];
  await page.publish(fleetOfStates(same, before));
  await page.publish(fleetOfStates(same, aTunnel({ id: '2', name: 'changed', status: 'degraded' })));
  // Both at first; then the changed one alone, as it was and as it is.
  expect(encoded()).toBe(4);
  expect(tunnelsOn(await bytesOf(page, TEXT))).toEqual(['same', 'changed']);
  await page.publish(fleetOfStates(same, aTunnel({ id: '2', name: 'renamed', status: 'degraded' })));
  expect(tunnelsOn(await bytesOf(page, TEXT))).toEqual(['same', 'renamed']);
});

const chunksIn = async (page: SnapshotPage, request: PageRequest): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(await page.body(request))) chunks.push(chunk);
  return chunks;
};

test.each([TEXT, OPENMETRICS])('many compressed scrapes at once share one page: $format', async (format) => {
  const page = aPage();
  await page.publish(fleetOf(aTunnel()));
  const request = { ...format, gzip: true };
  const scrapes = await Promise.all(Array.from({ length: 20 }, () => chunksIn(page, request)));
  // All but the self-metrics, the end of the stream and the trailer.
  const shared = scrapes[0]?.slice(0, -3) ?? [];
  expect(shared.length).toBeGreaterThan(1);
  for (const chunks of scrapes) expect(shared.every((chunk, index) => chunks[index] === chunk)).toBe(true);
});

const sizeOf = (chunks: readonly Uint8Array[]): number => Buffer.concat(chunks).length;

test('compressed pages share the buffers of what has not changed between two snapshots', async () => {
  const page = aPage();
  // More than a page joins in one buffer.
  const states = Array.from({ length: 70 * TUNNELS_PER_GROUP }, (_, index) => aTunnel({ id: `${index}` }));
  await page.publish(fleetOfStates(...states));
  const before = await chunksIn(page, { ...TEXT, gzip: true });
  const changed = states.with(0, aTunnel({ id: '0', status: 'degraded' }));
  await page.publish(fleetOfStates(...changed));
  const after = await chunksIn(page, { ...TEXT, gzip: true });
  const known = new Set(before);
  expect(sizeOf(after.filter((chunk) => !known.has(chunk)))).toBeLessThan(sizeOf(after) / 5);
  const plain = await bytesOf(page, TEXT);
  expect(gunzipSync(Buffer.concat(after)).equals(plain)).toBe(true);
  expect(gunzipSync(Buffer.concat(before)).equals(plain)).toBe(false);
});

test('a flood of scrapes that want no gzip shares the text of the page, and no other scrapes do', async () => {
  const page = aPage();
  const tunnels = Array.from({ length: 3 * TUNNELS_PER_GROUP }, (_, index) => aTunnel({ id: `${index}` }));
  await page.publish(fleetOf(...tunnels));
  const unzipped = gunzipSync(await bytesOf(page, { ...TEXT, gzip: true }));
  const clock = vi.spyOn(performance, 'now');
  let now = 0;
  clock.mockImplementation(() => now);
  const stores: ReadonlySet<ArrayBufferLike>[] = [];
  for (const seconds of [0, 15, 16, 17, 32]) {
    now = 1000 * seconds;
    const chunks = await chunksIn(page, TEXT);
    expect(Buffer.concat(chunks).equals(unzipped)).toBe(true);
    stores.push(new Set(chunks.slice(0, -1).map(({ buffer }) => buffer)));
  }
  const shares = (a: number, b: number): boolean => stores[a]?.isSubsetOf(stores[b] ?? new Set()) ?? false;
  expect([shares(1, 0), shares(2, 1), shares(3, 2)]).toEqual([false, false, true]);
});

test('a page says how long it is before its text is inflated', async () => {
  const page = aPage({ selfMetrics: aSelfMetrics().metrics });
  await page.publish(fleetOf(aTunnel()));
  for (const request of [TEXT, { ...TEXT, gzip: true }, TEXT, OPENMETRICS]) {
    const body = await page.body(request);
    expect(await wholeOf(chunksOf(body))).toHaveLength(body.length);
  }
});

test('a response that is being read keeps its text while other snapshots are published', async () => {
  const page = aPage();
  await page.publish(fleetOf(aTunnel({ name: 'before' })));
  await bytesOf(page, { ...TEXT, gzip: true });
  const slow = await page.body(TEXT);
  await page.publish(fleetOf(aTunnel({ name: 'after' })));
  await bytesOf(page, { ...TEXT, gzip: true });
  expect(tunnelsOn(await wholeOf(chunksOf(slow)))).toEqual(['before']);
});

test.each(['the shorter last', 'the longer last'])(
  'a snapshot published while another renders: %s, the newest stays',
  async (order) => {
    const long = fleetOf(...Array.from({ length: 1000 }, (_, index) => aTunnel({ id: `${index}` })));
    const short = fleetOf(aTunnel({ name: 'alone' }));
    const [older, newer] = order === 'the shorter last' ? [long, short] : [short, long];
    const page = aPage({ families: NO_OPTIONS });
    await Promise.all([page.publish(older), page.publish(newer)]);
    const [account] = newer.accounts.values();
    expect(tunnelsOn(await bytesOf(page, TEXT))).toHaveLength(account?.tunnels.size ?? 0);
  },
);

test('a scrape while a snapshot renders gets the page before, whole', async () => {
  const page = aPage();
  await page.publish(fleetOf(aTunnel({ name: 'before' })));
  const publishing = page.publish(fleetOf(aTunnel({ name: 'after' })));
  const during = await bytesOf(page, TEXT);
  await publishing;
  expect(tunnelsOn(during)).toEqual(['before']);
  expect(tunnelsOn(await bytesOf(page, TEXT))).toEqual(['after']);
});

test('other work runs while a large fleet renders', async () => {
  const page = aPage({ families: NO_OPTIONS });
  let rendering = true;
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (rendering) setImmediate(turn);
  };
  setImmediate(turn);
  await page.publish(fleetOf(...Array.from({ length: 1000 }, (_, index) => aTunnel({ id: `${index}` }))));
  rendering = false;
  expect(turns).toBeGreaterThanOrEqual(Math.floor(1000 / TUNNELS_PER_GROUP));
});

test('publishing tells how many series the page has', async () => {
  const page = aPage();
  const report = await page.publish(fleetOf(aTunnel({ name: 'two\nlines' }), aDownTunnel({ id: '2' })));
  const families = parseExposition(await bytesOf(page, TEXT), 'text');
  expect(report.series).toBe(families.flatMap(({ samples }) => samples).length);
  expect(report.seconds).toBeGreaterThanOrEqual(0);
});

test('names asked for are all that is on the page', async () => {
  const wanted = [
    'cloudflare_tunnel_status_transitions_total',
    'cloudflare_tunnel_exporter_api_retries_total',
  ];
  const names = new Set([...wanted, 'no_such_metric']);
  const page = aPage({ selfMetrics: aSelfMetrics().metrics });
  await page.publish(fleetOf(aTunnel()));
  expect(namesOn(await bytesOf(page, { ...TEXT, names }))).toEqual(wanted);
  expect(namesOn(await bytesOf(page, { ...OPENMETRICS, names }), OPENMETRICS)).toEqual(
    wanted.map((name) => name.replace(/_total$/, '')),
  );
  const zipped = await bytesOf(page, { ...TEXT, names, gzip: true });
  expect(namesOn(gunzipSync(zipped))).toEqual(wanted);
  expect(await bytesOf(page, { ...TEXT, names: new Set(['no_such_metric']) })).toHaveLength(0);
  expect(namesOn(await bytesOf(page, TEXT)).length).toBeGreaterThan(wanted.length);
});

test('metrics that are not allowed are on no page', async () => {
  const page = aPage({
    selfMetrics: aSelfMetrics().metrics,
    allows: (name) => /^cloudflare_tunnel_(?:status|exporter_polls_total)$/.test(name),
  });
  const { series } = await page.publish(fleetOf(aTunnel()));
  const allowed = ['cloudflare_tunnel_status', 'cloudflare_tunnel_exporter_polls_total'];
  expect(namesOn(await bytesOf(page, TEXT))).toEqual(allowed);
  expect(namesOn(await bytesOf(page, { ...TEXT, names: new Set(['cloudflare_tunnel_info']) }))).toEqual([]);
  expect(series).toBe(5);
});

test('opt-in labels and metrics are absent without their option', async () => {
  const model = fleetOf(aTunnel());
  const plain = (await pageOf(model, TEXT, { families: NO_OPTIONS })).toString();
  expect(plain).not.toMatch(/origin_ip|203\.0\.113|feature/);
  const full = (await pageOf(model, TEXT)).toString();
  expect(full).toMatch(/connector_info\{.*origin_ip="203\.0\.113\.10"\} 1/);
  expect(full).toMatch(/connector_feature_info\{.*feature="support_quic_eof"\} 1/);
});

test('an own metric that cannot be collected does not take the page with it', async () => {
  const selfMetrics = aSelfMetrics({
    budgets: () => {
      throw new Error('no budget');
    },
  });
  const page = aPage({ selfMetrics: selfMetrics.metrics });
  await page.publish(fleetOf(aTunnel()));
  const names = namesOn(await bytesOf(page, TEXT));
  expect(names).toContain('cloudflare_tunnel_info');
  expect(names).toContain('cloudflare_tunnel_exporter_polls_total');
  expect(names).not.toContain('cloudflare_tunnel_exporter_api_budget_requests');
});

test('a format asked for changes nothing in the other', async () => {
  const polls = new Set([
    'cloudflare_tunnel_exporter_polls_total',
    'cloudflare_tunnel_connections_opened_total',
  ]);
  const page = aPage({ selfMetrics: aSelfMetrics().metrics });
  await page.publish(fleetOf(aTunnel()));
  const before = [
    await bytesOf(page, { ...TEXT, names: polls }),
    await bytesOf(page, { ...OPENMETRICS, names: polls }),
  ];
  const after = [
    await bytesOf(page, { ...TEXT, names: polls }),
    await bytesOf(page, { ...OPENMETRICS, names: polls }),
  ];
  expect(after).toEqual(before);
  expect(after[0]?.toString()).toContain('# TYPE cloudflare_tunnel_exporter_polls_total counter\n');
  expect(after[1]?.toString()).toContain('# TYPE cloudflare_tunnel_exporter_polls counter\n');
  expect((await page.body(OPENMETRICS)).contentType).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
  expect((await page.body(TEXT)).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('gzip is one member, from its header to its trailer', async () => {
  const model = fleetOf(aTunnel(), aTunnel({ id: '2' }));
  const zipped = await pageOf(model, { ...TEXT, gzip: true });
  const plain = await pageOf(model, TEXT);
  expect(zipped.subarray(0, 3)).toEqual(Buffer.from([0x1f, 0x8b, 8]));
  // The deflate stream of one member alone, which must hold everything.
  expect(inflateRawSync(zipped.subarray(10, -8)).equals(plain)).toBe(true);
  expect(zipped.readUInt32LE(zipped.length - 8)).toBe(crc32(plain));
  expect(zipped.readUInt32LE(zipped.length - 4)).toBe(plain.length);
});

test('gzip through fetch is the page', async () => {
  const { url, plain } = await serveGzip();
  expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(plain)).toBe(true);
});

test.skipIf(curl.missing)(`gzip through curl is the page${curl.needs}`, async () => {
  const { url, plain } = await serveGzip();
  const { stdout } = await promisify(execFile)(
    curl.command,
    ['--silent', '--show-error', '--fail', '--noproxy', '*', '--compressed', url],
    { encoding: 'buffer', maxBuffer: 2 ** 26 },
  );
  expect(stdout.equals(plain)).toBe(true);
});

/** A page of many tunnels, longer than any decompressor's window, on loopback. */
async function serveGzip(): Promise<{ readonly url: string; readonly plain: Buffer }> {
  const page = aPage({ selfMetrics: () => Promise.resolve([]) });
  await page.publish(fleetOf(...Array.from({ length: 300 }, (_, index) => aTunnel({ id: `${index}` }))));
  const request = { ...OPENMETRICS, gzip: true };
  const { contentType } = await page.body(request);
  const chunks = await chunksIn(page, request);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': contentType, 'Content-Encoding': 'gzip' });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { url: `http://127.0.0.1:${address.port}/`, plain: await bytesOf(page, OPENMETRICS) };
}

/** A gauge that tells how often it was looked at. */
function aCount(): {
  readonly selfMetrics: MetricsPageOptions['selfMetrics'];
  readonly names: ReadonlySet<string>;
} {
  let looked = 0;
  const registry = new Registry();
  const count: Gauge = new Gauge({
    name: 'looked',
    help: 'Looked.',
    registers: [registry],
    collect: () => count.set((looked += 1)),
  });
  return { selfMetrics: async () => [await count.get()], names: new Set(['looked']) };
}

test("the exporter's own metrics are new at every scrape, but for scrapes that overlap", async () => {
  const { selfMetrics, names } = aCount();
  const page = aPage({ selfMetrics });
  const values: string[] = [];
  for (const request of [TEXT, OPENMETRICS, { ...TEXT, names }, { ...TEXT, overlaps: true }, TEXT]) {
    const text = (await bytesOf(page, request)).toString();
    values.push(/^looked (.*)$/m.exec(text)?.[1] ?? '');
  }
  expect(values).toEqual(['1', '2', '3', '3', '4']);
});
