import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TokenSpec } from '../../src/simulator/index.ts';
import { numbered, specOf } from '../poller/support.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { cli, running, scrape, simulate, valueOf } from './support.ts';

const PATIENCE = { timeout: 20_000, interval: 50 };
const EXPORTER = 'cloudflare_tunnel_exporter';

interface Fleet {
  readonly tokens: readonly Omit<TokenSpec, 'value'>[];
  readonly tunnels: number;
}

/** An API with an account for each token, and the settings of an exporter that watches all of them. */
async function aFleet({ tokens, tunnels }: Fleet) {
  const folder = mkdtempSync(join(tmpdir(), 'budget-owners-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const accounts = tokens.map((token, index) => {
    const value = `token-number-${index}-of-the-fleet`;
    const file = join(folder, `token-${index}`);
    writeFileSync(file, value);
    return { id: `${index}`.repeat(32), file, spec: { ...token, value } };
  });
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `accounts:\n${accounts.map(({ id, file }) => `  - {id: "${id}", api_token_file: ${file}}\n`).join('')}`,
  );
  const api = await simulate({
    accounts: accounts.map(({ id }) => ({ id, name: id, tunnels: numbered(tunnels).map(specOf) })),
    tokens: accounts.map(({ id, spec }) => ({ ...spec, accounts: [id] })),
  });
  const env = { CLOUDFLARE_ACCOUNT_ID: '', CLOUDFLARE_API_TOKEN: '' };
  return { api, files: accounts.map(({ file }) => file), args: [`--config.file=${config}`], env };
}

const budgetsIn = (exporter: ExporterProcess): readonly unknown[] =>
  exporter.logs().flatMap(({ budgets }) => (budgets === undefined ? [] : [budgets]));

test('three tokens of one user stay within one budget', async () => {
  const { api, files, args, env } = await aFleet({ tokens: [{}, {}, {}], tunnels: 20 });
  const started = performance.now();
  const exporter = await running([...args, '--cloudflare.request-budget=120'], { api, env });
  // Half of a bucket of 30, which is refilled at 0.4 requests a second.
  const allowed = (): number => 15 + 0.4 * ((performance.now() - started) / 1_000);
  await vi.waitFor(() => {
    expect(api.requests.count()).toBeLessThanOrEqual(allowed());
    expect(api.requests.count({ countsFor: 'user one' })).toBeGreaterThanOrEqual(18);
  }, PATIENCE);
  expect(valueOf(await scrape(exporter), `${EXPORTER}_api_budget_requests`)).toBe(120);
  expect(budgetsIn(exporter)).toEqual([[{ budget: 'user tokens', tokens: files }]]);
});

test('account-owned tokens get a budget each while the exporter runs, and no data is lost', async () => {
  const tokens = [{ owner: 'account' }, { owner: 'account' }, {}] as const;
  const { api, files, args, env } = await aFleet({ tokens, tunnels: 2 });
  const exporter = await running(args, { api, env });
  await vi.waitFor(() => expect(budgetsIn(exporter)).toHaveLength(2), PATIENCE);
  const [first, second, third] = files;
  expect(budgetsIn(exporter)).toEqual([
    [{ budget: 'user tokens', tokens: files }],
    [
      { budget: first, tokens: [first] },
      { budget: second, tokens: [second] },
      { budget: third, tokens: [third] },
    ],
  ]);
  await vi.waitFor(async () => {
    const page = await scrape(exporter);
    expect(valueOf(page, `${EXPORTER}_api_budget_requests`)).toBe(1_800);
    expect(valueOf(page, `${EXPORTER}_api_requests_total`, { endpoint: 'token_verify', code: '200' })).toBe(
      3,
    );
    expect(valueOf(page, `${EXPORTER}_polls_total`, { result: 'success' })).toBeGreaterThanOrEqual(1);
  }, PATIENCE);
});

test('a token file with a token of another owner is verified again, and its account is polled meanwhile', async () => {
  const { api, files, args, env } = await aFleet({ tokens: [{ owner: 'account' }, {}], tunnels: 2 });
  const exporter = await running(args, { api, env });
  await vi.waitFor(() => expect(budgetsIn(exporter)).toHaveLength(2), PATIENCE);
  api.tokens.add({ value: 'another-token-of-the-user' });
  writeFileSync(files[0] ?? '', 'another-token-of-the-user');
  await vi.waitFor(() => expect(budgetsIn(exporter)).toHaveLength(3), PATIENCE);
  expect(budgetsIn(exporter).at(-1)).toEqual([{ budget: 'user tokens', tokens: files }]);
  api.requests.clear();
  const lists = { endpoint: 'tunnels', countsFor: 'user one', accountId: '0'.repeat(32) } as const;
  await vi.waitFor(() => expect(api.requests.count(lists)).toBeGreaterThan(0), PATIENCE);
});

test('once learns the owners of tokens first', async () => {
  const tokens = [{ owner: 'account' }, { owner: 'account' }] as const;
  const { api, args, env } = await aFleet({ tokens, tunnels: 40 });
  const { code, stdout } = await cli(['once', ...args, '--tunnels.configurations=false'], { api, env });
  expect(code).toBe(0);
  expect(valueOf(stdout, `${EXPORTER}_api_budget_requests`)).toBe(1_200);
});
