import { expect, test } from 'vitest';
import type { FailureReason } from '../../src/core/model.ts';
import type { FaultSpec } from '../../src/simulator/index.ts';
import { ACCOUNT, fleetOf } from '../poller/support.ts';
import {
  anExporter,
  errors,
  observedAt,
  POLL_MS,
  POLLS_UNTIL_STALE,
  SHORT_TIMEOUT_MS,
  success,
  up,
} from './support.ts';

/**
 * A list that fails: the tunnels stay as they were last listed, their connections are still observed, and all of them
 * vanish when the list is too old. Nothing is removed by a part of a list.
 */
interface ListFault {
  readonly name: string;
  readonly fault: FaultSpec;
  readonly reason: FailureReason;
  readonly told: RegExp;
  readonly requestTimeoutMs?: number;
}

const status = (code: number): FaultSpec['effect'] => ({ kind: 'status', status: code });
const text = (body: string): FaultSpec['effect'] => ({ kind: 'text', text: body });
const rewrite = (change: Readonly<Record<string, unknown>>): FaultSpec['effect'] => ({
  kind: 'rewrite',
  rewrite: (body) => ({ ...Object(body), ...change }),
});

function nestedErrors(depth: number): string {
  const open = '[{"code":1000,"message":"deep","error_chain":';
  return `{"success":false,"errors":${open.repeat(depth)}[]${'}]'.repeat(depth)}}`;
}

const FAULTS: readonly ListFault[] = [
  {
    name: 'a list that answers 401',
    fault: { effect: status(401) },
    reason: 'permission',
    told: /token lacks .* or is not valid/,
  },
  { name: 'a list that answers 500', fault: { effect: status(500) }, reason: 'server', told: /answered 500/ },
  {
    name: "a list that answers 502 with a gateway's HTML page",
    fault: { effect: status(502) },
    reason: 'server',
    told: /answered 502 with a body that is not JSON/,
  },
  { name: 'a list that answers 503', fault: { effect: status(503) }, reason: 'server', told: /answered 503/ },
  {
    name: 'a list whose connection is reset',
    fault: { effect: { kind: 'reset' } },
    reason: 'network',
    told: /ECONNRESET|closed/,
  },
  {
    name: 'a list whose connection is reset in the middle of the body',
    fault: { effect: { kind: 'reset', afterBytes: 40 } },
    reason: 'network',
    told: /ECONNRESET|closed|aborted|terminated|broke/i,
  },
  {
    name: 'a list whose headers are never sent',
    fault: { effect: { kind: 'silence' } },
    reason: 'timeout',
    requestTimeoutMs: SHORT_TIMEOUT_MS,
    told: /no complete answer within 0.7 s/,
  },
  {
    name: 'a list whose body drips',
    fault: { effect: { kind: 'drip', everyMs: 5 } },
    reason: 'timeout',
    requestTimeoutMs: SHORT_TIMEOUT_MS,
    told: /no complete answer within 0.7 s/,
  },
  {
    name: 'a list of truncated JSON',
    fault: { effect: { kind: 'half_json' } },
    reason: 'malformed',
    told: /is not JSON/,
  },
  {
    name: 'a list that says success: false under 200',
    fault: { effect: text('{"success":false,"errors":[],"messages":[],"result":null}') },
    reason: 'server',
    told: /answered 200/,
  },
  {
    name: 'a list whose errors are nested 100,000 deep',
    fault: { effect: text(nestedErrors(100_000)) },
    reason: 'server',
    told: /answered 200, code 1000/,
  },
  {
    name: 'a list whose result is nested 100,000 deep',
    fault: {
      effect: text(`{"success":true,"result":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    },
    reason: 'malformed',
    told: /result\[0\] is an array, expected an object/,
  },
  {
    name: 'a list with ids that differ in lone surrogates only',
    fault: {
      effect: rewrite({
        result: ['\\ud800', '\\udfff', '\\udffe', '\\udffd'].map((lone) => ({
          id: JSON.parse(`"${lone}"`) as unknown,
        })),
      }),
    },
    reason: 'malformed',
    told: /incomplete list, read twice/,
  },
  {
    name: 'a list whose result is null',
    fault: { effect: rewrite({ result: null }) },
    reason: 'malformed',
    told: /result is null, expected an array/,
  },
  {
    name: 'a list of wrong types',
    fault: { effect: rewrite({ result: { id: 7 } }) },
    reason: 'malformed',
    told: /result is of type object, expected an array/,
  },
  {
    name: 'a list in which a page repeats',
    fault: { page: 2, effect: { kind: 'repeat_page', page: 1 } },
    reason: 'malformed',
    told: /incomplete list, read twice: .*nothing new/,
  },
  {
    name: 'a list whose total_count changes between its pages',
    fault: { page: 2, effect: { kind: 'total_count', add: 1 } },
    reason: 'malformed',
    told: /incomplete list, read twice: total_count was 4, then 5/,
  },
  {
    name: 'a list of which a later page fails',
    fault: { page: 2, effect: status(500) },
    reason: 'server',
    told: /incomplete list, page 2 failed/,
  },
  {
    name: 'a list of endless pages',
    fault: { effect: { kind: 'endless_pages' } },
    reason: 'malformed',
    told: /incomplete list|does not end/,
  },
];

test.each(FAULTS)('$name', async ({ fault, reason, told, requestTimeoutMs = 10_000 }) => {
  const exporter = await anExporter({
    simulator: { ...fleetOf('erp', 'hr', 'shop', 'wiki'), maxPerPage: 2 },
    config: { cloudflare: { requestTimeoutMs }, tunnels: { types: ['cfd_tunnel'] } },
  });
  await exporter.pollNext();
  const names = ['erp', 'hr', 'shop', 'wiki'];
  const before = await exporter.metrics();
  expect(before.tunnels()).toEqual(names);
  expect(up(before)).toBe(1);
  const listedAt = before.value('exporter_collector_last_success_timestamp_seconds', {
    collector: 'tunnels',
  });

  const { remove } = exporter.simulator.faults.add({ endpoint: ['tunnels', 'cfd_tunnel'], ...fault });
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(up(during)).toBe(0);
  expect(success(during, 'tunnels')).toBe(0);
  expect(success(during, 'connections')).toBe(1);
  expect(during.value('exporter_collector_last_success_timestamp_seconds', { collector: 'tunnels' })).toBe(
    listedAt,
  );
  expect(errors(during, reason)).toBeGreaterThanOrEqual(1);
  expect(during.tunnels()).toEqual(names);
  expect(during.value('observed_timestamp_seconds', { tunnel_name: 'shop' })).toBe(
    exporter.clock.now() / 1000,
  );
  expect(exporter.told()).toEqual([expect.stringMatching(told)]);

  exporter.clock.pass((POLLS_UNTIL_STALE - 2) * POLL_MS);
  await exporter.pollNext();
  const stale = await exporter.metrics();
  expect(stale.tunnels()).toEqual([]);
  expect(up(stale)).toBe(0);

  remove();
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(after.tunnels()).toEqual(names);
  expect(up(after)).toBe(1);
  expect(success(after, 'tunnels')).toBe(1);
  expect(exporter.told()).toEqual(['info: recovered']);
});

test('a list that answers 403 while the typed lists do not', async () => {
  const exporter = await anExporter();
  exporter.simulator.faults.add({ endpoint: 'tunnels', effect: status(403) });
  await exporter.pollNext();
  const metrics = await exporter.metrics();
  expect(up(metrics)).toBe(1);
  expect(metrics.tunnels()).toEqual(['erp', 'shop']);
  expect(exporter.told()).toEqual([]);
});

test('a list of one type that answers 403', async () => {
  const mesh = { name: 'mesh', type: 'warp_connector', connectors: [{}] } as const;
  const exporter = await anExporter({ simulator: fleetOf('shop', mesh) });
  const { remove } = exporter.simulator.faults.add({
    endpoint: ['tunnels', 'warp_connector'],
    effect: status(403),
  });
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(during.tunnels()).toEqual(['shop']);
  expect(up(during)).toBe(0);
  expect(errors(during, 'permission')).toBeGreaterThanOrEqual(1);
  expect(exporter.told()).toEqual([
    expect.stringContaining('token lacks Cloudflare One Connector: WARP Read'),
  ]);
  remove();
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(after.tunnels()).toEqual(['mesh', 'shop']);
  expect(up(after)).toBe(1);
});

test('an account whose errors are nested 5,000 deep under 403 says nothing of another one', async () => {
  const other = 'b'.repeat(32);
  const accounts = [
    { id: ACCOUNT, name: 'One', tunnels: [{ name: 'shop', connectors: [{}] }] },
    { id: other, name: 'Two', tunnels: [{ name: 'erp', connectors: [{}] }] },
  ];
  const exporter = await anExporter({ simulator: { accounts }, accounts: [ACCOUNT, other] });
  await exporter.pollNext();
  exporter.simulator.faults.add({
    accountId: ACCOUNT,
    effect: { kind: 'text', status: 403, text: nestedErrors(5_000) },
  });
  await exporter.pollNext();
  const metrics = await exporter.metrics();
  expect(up(metrics)).toBe(0);
  expect(exporter.told()).toContainEqual(expect.stringMatching(/tunnels answered 403, code 1000/));
  expect(metrics.value('exporter_account_up', { account_id: other })).toBe(1);
  expect(observedAt(metrics, 'erp')).toBe(exporter.clock.now() / 1000);
});

test('an account whose list fails says nothing of another one', async () => {
  const other = 'b'.repeat(32);
  const accounts = [
    { id: ACCOUNT, name: 'One', tunnels: [{ name: 'shop', connectors: [{}] }] },
    { id: other, name: 'Two', tunnels: [{ name: 'erp', connectors: [{}] }] },
  ];
  const exporter = await anExporter({ simulator: { accounts }, accounts: [ACCOUNT, other] });
  await exporter.pollNext();
  exporter.simulator.faults.add({ accountId: ACCOUNT, effect: status(500) });
  for (let poll = 0; poll < POLLS_UNTIL_STALE; poll += 1) await exporter.pollNext();
  const metrics = await exporter.metrics();
  expect(up(metrics)).toBe(0);
  expect(metrics.value('exporter_account_up', { account_id: other })).toBe(1);
  expect(metrics.tunnels()).toEqual(['erp']);
});

test('a total_count that also counts deleted tunnels', async () => {
  const exporter = await anExporter({
    simulator: { ...fleetOf('erp', 'shop'), totalCount: 'unfiltered' },
    config: { tunnels: { types: ['cfd_tunnel'] } },
  });
  await exporter.pollNext();
  const { fleet } = exporter.simulator;
  const [account] = fleet.accounts();
  const erp = fleet.tunnelNamed(account?.id ?? '', 'erp');
  fleet.deleteTunnel(erp?.id ?? '', Date.now());
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(up(after)).toBe(1);
  expect(after.tunnels()).toEqual(['shop']);
  expect(exporter.told()).toEqual([]);
});
