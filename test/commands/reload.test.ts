import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Simulator } from '../../src/simulator/index.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { numbered, specOf } from '../poller/support.ts';
import { ACCOUNT, ONCE, OTHER_ACCOUNT, running, samplesOf, scrape, simulate, valueOf } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const NO_ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '' };

interface Reloading {
  readonly api: Simulator;
  readonly exporter: ExporterProcess;
  /** Replaces the configuration file. */
  readonly write: (yaml: string) => void;
  /** Sends SIGHUP and waits for the reload. Resolves to the messages logged until then. */
  readonly hangUp: () => Promise<readonly string[]>;
  readonly post: (method?: string) => Promise<{ readonly status: number; readonly text: string }>;
}

/** An exporter with a configuration file, against an API with two accounts. */
async function reloading(yaml: string, args: readonly string[] = []): Promise<Reloading> {
  const tunnels = numbered(2).map(specOf);
  const api = await simulate({
    accounts: [
      { id: ACCOUNT, name: 'One', tunnels },
      { id: OTHER_ACCOUNT, name: 'Two', tunnels },
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'reload-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  const write = (text: string): void => writeFileSync(file, text);
  write(yaml);
  const exporter = await running([`--config.file=${file}`, ...args], { api, env: NO_ACCOUNT });
  return {
    api,
    exporter,
    write,
    hangUp: async () => {
      const before = exporter.logs().length;
      exporter.kill('SIGHUP');
      const since = (): readonly string[] =>
        exporter
          .logs()
          .slice(before)
          .map(({ msg }) => msg);
      const isOver = (): number => since().findIndex((message) => message.includes('reloaded'));
      await vi.waitFor(() => expect(isOver()).toBeGreaterThanOrEqual(0), PATIENCE);
      return since().slice(0, isOver() + 1);
    },
    post: async (method = 'POST') => {
      const response = await fetch(`${exporter.url}/-/reload`, { method, headers: { connection: 'close' } });
      return { status: response.status, text: await response.text() };
    },
  };
}

const accountsOf = (page: string): readonly string[] =>
  [
    ...new Set(samplesOf(page, 'cloudflare_tunnel_info').map(({ labels }) => labels.get('account_id') ?? '')),
  ].toSorted();
const LOADED = 'cloudflare_tunnel_exporter_config_last_reload_successful';
const LOADED_AT = 'cloudflare_tunnel_exporter_config_last_reload_timestamp_seconds';

test('SIGHUP adds and removes accounts, and remaining accounts keep their counters', async () => {
  const { api, exporter, write, hangUp } = await reloading(`accounts: [{id: ${ACCOUNT}}]`);
  const opened = async (): Promise<number | undefined> =>
    valueOf(await scrape(exporter), 'cloudflare_tunnel_connections_opened_total', {
      account_id: ACCOUNT,
      tunnel_name: 'tunnel-0',
    });
  await vi.waitFor(async () => expect(await opened()).toBe(0), PATIENCE);
  const [connector] = api.fleet.tunnelNamed(ACCOUNT, 'tunnel-0')?.connectors ?? [];
  api.fleet.restartConnector(connector?.id ?? '', Date.now());
  await vi.waitFor(async () => expect(await opened()).toBe(4), PATIENCE);

  write(`accounts: [{id: ${OTHER_ACCOUNT}, name: two}, {id: ${ACCOUNT}, name: one}]`);
  const loadedAt = valueOf(await scrape(exporter), LOADED_AT) ?? Infinity;
  expect(await hangUp()).toEqual(['configuration reloaded']);
  // Known data is never missing.
  expect(await opened()).toBe(4);
  await vi.waitFor(async () => {
    const page = await scrape(exporter);
    expect(accountsOf(page)).toEqual([ACCOUNT, OTHER_ACCOUNT]);
    expect(valueOf(page, LOADED_AT)).toBeGreaterThan(loadedAt);
    expect(valueOf(page, 'cloudflare_tunnel_account_info', { account_name: 'one' })).toBe(1);
  }, PATIENCE);
  expect(await opened()).toBe(4);

  write(`accounts: [{id: ${OTHER_ACCOUNT}}]`);
  await hangUp();
  await vi.waitFor(async () => expect(await scrape(exporter)).not.toContain(ACCOUNT), PATIENCE);
  const asked = api.requests.count({ accountId: ACCOUNT });
  const others = api.requests.count({ accountId: OTHER_ACCOUNT });
  await vi.waitFor(
    () => expect(api.requests.count({ accountId: OTHER_ACCOUNT })).toBeGreaterThan(others + 2),
    PATIENCE,
  );
  expect(api.requests.count({ accountId: ACCOUNT })).toBe(asked);
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});

test('an invalid file keeps the previous settings, is logged and sets a metric to 0; a valid one sets it to 1', async () => {
  const good = `accounts: [{id: ${ACCOUNT}}]\n`;
  const { exporter, write, hangUp } = await reloading(good);
  await vi.waitFor(async () => expect(accountsOf(await scrape(exporter))).toEqual([ACCOUNT]), PATIENCE);
  const loadedAt = valueOf(await scrape(exporter), LOADED_AT);
  write(`${good}polls: {jitter: 1s}\n`);
  expect(await hangUp()).toEqual([
    expect.stringMatching(/^polls \(.*config\.yaml:2\): unknown key/),
    'the configuration is not reloaded: the previous settings stay in use',
  ]);
  const page = await scrape(exporter);
  expect(valueOf(page, LOADED)).toBe(0);
  expect(valueOf(page, LOADED_AT)).toBe(loadedAt);
  expect(accountsOf(page)).toEqual([ACCOUNT]);
  expect(await exporter.get('/readyz')).toMatchObject({ status: 200 });
  write(good);
  expect(await hangUp()).toEqual(['configuration reloaded']);
  expect(valueOf(await scrape(exporter), LOADED)).toBe(1);
});

test('filters, metric options, expected tunnels and log level change at once', async () => {
  const { exporter, write, hangUp } = await reloading(`accounts: [{id: ${ACCOUNT}}]`, ONCE);
  await vi.waitFor(
    async () => expect(samplesOf(await scrape(exporter), 'cloudflare_tunnel_info')).toHaveLength(2),
    PATIENCE,
  );
  write(`
accounts: [{id: ${ACCOUNT}}]
expected_tunnels: [{name: tunnel-1}]
tunnels: {exclude: [tunnel-0]}
metrics: {features: true, deny: [_status$]}
log: {level: debug}
`);
  await hangUp();
  await vi.waitFor(async () => {
    const page = await scrape(exporter);
    expect(page).not.toContain('tunnel-0');
    expect(samplesOf(page, 'cloudflare_tunnel_status')).toEqual([]);
    expect(samplesOf(page, 'cloudflare_tunnel_connector_feature_info').length).toBeGreaterThan(0);
    expect(valueOf(page, 'cloudflare_tunnel_expected_present')).toBe(1);
  }, PATIENCE);
  await vi.waitFor(
    () => expect(exporter.logs().filter(({ level }) => level === 'debug')).not.toEqual([]),
    PATIENCE,
  );
});

test('settings that cannot change at run time are reported and stay', async () => {
  const { exporter, write, hangUp } = await reloading(`accounts: [{id: ${ACCOUNT}}]`);
  write(
    `accounts: [{id: ${ACCOUNT}}]\nweb: {telemetry-path: /other, enable-lifecycle: true, max-requests: 7}\n`,
  );
  const later = 'a change takes effect with the next start, not by reloading';
  expect(await hangUp()).toEqual([
    `web.telemetry-path: ${later}`,
    `web.max-requests: ${later}`,
    `web.enable-lifecycle: ${later}`,
    'configuration reloaded',
  ]);
  expect((await exporter.get('/metrics')).status).toBe(200);
  expect((await exporter.get('/other')).status).toBe(404);
});

test('reloading over HTTP is off unless enabled', async () => {
  const { exporter, post } = await reloading(`accounts: [{id: ${ACCOUNT}}]`, ONCE);
  expect(await post()).toEqual({
    status: 403,
    text: 'Reloading over HTTP is not enabled; start with --web.enable-lifecycle, or send SIGHUP.\n',
  });
  expect(await post('GET')).toMatchObject({ status: 405 });
  expect(exporter.logs().map(({ msg }) => msg)).not.toContain('configuration reloaded');
});

test('if it is enabled, POST answers with the result', async () => {
  const { post, write } = await reloading(`accounts: [{id: ${ACCOUNT}}]`, [
    ...ONCE,
    '--web.enable-lifecycle',
  ]);
  expect(await post()).toEqual({ status: 200, text: 'reloaded\n' });
  write('accounts: [{}]\n');
  expect(await post()).toEqual({
    status: 500,
    text: expect.stringMatching(
      /^Not reloaded; the previous settings stay in use:\naccounts\[0\] \(.*config\.yaml:1\): needs an id\n$/,
    ),
  });
  expect(await post('GET')).toEqual({ status: 405, text: 'Method not allowed; use POST.\n' });
});

test('a hanging poll does not delay a reload, reloads run one after the other, and a stop waits for none', async () => {
  const { api, exporter, write, post } = await reloading(`accounts: [{id: ${ACCOUNT}}]`, [
    '--web.enable-lifecycle',
    '--cloudflare.request-timeout=1m',
  ]);
  api.faults.add({ accountId: ACCOUNT, effect: { kind: 'silence' } });
  const silent = api.requests.count();
  await vi.waitFor(() => expect(api.requests.count()).toBeGreaterThan(silent), PATIENCE);
  write(`accounts: [{id: ${OTHER_ACCOUNT}}]`);
  const answers = await Promise.all(Array.from({ length: 5 }, () => post()));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  await vi.waitFor(async () => expect(accountsOf(await scrape(exporter))).toEqual([OTHER_ACCOUNT]), PATIENCE);
  exporter.kill('SIGHUP');
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});
