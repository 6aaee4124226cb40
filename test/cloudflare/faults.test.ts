import { createServer as createTcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isStopped } from '../../src/cloudflare/errors.ts';
import type { Failure, FailureReason } from '../../src/core/model.ts';
import { type FaultEffect, sampleAccounts } from '../../src/simulator/index.ts';
import {
  ACCOUNT,
  always,
  apiError,
  clientFor,
  envelope,
  listen,
  serve,
  simulate,
  TOKEN,
  type TestClient,
  type TestClientOptions,
} from './support.ts';

const TUNNEL = { id: 't', accountId: ACCOUNT, type: 'cfd_tunnel' } as const;

/** Makes one call that must fail, be counted once, and not show the token. */
async function failureOf(
  url: string,
  options: TestClientOptions = {},
): Promise<Failure & { readonly test: TestClient }> {
  const made = await clientFor(url, options);
  const { result } = await made.client.connections(TUNNEL);
  if (result.ok) throw new Error('the call did not fail');
  expect(result.failure.message).not.toContain(TOKEN);
  expect(isStopped(result.failure)).toBe(false);
  expect(made.errors).toEqual([result.failure.reason]);
  return { ...result.failure, test: made };
}

const codes = ({ sent }: TestClient) => sent.map(({ code }) => code);

// --- Statuses and bodies

/** status, body, reason, message, requests */
type Row = readonly [number, string, FailureReason, RegExp, number];
const rows: readonly Row[] = [
  [404, apiError(1002, 'Tunnel not found'), 'not_found', /answered 404, code 1002 "Tunnel not found"$/, 1],
  [403, apiError(10000, 'Authentication error'), 'permission', /^token lacks Cloudflare Tunnel Read/, 1],
  [401, apiError(10000, 'Authentication error'), 'permission', /or is not valid/, 1],
  [403, apiError(9109, 'Invalid access token'), 'auth', /^token is not valid/, 1],
  [400, apiError(6003, 'Invalid request headers'), 'auth', /^token is not valid/, 1],
  [400, apiError(9106, 'Missing headers'), 'auth', /^token is not valid/, 1],
  [400, apiError(7003, 'Could not route'), 'not_found', /^check the account id "a{32}"/, 1],
  [400, apiError(12345, 'Bad parameter'), 'malformed', /code 12345 "Bad parameter"/, 1],
  [500, apiError(10001, 'internal error'), 'server', /^Cloudflare has a problem/, 3],
  [
    502,
    '<html><title>502 Bad gateway</title>',
    'server',
    /502 with a body that is not JSON but a web page \(it begins "<html>/,
    3,
  ],
  [503, '', 'server', /503 with a body that is empty/, 3],
  [408, '', 'timeout', /answered 408/, 3],
  [200, apiError(10001, 'internal error'), 'server', /answered 200, code 10001/, 1],
  [200, '{"success":false}', 'server', /answered 200/, 1],
  [200, '{"success":false,"errors":[{"code":99999,"message":"new"}]}', 'server', /code 99999 "new"/, 1],
  [
    200,
    '<html>captive portal</html>',
    'malformed',
    /not JSON but a web page \(it begins "<html>captive.*--cloudflare\.api-url right, or does a proxy or firewall answer in its place\?$/,
    1,
  ],
  [200, '{"success":true,"result":[{"id":', 'malformed', /not JSON/, 1],
  [200, '', 'malformed', /is empty/, 1],
  [200, 'null', 'malformed', /the answer is null/, 1],
  [200, envelope(null), 'malformed', /result is null, expected an array/, 1],
  [200, envelope([{ id: 'c', conns: 'none' }]), 'malformed', /result\[0\]\.conns is of type string/, 1],
  [403, '<html>blocked by a firewall</html>', 'malformed', /answered 403 with a body/, 1],
  [404, 'not found', 'malformed', /is --cloudflare\.api-url right\?$/, 1],
  [
    200,
    `{"success":false,"errors":[{"code":1,"message":"you sent ${TOKEN}"}]}`,
    'server',
    /you sent \[redacted\]/,
    1,
  ],
  [200, TOKEN, 'malformed', /it begins "\[redacted\]"/, 1],
];

test.for(rows)('%d %s is %s', async ([status, body, reason, message, requests]) => {
  const failure = await failureOf(await serve(always(status, body)));
  expect(failure.reason).toBe(reason);
  expect(failure.message).toMatch(message);
  expect(codes(failure.test)).toEqual(Array.from({ length: requests }, () => String(status)));
  expect(failure.test.retries()).toBe(requests - 1);
});

test('a transient failure is retried and not reported', async () => {
  let calls = 0;
  const url = await serve((request, response) => {
    calls += 1;
    if (calls === 1) request.socket.resetAndDestroy();
    else response.writeHead(calls === 2 ? 500 : 200).end(envelope([]));
  });
  const made = await clientFor(url);
  expect((await made.client.connections(TUNNEL)).result).toEqual({ ok: true, value: [] });
  expect(codes(made)).toEqual(['none', '500', '200']);
  expect(made.errors).toEqual([]);
  expect(made.retries()).toBe(2);
});

test('a Retry-After beyond the deadline is not waited for', async () => {
  const failure = await failureOf(await serve(always(503, '', { 'retry-after': '60' })));
  expect(failure.test.sent).toHaveLength(1);
});

test('a redirect is not followed, so that no other origin receives the token', async () => {
  let elsewhere = 0;
  const other = await serve((_request, response) => {
    elsewhere += 1;
    response.end(envelope([]));
  });
  for (const status of [301, 302, 307, 308]) {
    const failure = await failureOf(await serve(always(status, '', { location: other })));
    expect(failure.reason).toBe('malformed');
    expect(failure.message).toContain(`answered ${status}, a redirect to "${other}" that is not followed`);
  }
  expect(elsewhere).toBe(0);
});

// --- The wire

test('a refused connection is not retried, and says what to check', async () => {
  const server = createTcpServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 1) : 1));
    });
  });
  const failure = await failureOf(`http://127.0.0.1:${port}`);
  expect(failure.reason).toBe('network');
  expect(failure.message).toContain(`cannot reach 127.0.0.1:${port} (ECONNREFUSED); check network`);
  expect(codes(failure.test)).toEqual(['none']);
});

test('a host without an address is reported as a DNS problem', async () => {
  const failure = await failureOf(`https://${'x'.repeat(64)}.invalid`);
  expect(failure.reason).toBe('network');
  expect(failure.message).toMatch(/^cannot resolve x+\.invalid \(E\w+\); check DNS/);
});

test('failed TLS is reported as such', async () => {
  const port = await listen(
    createTcpServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  const failure = await failureOf(`https://127.0.0.1:${port}`);
  expect(failure.reason).toBe('network');
  expect(failure.message).toMatch(/^TLS with 127\.0\.0\.1:\d+ failed \(E\w+\)/);
});

test('an answer that is not HTTP is malformed', async () => {
  const port = await listen(
    createTcpServer((socket) => socket.on('error', () => undefined).end('220 smtp ready\r\n')),
  );
  const failure = await failureOf(`http://127.0.0.1:${port}`);
  expect(failure).toMatchObject({ reason: 'malformed' });
  expect(failure.message).toContain('does not answer in HTTP');
});

test.for<[string, FaultEffect, FailureReason, number]>([
  ['headers that are never sent', { kind: 'silence' }, 'timeout', 1],
  ['a body that drips', { kind: 'drip', everyMs: 5 }, 'timeout', 1],
  ['a reset before the headers', { kind: 'reset' }, 'network', 3],
  ['a reset in the middle of the body', { kind: 'reset', afterBytes: 20 }, 'network', 3],
  ['a body that is cut off', { kind: 'cut' }, 'network', 3],
  ['JSON that ends in the middle', { kind: 'half_json' }, 'malformed', 1],
])('%s', async ([, effect, reason, requests]) => {
  const simulator = await simulate();
  simulator.faults.add({ effect });
  const failure = await failureOf(simulator.url, { requestTimeoutMs: 500 });
  expect(failure.reason).toBe(reason);
  expect(failure.test.sent).toHaveLength(requests);

  simulator.faults.clear();
  const account = simulator.fleet.accounts()[0]?.id ?? '';
  const [again] = await failure.test.client.listTunnels({ id: account }, ['cfd_tunnel']);
  expect(again?.result).toMatchObject({ ok: true });
});

test("a drip after an answer's headers ends at the deadline of the whole call, retries included", async () => {
  let calls = 0;
  const url = await serve((_request, response) => {
    calls += 1;
    if (calls === 1) return response.writeHead(503).end();
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 5);
    return response.on('close', () => clearInterval(drip));
  });
  const failure = await failureOf(url, { requestTimeoutMs: 500 });
  expect(failure.reason).toBe('timeout');
  expect(failure.message).toContain('no complete answer within 0.5 s (--cloudflare.request-timeout)');
  expect(codes(failure.test)).toEqual(['503', 'none']);
});

test('a body of 100 MB is cut at 32 MiB', async () => {
  const simulator = await simulate();
  simulator.faults.add({ effect: { kind: 'huge', megabytes: 100 } });
  const failure = await failureOf(simulator.url, { requestTimeoutMs: 15_000 });
  expect(failure).toMatchObject({ reason: 'malformed' });
  expect(failure.message).toContain('larger than 32 MiB');
});

test('the connection of a body that is cut is closed', async () => {
  const closed = Promise.withResolvers<void>();
  const url = await serve((_request, response) => {
    const megabyte = Buffer.alloc(1024 * 1024, ' ');
    const pour = (): void => {
      while (!response.destroyed && response.write(megabyte));
    };
    response.on('drain', pour).on('close', closed.resolve);
    pour();
  });
  await failureOf(url, { requestTimeoutMs: 15_000 });
  await expect(closed.promise).resolves.toBeUndefined();
});

test('a small body that unpacks to 100 MB is cut too', async () => {
  const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, ' '));
  const url = await serve((_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  );
  const failure = await failureOf(url, { requestTimeoutMs: 15_000 });
  expect(failure.message).toContain('larger than 32 MiB');
});

test.for([
  ['gzip that is none', 'gzip', Buffer.from(envelope([])), 'malformed', /not the gzip/],
  ['gzip that ends early', 'gzip', gzipSync(envelope([])).subarray(0, 30), 'malformed', /not the gzip/],
  ['an encoding that was not asked for', 'br', Buffer.from('x'), 'malformed', /not asked for/],
] as const)('%s', async ([, encoding, body, reason, message]) => {
  const url = await serve((_request, response) =>
    response.writeHead(200, { 'content-encoding': encoding }).end(body),
  );
  const failure = await failureOf(url);
  expect(failure.reason).toBe(reason);
  expect(failure.message).toMatch(message);
});

// --- Lists

const BIG = {
  accounts: sampleAccounts({ seed: 1, now: Date.UTC(2026, 8, 29), tunnels: 25 }),
  maxPerPage: 10,
};

test.for<[string, FaultEffect, number, RegExp]>([
  ['a page that repeats', { kind: 'repeat_page', page: 1 }, 2, /nothing new after 10 ids of 25/],
  ['an empty page in the middle', { kind: 'empty_page' }, 2, /nothing new after 10 ids of 25/],
  [
    'a total_count that changes mid-walk',
    { kind: 'total_count', add: 1 },
    2,
    /total_count was 25, then 26 on page 2/,
  ],
  ['a page that fails', { kind: 'status', status: 404 }, 3, /incomplete list, page 3 failed: .*1002/],
  [
    'a page of nonsense',
    { kind: 'rewrite', rewrite: () => ({ success: true, result: [null] }) },
    3,
    /page 3 failed: .*result\[0\] is null/,
  ],
])('%s is no list', async ([, effect, page, message]) => {
  const simulator = await simulate(BIG);
  simulator.faults.add({ endpoint: 'tunnels', page, effect });
  const { client, errors } = await clientFor(simulator.url);
  const [observation] = await client.listTunnels({ id: simulator.fleet.accounts()[0]?.id ?? '' }, [
    'cfd_tunnel',
  ]);
  if (observation === undefined || observation.result.ok) throw new Error('it was taken for a list');
  expect(observation.result.failure.message).toMatch(message);
  expect(errors).toHaveLength(1);
});

test('a list whose total_count changes once is read again and succeeds', async () => {
  const simulator = await simulate(BIG);
  simulator.faults.add({ endpoint: 'tunnels', page: 2, times: 1, effect: { kind: 'total_count', add: 1 } });
  const { client, sent } = await clientFor(simulator.url);
  const [observation] = await client.listTunnels({ id: simulator.fleet.accounts()[0]?.id ?? '' }, [
    'cfd_tunnel',
  ]);
  expect(observation?.result).toMatchObject({ ok: true });
  expect(sent).toHaveLength(5);
});

test('endless pages end', async () => {
  const simulator = await simulate(BIG);
  simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'endless_pages' } });
  const { client, sent } = await clientFor(simulator.url, { requestBudget: 1_200 });
  const [observation] = await client.listTunnels({ id: simulator.fleet.accounts()[0]?.id ?? '' }, [
    'cfd_tunnel',
  ]);
  expect(observation?.result).toMatchObject({ ok: false, failure: { reason: 'malformed' } });
  expect(sent.length).toBeLessThanOrEqual(200);
});

// --- Too many requests

const NOW = Date.UTC(2026, 8, 29);

test.each<[string, Readonly<Record<string, string>>, number]>([
  ['seconds', { 'retry-after': '42' }, 42],
  ['a date', { 'retry-after': 'Tue, 29 Sep 2026 00:02:00 GMT', date: 'Tue, 29 Sep 2026 00:00:00 GMT' }, 120],
  ['nothing', {}, 300],
  ['zero', { 'retry-after': '0' }, 5],
  ['a negative number', { 'retry-after': '-3' }, 5],
  ['more than an hour', { 'retry-after': '999999' }, 3_600],
])(
  'a 429 that asks for %s blocks the token that long, without a request meanwhile',
  async (_name, headers, seconds) => {
    let refusing = true;
    const url = await serve((_request, response) => {
      if (refusing)
        response
          .writeHead(429, headers)
          .end(apiError(971, 'Please wait and consider throttling your request speed'));
      else response.end(envelope([]));
    });
    const { message, reason, test: made } = await failureOf(url);
    const { client, clocks, sent, errors } = made;
    expect(reason).toBe('rate_limited');
    expect(message).toContain(`no request with this token for ${seconds} s`);
    expect(message.includes('asked for longer')).toBe(seconds === 3_600);
    expect(codes(made)).toEqual(['429']);
    expect(client.budget.blockedUntil()).toBe(NOW + seconds * 1_000);
    expect(client.budget.available()).toBe(0);

    clocks.monotonic += seconds * 1_000 - 1;
    refusing = false;
    const results = await Promise.all([
      client.connections(TUNNEL),
      client.configuration(TUNNEL),
      client.verify(ACCOUNT),
    ]);
    expect(results.map((one) => ('result' in one ? one.result.ok : one.ok))).toEqual([false, false, false]);
    expect(sent).toHaveLength(1);
    expect(errors).toEqual(Array.from({ length: 4 }, () => 'rate_limited'));

    // The block is over; the bucket then refills from empty.
    clocks.monotonic += 1;
    expect(client.budget.blockedUntil()).toBeUndefined();
    expect(client.budget.available()).toBe(0);
    clocks.monotonic += 1_000;
    expect(client.budget.available()).toBe(2);
    expect((await client.connections(TUNNEL)).result.ok).toBe(true);
  },
);

test.each([
  [200, apiError(971, 'Please wait')],
  [429, ''],
  [429, 'null'],
  [429, '<html>'],
  [503, apiError(971, 'Please wait')],
  [400, apiError(10100, 'limit')],
])('%d with %s is a refusal for too many requests', async (status, body) => {
  const failure = await failureOf(await serve(always(status, body)));
  expect(failure.reason).toBe('rate_limited');
  expect(failure.test.sent).toHaveLength(1);
  expect(failure.test.client.budget.blockedUntil()).toBe(NOW + 300_000);
});

test('calls that wait for a free slot when a 429 arrives fail without a request', async () => {
  const { client, sent } = await clientFor(await serve(always(429, '')), { concurrency: 1 });
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => client.connections({ ...TUNNEL, id: `t${index}` })),
  );
  for (const { result } of results)
    expect(result).toMatchObject({ ok: false, failure: { reason: 'rate_limited' } });
  expect(sent).toHaveLength(1);
});

test('calls that wait for the budget when a 429 arrives fail at once, without a request', async () => {
  let calls = 0;
  const url = await serve((_request, response) => {
    calls += 1;
    if (calls < 3) response.end(envelope([]));
    else setTimeout(() => response.writeHead(429).end(), 20);
  });
  // Three at once, then one in 12.5 s: without the 429, the fifth would wait longer than the test.
  const { client, sent } = await clientFor(url, { requestBudget: 24, requestTimeoutMs: 300_000 });
  const results = await Promise.all(
    Array.from({ length: 5 }, (_, index) => client.connections({ ...TUNNEL, id: `t${index}` })),
  );
  expect(results.map(({ result }) => result.ok)).toEqual([true, true, false, false, false]);
  expect(sent).toHaveLength(3);
});

test('a clock that jumps by an hour neither ends nor prolongs a block', async () => {
  const { test: made } = await failureOf(await serve(always(429, '')));
  made.clocks.wall += 3_600_000;
  expect(made.client.budget.blockedUntil()).toBe(NOW + 3_600_000 + 300_000);
  made.clocks.wall -= 7_200_000;
  made.clocks.monotonic += 300_000;
  expect(made.client.budget.blockedUntil()).toBeUndefined();
});

test('the simulated five-minute block is hit once', async () => {
  const simulator = await simulate({ rateLimit: { requests: 5 } });
  const { client, sent } = await clientFor(simulator.url, { concurrency: 1 });
  for (let call = 0; call < 20; call += 1) await client.connections(TUNNEL);
  expect(sent.filter(({ code }) => code === '429')).toHaveLength(1);
  expect(simulator.requests.count()).toBe(6);
});
