import { expect, test } from 'vitest';
import { ENDPOINTS } from '../src/cloudflare/endpoints.ts';
import { COLLECTORS, FAILURE_REASONS } from '../src/core/model.ts';
import { emptySnapshot } from '../src/core/snapshot.ts';
import { POLL_RESULTS, type SelfMetrics } from '../src/self-metrics/self-metrics.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel, NOW } from './support/snapshots.ts';
import { aBudget, aSelfMetrics, eventfulSelfMetrics } from './support/self-metrics.ts';

interface Series {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly value: number;
}

/** The series of one metric of the exporter; `name` without the prefix. */
async function seriesOf(selfMetrics: SelfMetrics, name: string): Promise<readonly Series[] | undefined> {
  const metrics = await selfMetrics.metrics();
  const metric = metrics.find((each) => each.name === `cloudflare_tunnel_exporter_${name}`);
  return metric?.values.map(({ labels, value }) => ({ labels: { ...labels }, value }));
}

const at0 = (labels: Series['labels']): Series => ({ labels, value: 0 });

async function valueOf(selfMetrics: SelfMetrics, name: string): Promise<number | undefined> {
  return (await seriesOf(selfMetrics, name))?.[0]?.value;
}

test('every counter starts at 0 with all known label values', async () => {
  const selfMetrics = aSelfMetrics();
  expect(await seriesOf(selfMetrics, 'polls_total')).toEqual(POLL_RESULTS.map((result) => at0({ result })));
  expect(await seriesOf(selfMetrics, 'api_errors_total')).toEqual(
    FAILURE_REASONS.map((reason) => at0({ reason })),
  );
  expect(await seriesOf(selfMetrics, 'api_retries_total')).toEqual([at0({})]);
  const requests = (await seriesOf(selfMetrics, 'api_requests_total')) ?? [];
  for (const endpoint of ENDPOINTS) {
    for (const code of ['200', '401', '403', '404', '429', '500', '502', '503', 'none']) {
      expect(requests).toContainEqual(at0({ endpoint, code }));
    }
  }
  const durations = (await seriesOf(selfMetrics, 'api_request_duration_seconds')) ?? [];
  expect(new Set(durations.map(({ labels }) => labels['endpoint']))).toEqual(new Set(ENDPOINTS));
  expect(durations.every(({ value }) => value === 0)).toBe(true);
});

test('unknown values have no series', async () => {
  const selfMetrics = aSelfMetrics({
    snapshot: () => emptySnapshot([{ id: 'account', name: '' }], NOW),
  });
  for (const name of [
    'account_up',
    'collector_success',
    'collector_last_success_timestamp_seconds',
    'detail_oldest_observation_timestamp_seconds',
    'last_poll_timestamp_seconds',
    'detail_queue_tunnels',
    'snapshot_series',
    'config_last_reload_successful',
    'config_last_reload_timestamp_seconds',
  ]) {
    expect({ name, series: await seriesOf(selfMetrics, name) }).toEqual({ name, series: [] });
  }
});

test('build_info names the version, the commit and Node', async () => {
  expect(await seriesOf(aSelfMetrics(), 'build_info')).toEqual([
    { labels: { version: '0.1.0', revision: 'abc1234', nodeversion: process.version }, value: 1 },
  ]);
});

test('polls are counted by result; skipped polls have no duration', async () => {
  const selfMetrics = aSelfMetrics();
  selfMetrics.pollFinished({ at: NOW, seconds: 2, failed: false });
  selfMetrics.pollFinished({ at: NOW + 30_000, seconds: 3, failed: true });
  selfMetrics.pollSkipped();
  selfMetrics.pollSkipped();
  expect(await seriesOf(selfMetrics, 'polls_total')).toEqual([
    { labels: { result: 'success' }, value: 1 },
    { labels: { result: 'failure' }, value: 1 },
    { labels: { result: 'skipped' }, value: 2 },
  ]);
  expect(await valueOf(selfMetrics, 'last_poll_timestamp_seconds')).toBe(NOW / 1000 + 30);
  const durations = (await selfMetrics.metrics()).find(({ name }) => name.endsWith('poll_duration_seconds'));
  const named = durations?.values.map((sample) => [
    'metricName' in sample ? sample.metricName : undefined,
    sample.value,
  ]);
  expect(named).toContainEqual(['cloudflare_tunnel_exporter_poll_duration_seconds_sum', 5]);
  expect(named).toContainEqual(['cloudflare_tunnel_exporter_poll_duration_seconds_count', 2]);
});

test('requests, errors and retries are counted as the client reports them', async () => {
  const selfMetrics = aSelfMetrics();
  selfMetrics.clientHooks.onRequest?.({ endpoint: 'tunnels', code: '200', seconds: 0.3 });
  selfMetrics.clientHooks.onRequest?.({ endpoint: 'tunnels', code: '522', seconds: 0.3 });
  selfMetrics.clientHooks.onError?.('rate_limited');
  selfMetrics.clientHooks.onRetry?.();
  const requests = await seriesOf(selfMetrics, 'api_requests_total');
  expect(requests).toContainEqual({ labels: { endpoint: 'tunnels', code: '200' }, value: 1 });
  expect(requests).toContainEqual({ labels: { endpoint: 'tunnels', code: '522' }, value: 1 });
  expect(await seriesOf(selfMetrics, 'api_errors_total')).toContainEqual({
    labels: { reason: 'rate_limited' },
    value: 1,
  });
  expect(await valueOf(selfMetrics, 'api_retries_total')).toBe(1);
});

test('accounts and collectors show the current snapshot', async () => {
  const good = { success: true, lastSuccessAt: NOW - 1000 };
  const bad = { success: false, lastSuccessAt: NOW - 90_000, failedFor: 'permission' } as const;
  const never = { success: undefined, lastSuccessAt: undefined };
  let snapshot = aSnapshot(anAccount({ id: 'gone' }));
  const selfMetrics = aSelfMetrics({ snapshot: () => snapshot });
  expect(await seriesOf(selfMetrics, 'account_up')).toEqual([{ labels: { account_id: 'gone' }, value: 1 }]);
  snapshot = aSnapshot(
    anAccount({ id: 'up' }),
    anAccount({
      id: 'down',
      up: false,
      collectors: {
        tunnels: bad,
        connections: good,
        warp_connections: never,
        configurations: never,
        routes: never,
      },
    }),
  );
  expect(await seriesOf(selfMetrics, 'account_up')).toEqual([
    { labels: { account_id: 'up' }, value: 1 },
    { labels: { account_id: 'down' }, value: 0 },
  ]);
  const success = (await seriesOf(selfMetrics, 'collector_success')) ?? [];
  expect(success.filter(({ labels }) => labels['account_id'] === 'up')).toHaveLength(COLLECTORS.length);
  expect(success.filter(({ labels }) => labels['account_id'] === 'down')).toEqual([
    { labels: { account_id: 'down', collector: 'tunnels' }, value: 0 },
    { labels: { account_id: 'down', collector: 'connections' }, value: 1 },
  ]);
  const reasons = (await seriesOf(selfMetrics, 'collector_failure_reason')) ?? [];
  expect(reasons).toEqual(
    FAILURE_REASONS.map((reason) => ({
      labels: { account_id: 'down', collector: 'tunnels', reason },
      value: reason === 'permission' ? 1 : 0,
    })),
  );
  const times = (await seriesOf(selfMetrics, 'collector_last_success_timestamp_seconds')) ?? [];
  expect(times.filter(({ labels }) => labels['account_id'] === 'down')).toEqual([
    { labels: { account_id: 'down', collector: 'tunnels' }, value: NOW / 1000 - 90 },
    { labels: { account_id: 'down', collector: 'connections' }, value: NOW / 1000 - 1 },
  ]);
});

test('the oldest observation is that of the least recently observed tunnel', async () => {
  const selfMetrics = aSelfMetrics({
    snapshot: () =>
      aSnapshot(
        anAccount({
          id: 'observed',
          tunnels: [
            aTunnel({ id: '1', connectorsAt: NOW - 5000 }),
            aTunnel({ id: '2', connectorsAt: NOW - 70_000 }),
            aTunnel({ id: '3', connectors: undefined }),
          ],
        }),
        anAccount({ id: 'nothing to observe', tunnels: [aDownTunnel()] }),
      ),
  });
  expect(await seriesOf(selfMetrics, 'detail_oldest_observation_timestamp_seconds')).toEqual([
    { labels: { account_id: 'observed' }, value: NOW / 1000 - 70 },
  ]);
});

test('the budgets of several tokens add up, and the longest block counts', async () => {
  const selfMetrics = aSelfMetrics({
    budgets: () => [
      aBudget({ requests: 600, available: () => 10.9, blockedUntil: () => NOW }),
      aBudget({ requests: 300, available: () => 4.9, blockedUntil: () => NOW + 60_000 }),
      aBudget({ requests: 100, available: () => 0 }),
    ],
  });
  expect(await valueOf(selfMetrics, 'api_budget_requests')).toBe(1000);
  // Half a request of two tokens each is not a whole one.
  expect(await valueOf(selfMetrics, 'api_budget_available')).toBe(14);
  expect(await valueOf(selfMetrics, 'api_blocked_until_timestamp_seconds')).toBe(NOW / 1000 + 60);
  const free = aSelfMetrics({ budgets: () => [aBudget()] });
  expect(await valueOf(free, 'api_blocked_until_timestamp_seconds')).toBe(0);
});

test('an invalid configuration is reported, and the time of the last valid one stays', async () => {
  const selfMetrics = aSelfMetrics();
  selfMetrics.configLoaded({ at: NOW, ok: true });
  selfMetrics.configLoaded({ at: NOW + 5000, ok: false });
  expect(await valueOf(selfMetrics, 'config_last_reload_successful')).toBe(0);
  expect(await valueOf(selfMetrics, 'config_last_reload_timestamp_seconds')).toBe(NOW / 1000);
});

test('rendering and waiting tunnels are reported', async () => {
  const selfMetrics = eventfulSelfMetrics(aSnapshot());
  expect(await valueOf(selfMetrics, 'snapshot_series')).toBe(321);
  expect(await valueOf(selfMetrics, 'detail_queue_tunnels')).toBe(7);
  selfMetrics.waiting(0);
  expect(await valueOf(selfMetrics, 'detail_queue_tunnels')).toBe(0);
});

test('two exporters in one process count separately', async () => {
  const [one, other] = [aSelfMetrics(), aSelfMetrics()];
  one.pollSkipped();
  expect(await seriesOf(other, 'polls_total')).toContainEqual({ labels: { result: 'skipped' }, value: 0 });
});

test('a metric that cannot be collected is left out, and the others are present', async () => {
  const selfMetrics = aSelfMetrics({
    snapshot: () => {
      throw new Error('no snapshot');
    },
  });
  expect(await seriesOf(selfMetrics, 'account_up')).toBeUndefined();
  expect(await valueOf(selfMetrics, 'api_budget_requests')).toBe(600);
});

test('no gauge of Node has the name of a counter', async () => {
  const metrics = await aSelfMetrics().metrics();
  const misnamed = metrics.filter(
    ({ name, type }) => name.endsWith('_total') !== (String(type) === 'counter'),
  );
  expect(misnamed.map(({ name }) => name)).toEqual([]);
});
