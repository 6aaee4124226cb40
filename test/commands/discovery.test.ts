import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { shardOf } from '../../src/core/discovery.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { numbered, specOf } from '../poller/support.ts';
import {
  ACCOUNT,
  cli,
  messagesOf,
  OTHER_ACCOUNT,
  running,
  samplesOf,
  scrape,
  simulate,
  TOKEN,
  valueOf,
} from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const THIRD = 'c'.repeat(32);
const OTHER_TOKEN = 'another-token-of-some-40-characters-long';
const tunnels = numbered(2).map(specOf);
const ONE = { id: ACCOUNT, name: 'One', tunnels };
const TWO = { id: OTHER_ACCOUNT, name: 'Two', tunnels };
const THREE = { id: THIRD, name: 'Three', tunnels };
const NAME_THEM = 'set CLOUDFLARE_ACCOUNT_ID, or name accounts in the configuration file';

const accountsOf = (page: string): readonly string[] =>
  samplesOf(page, 'cloudflare_tunnel_account_info').map(({ labels }) => labels.get('account_name') ?? '');
const messages = (exporter: ExporterProcess): readonly string[] => exporter.logs().map(({ msg }) => msg);
const SUCCESS = 'cloudflare_tunnel_exporter_discovery_success';

interface Watching {
  readonly exporter: ExporterProcess;
  readonly page: () => Promise<string>;
  /** Replaces the configuration file. */
  readonly write: (yaml: string) => void;
  /** Sends SIGHUP, which lists accounts at once. Resolves when they were listed. */
  readonly lookAgain: () => Promise<void>;
  readonly shows: (...names: readonly string[]) => Promise<void>;
}

interface WatchingOptions {
  readonly api: Simulator;
  readonly yaml?: string;
  readonly args?: readonly string[];
  /** Default: TOKEN. '' for none. */
  readonly token?: string;
}

/** The exporter without an account id, and a folder with two token files. */
async function watching({ api, yaml = '', args = [], token = TOKEN }: WatchingOptions): Promise<Watching> {
  const folder = mkdtempSync(join(tmpdir(), 'discovery-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  const write = (text: string): void => writeFileSync(file, text.replaceAll('FOLDER', folder));
  write(yaml);
  writeFileSync(join(folder, 'one'), TOKEN);
  writeFileSync(join(folder, 'two'), OTHER_TOKEN);
  const exporter = await running([`--config.file=${file}`, ...args], { api, accounts: [], token });
  const page = (): Promise<string> => scrape(exporter);
  return {
    exporter,
    write,
    page,
    lookAgain: async () => {
      const lists = api.requests.count({ endpoint: 'accounts' });
      exporter.kill('SIGHUP');
      await vi.waitFor(
        () => expect(api.requests.count({ endpoint: 'accounts' })).toBeGreaterThan(lists),
        PATIENCE,
      );
    },
    shows: async (...names) => {
      await vi.waitFor(async () => {
        const shown = await page();
        expect(accountsOf(shown)).toEqual(names);
        // Known and polled.
        expect(samplesOf(shown, 'cloudflare_tunnel_connectors')).toHaveLength(2 * names.length);
      }, PATIENCE);
    },
  };
}

/** Increases a counter of ACCOUNT to 4. Returns a function that reads it. */
async function countsFour(api: Simulator, page: Watching['page']) {
  const opened = async (): Promise<number | undefined> =>
    valueOf(await page(), 'cloudflare_tunnel_connections_opened_total', {
      account_id: ACCOUNT,
      tunnel_name: 'tunnel-0',
    });
  const [connector] = api.fleet.tunnelNamed(ACCOUNT, 'tunnel-0')?.connectors ?? [];
  api.fleet.restartConnector(connector?.id ?? '', Date.now());
  await vi.waitFor(async () => expect(await opened()).toBe(4), PATIENCE);
  return opened;
}

test('without account ids, every account that the token can list is watched, with its name', async () => {
  const api = await simulate({
    accounts: [ONE, TWO, THREE],
    tokens: [{ value: TOKEN, accounts: [ACCOUNT, OTHER_ACCOUNT] }],
  });
  const { exporter, page, shows } = await watching({ api });
  await shows('One', 'Two');
  expect(messages(exporter)).toContain(`2 accounts added: One (${ACCOUNT}), Two (${OTHER_ACCOUNT})`);
  expect(exporter.logs().find(({ msg }) => msg === 'serving metrics')).toMatchObject({
    accounts: [],
    accounts_of_tokens: ['CLOUDFLARE_API_TOKEN'],
  });
  expect(await exporter.get('/readyz')).toMatchObject({ status: 200 });
  expect(valueOf(await page(), SUCCESS)).toBe(1);
  expect(
    valueOf(await page(), 'cloudflare_tunnel_exporter_api_requests_total', {
      endpoint: 'accounts',
      code: '200',
    }),
  ).toBe(1);
  expect(api.requests.count({ accountId: THIRD })).toBe(0);
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});

test('accounts are added with the next list and removed after two complete lists without them; failed lists are ignored', async () => {
  const api = await simulate({ accounts: [ONE, TWO] });
  const { exporter, page, lookAgain, shows } = await watching({ api });
  await shows('One', 'Two');
  const opened = await countsFour(api, page);

  api.fleet.createAccount(THREE, Date.now());
  api.fleet.renameAccount({ accountId: ACCOUNT, name: 'Uno' });
  await lookAgain();
  await shows('Uno', 'Two', 'Three');
  expect(messages(exporter)).toContain(`1 account added: Three (${THIRD})`);
  expect(messages(exporter)).toContain(`1 account renamed: Uno (${ACCOUNT})`);
  // Remaining accounts continue.
  expect(await opened()).toBe(4);

  api.fleet.deleteAccount(OTHER_ACCOUNT);
  await lookAgain();
  await vi.waitFor(
    () => expect(messages(exporter).join('\n')).toContain('dropped if the next list does not contain'),
    PATIENCE,
  );
  expect(accountsOf(await page())).toEqual(['Uno', 'Two', 'Three']);
  const fault = api.faults.add({ endpoint: 'accounts', effect: { kind: 'half_json' } });
  await lookAgain();
  await vi.waitFor(async () => expect(valueOf(await page(), SUCCESS)).toBe(0), PATIENCE);
  expect(messages(exporter).join('\n')).toContain('; the 3 known accounts stay');
  expect(accountsOf(await page())).toEqual(['Uno', 'Two', 'Three']);
  fault.remove();
  await lookAgain();
  await shows('Uno', 'Three');
  expect(await page()).not.toContain(OTHER_ACCOUNT);
  expect(messages(exporter)).toContain(
    `1 account removed, because two complete lists lack it: Two (${OTHER_ACCOUNT})`,
  );
  expect(await opened()).toBe(4);
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});

test('two tokens watch the accounts of each, a shared account once, beside configured accounts', async () => {
  const api = await simulate({
    accounts: [ONE, TWO, THREE],
    tokens: [
      { value: TOKEN, accounts: [ACCOUNT, OTHER_ACCOUNT] },
      { value: OTHER_TOKEN, user: 'two', accounts: [OTHER_ACCOUNT, THIRD] },
    ],
  });
  const { exporter, shows, write, lookAgain } = await watching({
    api,
    token: '',
    yaml: 'tokens: [{api_token_file: FOLDER/two}, {api_token_file: FOLDER/one}]',
  });
  await shows('Two', 'Three', 'One');
  expect(messages(exporter)).toContain(
    `listed by several tokens, watched with the first of them: Two (${OTHER_ACCOUNT})`,
  );
  const by = (user: string, accountId: string): number =>
    api.requests.count({ endpoint: 'tunnels', accountId, countsFor: `user ${user}` });
  expect(by('two', OTHER_ACCOUNT)).toBeGreaterThan(0);
  expect(by('one', OTHER_ACCOUNT)).toBe(0);
  // Only user tokens can list accounts, so their owner need not be verified.
  expect(api.requests.count({ endpoint: 'user_token_verify' })).toBe(0);

  write(
    `tokens: [{api_token_file: FOLDER/two}]\naccounts: [{id: ${ACCOUNT}, api_token_file: FOLDER/one}, {id: ${THIRD}, name: named}]`,
  );
  await lookAgain();
  // No token lists the first account, so its name is not known.
  await shows('', 'Two', 'named');
  expect(api.requests.count({ status: 403 })).toBe(0);
});

test.each([
  [
    'a token that an account owns',
    { owner: 'account' as const },
    'token is owned by an account and cannot list accounts',
  ],
  [
    'a token that can list none',
    { permissions: ['Cloudflare One Connectors Read'] as const },
    'token can list no account',
  ],
])('%s: one line says what to set, and nothing is ready', async (_, spec, what) => {
  const api = await simulate({ tokens: [{ value: TOKEN, ...spec }] });
  const { exporter, page } = await watching({ api });
  await vi.waitFor(async () => expect(valueOf(await page(), SUCCESS)).toBe(0), PATIENCE);
  const warned = exporter.logs().filter(({ level }) => level === 'warn');
  expect(warned.map(({ msg }) => msg)).toEqual([
    expect.stringMatching(
      new RegExp(`^Cannot list the accounts of CLOUDFLARE_API_TOKEN: ${what}.*${NAME_THEM}`),
    ),
  ]);
  expect(await exporter.get('/readyz')).toEqual({
    status: 503,
    text: expect.stringMatching(new RegExp(`^the accounts are not known yet: ${what}`)),
  });
  expect(await exporter.get('/livez')).toMatchObject({ status: 200 });

  // When the token gets the permission, no restart is needed.
  api.tokens.change(TOKEN, {
    owner: 'user',
    permissions: ['Account Settings Read', 'Cloudflare One Connectors Read'],
  });
  exporter.kill('SIGHUP');
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );

  const once = await cli(['once'], {
    api: await simulate({ tokens: [{ value: TOKEN, ...spec }] }),
    accounts: [],
  });
  expect(once.code).toBe(1);
  expect(messagesOf(once)).toEqual([expect.stringContaining(NAME_THEM)]);
});

test('a wrong token is reported in one line', async () => {
  const api = await simulate();
  api.tokens.revoke(TOKEN);
  const { exporter } = await watching({ api });
  await vi.waitFor(() => expect(messages(exporter).join('\n')).toContain('Cannot list'), PATIENCE);
  expect(exporter.logs().filter(({ level }) => level === 'warn')).toMatchObject([
    { msg: expect.stringMatching(/^Cannot list the accounts of CLOUDFLARE_API_TOKEN: token is not valid/) },
  ]);
});

test('if the API is down at the start, the exporter serves but is not ready, and finds the accounts later', async () => {
  const api = await simulate({ accounts: [ONE] });
  const fault = api.faults.add({ effect: { kind: 'status', status: 503 } });
  const { exporter, page, shows } = await watching({ api });
  await vi.waitFor(async () => expect(valueOf(await page(), SUCCESS)).toBe(0), PATIENCE);
  expect(await exporter.get('/livez')).toMatchObject({ status: 200 });
  expect(await exporter.get('/readyz')).toEqual({
    status: 503,
    text: expect.stringMatching(/^the accounts are not known yet: .*GET \/accounts answered 503/),
  });
  expect((await exporter.get('/')).text).toContain('the accounts are not known yet');
  fault.remove();
  await shows('One');
  expect(await exporter.get('/readyz')).toMatchObject({ status: 200 });
  expect(messages(exporter)).toContain('the accounts of CLOUDFLARE_API_TOKEN can be listed again');
});

test('an account that the token can list but not read fails, and can be excluded', async () => {
  const api = await simulate({
    accounts: [ONE, TWO],
    tokens: [{ value: TOKEN, refusedIn: [OTHER_ACCOUNT] }],
  });
  const { exporter, page } = await watching({ api });
  const up = async (account_id: string): Promise<number | undefined> =>
    valueOf(await page(), 'cloudflare_tunnel_exporter_account_up', { account_id });
  await vi.waitFor(
    async () => expect([await up(ACCOUNT), await up(OTHER_ACCOUNT)]).toEqual([1, 0]),
    PATIENCE,
  );
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );

  const excluding = await watching({ api, args: [`--cloudflare.exclude-account-id=${OTHER_ACCOUNT}`] });
  await excluding.shows('One');
  expect(await excluding.page()).not.toContain(OTHER_ACCOUNT);
});

test('shards split the discovered accounts', async () => {
  const accounts = ['a', 'b', 'c', 'd', 'e'].map((digit) => ({ id: digit.repeat(32), name: digit, tunnels }));
  const api = await simulate({ accounts });
  for (const index of [0, 1]) {
    const { stdout, code } = await cli(['once', '--shard.total=2', `--shard.index=${index}`], {
      api,
      accounts: [],
    });
    expect(code).toBe(0);
    expect(accountsOf(stdout)).toEqual(
      accounts.filter(({ id }) => shardOf(id, 2) === index).map(({ name }) => name),
    );
  }
  const idle = Array.from({ length: 6 }, (_, index) => index).find(
    (index) => !accounts.some(({ id }) => shardOf(id, 6) === index),
  );
  const { exporter } = await watching({ api, args: ['--shard.total=6', `--shard.index=${idle}`] });
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  expect(messages(exporter)).toContain(
    `shard ${idle} of 6 has none of the 5 accounts found, and watches nothing`,
  );
});

test('a reload switches between configured and discovered accounts, and remaining accounts keep their counters', async () => {
  const api = await simulate({ accounts: [ONE, TWO] });
  const named = `accounts: [{id: ${ACCOUNT}, name: mine}]`;
  const { exporter, page, write, lookAgain, shows } = await watching({ api, yaml: named });
  await shows('mine');
  const opened = await countsFour(api, page);
  expect(api.requests.count({ endpoint: 'accounts' })).toBe(0);
  expect(samplesOf(await page(), SUCCESS)).toEqual([]);

  // While the API does not answer, the watched accounts stay.
  const fault = api.faults.add({ endpoint: 'accounts', effect: { kind: 'half_json' } });
  write('');
  await lookAgain();
  await vi.waitFor(async () => expect(valueOf(await page(), SUCCESS)).toBe(0), PATIENCE);
  expect(await opened()).toBe(4);
  fault.remove();
  await lookAgain();
  await shows('One', 'Two');
  expect(await opened()).toBe(4);

  write(named);
  exporter.kill('SIGHUP');
  await shows('mine');
  expect(await opened()).toBe(4);
  expect(await page()).not.toContain(OTHER_ACCOUNT);
});

test('once discovers accounts and prints only the page', async () => {
  const api = await simulate({ accounts: [ONE, TWO] });
  const { code, stdout, stderr } = await cli(['once'], { api, accounts: [] });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(accountsOf(stdout)).toEqual(['One', 'Two']);
  expect(valueOf(stdout, SUCCESS)).toBe(1);
});

test('check discovers accounts and prints them', async () => {
  const api = await simulate({ accounts: [ONE, TWO] });
  const { code, stdout } = await cli(['check'], { api, accounts: [] });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}ok {4}GET \/accounts +2 accounts$/m);
  expect(stdout).toMatch(new RegExp(`^ {2}ok {4}${ACCOUNT} \\(One\\) +2 tunnels`, 'm'));
  expect(stdout).toMatch(new RegExp(`^ {2}ok {4}${OTHER_ACCOUNT} \\(Two\\) +2 tunnels`, 'm'));
});

test.each([
  [{ owner: 'account' as const }, 'token is owned by an account and cannot list accounts'],
  [{ permissions: ['Cloudflare One Connectors Read'] as const }, 'token can list no account'],
])('check says what to set for a token with %j', async (spec, what) => {
  const api = await simulate({ tokens: [{ value: TOKEN, ...spec }] });
  const { code, stdout } = await cli(['check'], { api, accounts: [] });
  expect(code).toBe(1);
  const problems = stdout.split('\n').filter((line) => line.startsWith('  - '));
  expect(problems).toEqual([expect.stringMatching(new RegExp(`^  - ${what}.*${NAME_THEM}`))]);
  expect(api.requests.count()).toBe(1);
});

test('check reports an account that its token may not read', async () => {
  const api = await simulate({
    accounts: [ONE, TWO],
    tokens: [{ value: TOKEN, refusedIn: [OTHER_ACCOUNT] }],
  });
  const { code, stdout } = await cli(['check'], { api, accounts: [] });
  expect(code).toBe(1);
  expect(stdout).toContain(
    `  - account ${OTHER_ACCOUNT}: this account is not among those that the token may see`,
  );
});
