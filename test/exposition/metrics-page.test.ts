import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import { Gauge, Registry } from 'prom-client';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { FAMILIES } from '../../src/core/families/table.ts';
import type { TunnelState } from '../../src/core/snapshot.ts';
import type { MetricsPageOptions } from '../../src/exposition/metrics-page.ts';
import type { PageRequest } from '../../src/exposition/page.ts';
import { TUNNELS_PER_BLOCK } from '../../src/exposition/regroup.ts';
import { debianProgram } from '../support/debian.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { aPage, bytesOf, NO_OPTIONS, OPENMETRICS, pageOf, TEXT } from '../support/pages.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel } from '../support/snapshots.ts';
import { aTelemetry } from '../support/telemetry.ts';

const curl = debianProgram('curl');

afterEach(() => {
  vi.restoreAllMocks();
});

const fleetOf = (...tunnels: readonly TunnelState[]): ReturnType<typeof aSnapshot> =>
  aSnapshot(anAccount({ tunnels }));

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
  const page = aPage({ own: aTelemetry().metrics });
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

test('a tunnel that has not changed is not encoded again, and stays on the page', async () => {
  const encoded = encodings();
  const page = aPage();
  const first = fleetOf(aTunnel({ id: '1', name: 'same' }), aTunnel({ id: '2', name: 'before' }));
  await page.publish(first);
  const [account] = first.accounts.values();
  const [same] = account?.tunnels.values() ?? [];
  if (account === undefined || same === undefined) throw new Error('the fleet is empty');
  const changed = aTunnel({ id: '2', name: 'after' });
  const tunnels = new Map([
    ['1', same],
    ['2', changed],
  ]);
  await page.publish(aSnapshot({ ...account, tunnels }));
  expect(encoded()).toBe(3);
  expect(tunnelsOn(await bytesOf(page, TEXT))).toEqual(['same', 'after']);
});

test.each([TEXT, OPENMETRICS])('many scrapes at once share one rendering of $format', async (request) => {
  const page = aPage();
  await page.publish(fleetOf(aTunnel()));
  const bodies = await Promise.all(Array.from({ length: 20 }, () => page.body(request)));
  const [first] = bodies;
  // All but the last chunk, which holds the exporter's own metrics of that moment.
  const shared = first?.chunks.slice(0, -1) ?? [];
  expect(shared.length).toBeGreaterThan(0);
  for (const { chunks } of bodies) {
    expect(shared.every((chunk, index) => chunks[index] === chunk)).toBe(true);
  }
});

test('many scrapes at once share one compression', async () => {
  const page = aPage();
  await page.publish(fleetOf(aTunnel()));
  const bodies = await Promise.all(Array.from({ length: 20 }, () => page.body({ ...TEXT, gzip: true })));
  const [first] = bodies;
  // All but the exporter's own metrics, the end of the stream and the trailer.
  const shared = first?.chunks.slice(0, -3) ?? [];
  expect(shared.length).toBeGreaterThan(1);
  for (const { chunks } of bodies) {
    expect(shared.every((chunk, index) => chunks[index] === chunk)).toBe(true);
  }
});

test.each(['cloudflare_tunnel_created_timestamp_seconds', 'cloudflare_tunnel_account_info'])(
  '%s, which has not changed, keeps its bytes, and what they are when compressed',
  async (name) => {
    const page = aPage();
    const request = { ...TEXT, names: new Set([name]) };
    const zipped = { ...request, gzip: true };
    await page.publish(fleetOf(aTunnel({ status: 'healthy' })));
    const before = [await page.body(request), await page.body(zipped)];
    await page.publish(fleetOf(aTunnel({ status: 'degraded' })));
    const after = [await page.body(request), await page.body(zipped)];
    // Plain: HELP and TYPE, then the samples. Compressed: these after the header of the stream.
    for (const index of [0, 1]) expect(after[0]?.chunks[index]).toBe(before[0]?.chunks[index]);
    for (const index of [1, 2]) expect(after[1]?.chunks[index]).toBe(before[1]?.chunks[index]);
    expect((await bytesOf(page, TEXT)).toString()).toMatch(/status="degraded"\} 1/);
  },
);

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

test('the event loop has its turns while a large fleet renders', async () => {
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
  expect(turns).toBeGreaterThanOrEqual(Math.floor(1000 / TUNNELS_PER_BLOCK));
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
  const page = aPage({ own: aTelemetry().metrics });
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
    own: aTelemetry().metrics,
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
  const telemetry = aTelemetry({
    budgets: () => {
      throw new Error('no budget');
    },
  });
  const page = aPage({ own: telemetry.metrics });
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
  const page = aPage({ own: aTelemetry().metrics });
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
  const page = aPage({ own: () => Promise.resolve([]) });
  await page.publish(fleetOf(...Array.from({ length: 300 }, (_, index) => aTunnel({ id: `${index}` }))));
  const { contentType, chunks } = await page.body({ ...OPENMETRICS, gzip: true });
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
function aCount(): { readonly own: MetricsPageOptions['own']; readonly names: ReadonlySet<string> } {
  let looked = 0;
  const registry = new Registry();
  const count: Gauge = new Gauge({
    name: 'looked',
    help: 'Looked.',
    registers: [registry],
    collect: () => count.set((looked += 1)),
  });
  return { own: async () => [await count.get()], names: new Set(['looked']) };
}

test("the exporter's own metrics are new at every scrape, but for scrapes that overlap", async () => {
  const { own, names } = aCount();
  const page = aPage({ own });
  const values: string[] = [];
  for (const request of [TEXT, OPENMETRICS, { ...TEXT, names }, { ...TEXT, overlaps: true }, TEXT]) {
    const text = (await bytesOf(page, request)).toString();
    values.push(/^looked (.*)$/m.exec(text)?.[1] ?? '');
  }
  expect(values).toEqual(['1', '2', '3', '3', '4']);
});
