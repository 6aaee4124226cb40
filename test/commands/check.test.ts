import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../src/commands/check/check.ts';
import type { AccountConfig } from '../../src/config/config.ts';
import { OLDEST_DETAIL } from '../../src/commands/check/polling-plan.ts';
import {
  type Permission,
  sampleAccounts,
  type Simulator,
  type SimulatorOptions,
  type TokenSpec,
} from '../../src/simulator/index.ts';
import { specOf } from '../poller/support.ts';
import { aConfig, type ConfigParts } from '../support/config.ts';
import { ACCOUNT, cli, OTHER_ACCOUNT, simulate, TOKEN } from './support.ts';

const HOUR = 3_600_000;
const FLEET = {
  accounts: [
    {
      id: ACCOUNT,
      name: 'One',
      tunnels: [
        { name: 'old', downSince: Date.now() - HOUR },
        { name: 'new' },
        ...['web', 'api'].map(specOf),
        { name: 'mesh', type: 'warp_connector', connectors: [{}] },
      ],
    },
  ],
} as const satisfies SimulatorOptions;

interface Checked {
  readonly code: number;
  readonly report: string;
  /** The problems, one line each. */
  readonly problems: readonly string[];
  readonly simulator: Simulator;
}

interface CheckOptions extends SimulatorOptions {
  readonly token?: Partial<TokenSpec>;
  readonly config?: ConfigParts;
  /** Default: ACCOUNT, its token from the environment. */
  readonly watch?: readonly string[];
}

async function checked({
  token = {},
  config = {},
  watch = [ACCOUNT],
  ...options
}: CheckOptions = {}): Promise<Checked> {
  const simulator = await simulate({ ...FLEET, tokens: [{ value: TOKEN, ...token }], ...options });
  const printed: string[] = [];
  const accounts = watch.map((id) => ({ id, name: '', token: { kind: 'value', value: TOKEN } as const }));
  const code = await check(
    aConfig({
      accounts,
      ...config,
      poll: { schedule: '*/30 * * * * *', ...config.poll },
      cloudflare: { apiUrl: simulator.url, ...config.cloudflare },
    }),
    (text) => void printed.push(text),
  );
  const report = printed.join('').replaceAll(simulator.url, 'http://127.0.0.1:PORT/client/v4');
  expect(report).not.toContain(TOKEN);
  const problems = report.split('\n').flatMap((line) => /^ {2}- (\S.*)/.exec(line)?.[1] ?? []);
  return { code, report, problems, simulator };
}

test('a token with all permissions gets a report without problems', async () => {
  const { code, report } = await checked();
  expect(code).toBe(0);
  expect(report).toMatchInlineSnapshot(`
    "Cloudflare API at http://127.0.0.1:PORT/client/v4

    No problems: the exporter has everything that it needs.

    1 account, 5 tunnels (3 healthy, 1 down, 1 inactive)

    Budget of CLOUDFLARE_API_TOKEN: 600 requests per 5 minutes for 1 token, 1 account
      lists every 30 s (1 request), connections every 30 s (3 serving tunnels)
      leaves 450 of the 1,200 requests that Cloudflare allows in 5 minutes to other programs of the same owner
      ok    API token from CLOUDFLARE_API_TOKEN                               active, owned by a user
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/connections           requested for "web"
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/configurations        requested for "web"
      ok    GET /accounts/{account}/warp_connector/{tunnel}/connections       requested for "mesh"
      ok    GET /accounts/{account}/warp_connector/{tunnel}/configurations    requested for "mesh"

    Accounts
      ok    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa                                  5 tunnels (3 healthy, 1 down, 1 inactive)
    "
  `);
});

test('the report names the missing permission to read WARP connectors', async () => {
  const permissions: readonly Permission[] = ['Cloudflare Tunnel Read'];
  const { code, report, problems } = await checked({ token: { permissions } });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringContaining('Cloudflare One Connector: WARP Read')]);
  expect(report).toMatchInlineSnapshot(`
    "Cloudflare API at http://127.0.0.1:PORT/client/v4

    1 problem to fix:
      - token lacks Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read): GET /accounts/…/warp_connector answered 403, code 10000 "Authentication error"
      Without WARP connectors, set --tunnels.types=cfd_tunnel, which needs no such permission.

    1 account, 4 tunnels (2 healthy, 1 down, 1 inactive)

    Budget of CLOUDFLARE_API_TOKEN: 600 requests per 5 minutes for 1 token, 1 account
      lists every 30 s (1 request), connections every 30 s (2 serving tunnels)
      leaves 450 of the 1,200 requests that Cloudflare allows in 5 minutes to other programs of the same owner
      ok    API token from CLOUDFLARE_API_TOKEN                               active, owned by a user
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/connections           requested for "web"
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/configurations        requested for "web"
      FAIL  GET /accounts/{account}/warp_connector                            token lacks Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read): GET /accounts/…/warp_connector answered 403, code 10000 "Authentication error"

    Accounts
      ok    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa                                  4 tunnels (2 healthy, 1 down, 1 inactive)
    "
  `);
});

test('without WARP connectors to watch, that permission is not needed', async () => {
  const permissions: readonly Permission[] = ['Cloudflare Tunnel Read'];
  const { code } = await checked({ token: { permissions }, config: { tunnels: { types: ['cfd_tunnel'] } } });
  expect(code).toBe(0);
});

test('a token without permissions is reported once, with the account and both permissions', async () => {
  const { code, problems } = await checked({ token: { permissions: [] } });
  expect(code).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(
      /^this account is not among those .*, or the token lacks Cloudflare Tunnel Read \(.*\), and Cloudflare One Connector: WARP Read \(/,
    ),
  ]);
});

test.each(['disabled', 'expired'] as const)('a token that is %s is one problem', async (status) => {
  const { code, problems } = await checked({ token: { status } });
  expect(code).toBe(1);
  expect(problems).toEqual([`the API token is ${status}: renew it in Cloudflare's dashboard`]);
});

test('a token that Cloudflare does not know is one problem', async () => {
  const { code, problems } = await checked({ tokens: [] });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/^token is not valid \(mistyped, revoked, expired/)]);
});

test('an account-owned token works as well', async () => {
  expect((await checked({ token: { owner: 'account' } })).code).toBe(0);
});

test("an account that is not the token's is one problem", async () => {
  const { code, problems } = await checked({ watch: ['c'.repeat(32)] });
  expect(code).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(/^this account is not among those that the token may see/),
  ]);
});

test('the report names the account with the problem', async () => {
  const { code, problems } = await checked({ watch: [ACCOUNT, OTHER_ACCOUNT] });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/^account b{32}: this account is not among those/)]);
});

test('an API that cannot be reached is one problem', async () => {
  const { code, problems } = await checked({
    config: { cloudflare: { apiUrl: 'http://127.0.0.1:9/client/v4' } },
  });
  expect(code).toBe(1);
  expect(problems).toEqual([
    'cannot reach 127.0.0.1:9 (ECONNREFUSED); check network, firewall and --cloudflare.api-url: GET /user/tokens/verify',
  ]);
});

test('a list that fails in the middle is a problem, although every endpoint answers', async () => {
  const simulator = await simulate({ ...FLEET, maxPerPage: 2 });
  simulator.faults.add({ endpoint: 'tunnels', page: 2, effect: { kind: 'half_json' } });
  const { code, problems } = await checked({ config: { cloudflare: { apiUrl: simulator.url } } });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/\/tunnels answered 200 with a body that is not JSON/)]);
});

test('the check works with a small budget, and the report calculates with it', async () => {
  const { report } = await checked({ config: { cloudflare: { requestBudget: 12 } } });
  expect(report).toContain('lists every 50 s (1 request), connections every 2.5 min (3 serving tunnels)\n');
});

test('tokens from files are named by their path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, TOKEN);
  const accounts = [{ id: ACCOUNT, name: 'Shop', token: { kind: 'file', path } }] as const;
  const { code, report } = await checked({ config: { accounts } });
  expect(code).toBe(0);
  expect(report).toContain(`ok    API token from ${path} `);
  expect(report).toContain(`ok    ${ACCOUNT} (Shop) `);
});

test.each([
  {
    finds: 'all is well',
    permissions: undefined,
    exit: 0,
    verdict: 'No problems: the exporter has everything that it needs.',
  },
  {
    finds: 'a permission missing',
    permissions: ['Cloudflare Tunnel Read'] as const,
    exit: 1,
    verdict: '1 problem to fix:',
  },
])('as a command that finds $finds it exits $exit', async ({ permissions, exit, verdict }) => {
  const tokens = [{ value: TOKEN, ...(permissions === undefined ? {} : { permissions }) }];
  const { code, stdout, stderr } = await cli(['check'], { api: await simulate({ ...FLEET, tokens }) });
  expect({ code, stderr }).toEqual({ code: exit, stderr: '' });
  expect(stdout.split('\n')).toContain(verdict);
});

/** Accounts with the same number of tunnels each, on one token. */
const many = (accounts: number, tunnels: number) => {
  const sample = sampleAccounts({
    seed: 1,
    now: Date.now(),
    accounts,
    tunnels: accounts * tunnels,
    connectors: 1,
  });
  const numbered = sample.map((account, index) => ({ ...account, id: `${index + 1}`.padStart(32, '0') }));
  return { accounts: numbered, watch: numbered.map(({ id }) => id) };
};

test('60 accounts on one token exceed the budget, and the report says what would be enough', async () => {
  const { code, report, problems, simulator } = await checked(many(60, 33));
  expect(code).toBe(1);
  expect(problems).toEqual([
    'connections of 1,980 tunnels are observed every 33 min, at worst 66 min; CloudflareTunnelExporterBudgetTooSmall fires at 15 min: split the accounts over tokens of 2 owners (account-owned tokens, or users with a budget_group each), with --cloudflare.request-budget=1200 for each',
  ]);
  const lines = report.split('\n');
  expect(lines.indexOf('1 problem to fix:')).toBe(2);
  expect(lines).toContain('60 accounts, 1,980 tunnels (1,980 healthy)');
  expect(lines).toContain(
    '  lists every 60 s (60 requests), connections every 33 min (1,980 serving tunnels)',
  );
  expect(report).toContain('  both within a minute: split the accounts over tokens of 9 owners');
  // One line for each account, and some twenty others.
  expect(lines.length).toBeLessThan(60 + 25);
  // One list for each account, one of WARP connectors, two details, and the verification of the token.
  expect(simulator.requests.count()).toBe(60 + 1 + 2 + 1);
});

test('the report of many accounts on one token is readable, and takes a request each', async () => {
  const { code, report, problems, simulator } = await checked({
    ...many(140, 1),
    config: { poll: { staleAfterMs: 600_000 } },
  });
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  expect(report).toContain(
    'lists every 2.3 min (140 requests), connections every 2.3 min (140 serving tunnels)',
  );
  expect(report.split('\n').length).toBeLessThan(140 + 25);
  expect(simulator.requests.count()).toBe(140 + 1 + 2 + 1);
});

test('list intervals that do not fit into --poll.stale-after are a problem', async () => {
  const { code, problems } = await checked({
    ...many(40, 1),
    config: { cloudflare: { requestBudget: 60 }, poll: { staleAfterMs: 600_000 } },
  });
  expect(code).toBe(1);
  expect(problems[0]).toBe(
    '40 accounts listed every 6.7 min: if lists fail, their tunnels are shown for three such intervals, longer than --poll.stale-after=10 min: --cloudflare.request-budget=120 is enough, or a longer --poll.stale-after',
  );
});

test('an account with too many tunnels for any budget is a problem', async () => {
  const { problems } = await checked(many(1, 4_000));
  expect(problems).toEqual([expect.stringContaining('leave some out (--tunnels.exclude, --tunnels.types)')]);
});

test('the same failure in many accounts is one problem', async () => {
  const { accounts, watch } = many(30, 1);
  const { code, problems, report } = await checked({
    accounts,
    watch,
    token: { accounts: watch.slice(0, 10) },
  });
  expect(code).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(/^20 accounts \(0{30}11, 0{30}12, 0{30}13, …\): this account is not among those/),
  ]);
  expect(report.match(/FAIL {2}0{30}/g)).toHaveLength(20);
});

test('the report groups tokens by the budget that they share', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const specs: readonly (Partial<TokenSpec> & Pick<AccountConfig, 'budgetGroup'>)[] = [
    {},
    { owner: 'account' },
    {},
    { budgetGroup: 'alice' },
    { status: 'disabled' },
  ];
  const { accounts } = many(specs.length, 1);
  const tokens = specs.map((spec, index) => ({
    ...spec,
    value: `token-number-${index}-of-the-check`,
    accounts: [accounts[index]?.id ?? ''],
  }));
  const watched = tokens.map(({ value, budgetGroup }, index) => {
    const path = join(folder, `${index}`);
    writeFileSync(path, value);
    return { id: accounts[index]?.id ?? '', name: '', token: { kind: 'file', path } as const, budgetGroup };
  });
  const { code, report, problems } = await checked({ accounts, tokens, config: { accounts: watched } });
  expect(code).toBe(1);
  expect(problems).toEqual([
    `${join(folder, '4')}: the API token is disabled: renew it in Cloudflare's dashboard`,
  ]);
  const budgets = report.split('\n').filter((line) => line.startsWith('Budget of '));
  expect(budgets).toEqual([
    'Budget of user tokens: 600 requests per 5 minutes for 3 tokens, 3 accounts',
    `Budget of ${join(folder, '1')}: 600 requests per 5 minutes for 1 token, 1 account`,
    'Budget of alice: 600 requests per 5 minutes for 1 token, 1 account',
  ]);
  expect(report).toMatch(/ok {4}API token from \S+\/1 +active, owned by an account\n/);
});

test('the report uses the limit of the alert', () => {
  const alerts = readFileSync('deploy/prometheus/alerts.yaml', 'utf8');
  const [, alert = ''] = alerts.split('alert: CloudflareTunnelExporterBudgetTooSmall');
  const limit = (name: string): number => Number(new RegExp(`(\\d+) # ${name}\n`).exec(alert)?.[1]);
  expect({
    ms: 1_000 * limit('ExporterBudgetTooSmall.atLeast'),
    listIntervals: limit('ExporterBudgetTooSmall.intervals'),
  }).toEqual(OLDEST_DETAIL);
});

const routeRows = (report: string): readonly string[] =>
  report
    .split('\n')
    .filter((line) => /teamnet|zerotrust/.test(line))
    .map((line) => line.trim().replaceAll(/ {2,}/g, ' '));

test('lists of routes have rows; a missing permission to read them is no problem', async () => {
  const config = { tunnels: { routes: true } };
  const allowed = await checked({ config });
  expect(allowed.code).toBe(0);
  expect(routeRows(allowed.report)).toEqual([
    'ok GET /accounts/{account}/teamnet/routes 0 routes in one account',
    'ok GET /accounts/{account}/zerotrust/routes/hostname 0 routes in one account',
  ]);
  const permissions: readonly Permission[] = ['Cloudflare One Connectors Read'];
  const refused = await checked({ config, token: { permissions } });
  expect(refused.code).toBe(0);
  expect(routeRows(refused.report)[0]).toMatch(
    /^- GET \S+ no routes are read: token lacks Cloudflare Tunnel Read \(or Cloudflare One Networks Read\)/,
  );
  expect(routeRows((await checked()).report)).toEqual([]);
});
