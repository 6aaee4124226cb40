import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../src/commands/check/check.ts';
import type { SimulatorOptions } from '../../src/simulator/server.ts';
import type { Permission, TokenSpec } from '../../src/simulator/tokens.ts';
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
  /** What is to be mended, a line each. */
  readonly problems: readonly string[];
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
      poll: { schedule: '*/30 * * * * *' },
      cloudflare: { apiUrl: simulator.url, ...config.cloudflare },
    }),
    (text) => void printed.push(text),
  );
  const report = printed.join('').replaceAll(simulator.url, 'http://127.0.0.1:PORT/client/v4');
  expect(report).not.toContain(TOKEN);
  const mend = report.split(/\d+ problems? to mend:\n/)[1] ?? '';
  return { code, report, problems: mend.split('\n').flatMap((line) => /^ {2}- (.*)/.exec(line)?.[1] ?? []) };
}

test('a token that may do everything gets a report that ends well', async () => {
  const { code, report } = await checked();
  expect(code).toBe(0);
  expect(report).toMatchInlineSnapshot(`
    "Cloudflare API at http://127.0.0.1:PORT/client/v4

      ok    API token from CLOUDFLARE_API_TOKEN                               active

    Account aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      ok    GET /accounts/{account}/tunnels                                   5 tunnels
      ok    GET /accounts/{account}/cfd_tunnel                                4 tunnels
      ok    GET /accounts/{account}/warp_connector                            1 tunnel
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/connections           asked about "web"
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/configurations        asked about "web"
      ok    GET /accounts/{account}/warp_connector/{tunnel}/connections       asked about "mesh"
      ok    GET /accounts/{account}/warp_connector/{tunnel}/configurations    asked about "mesh"
      ok    tunnels                                                           5 tunnels (3 healthy, 1 down, 1 inactive)

    Polling
      a poll every 30 s: 1 request for the lists, 3 for the connections of every serving tunnel
      budget of 600 requests per 5 minutes: status as old as a poll, connections observed every 30 s

    Everything that the exporter needs is there.
    "
  `);
});

test('a token without the right to read WARP connectors is told which permission it lacks', async () => {
  const permissions: readonly Permission[] = ['Cloudflare Tunnel Read'];
  const { code, report, problems } = await checked({ token: { permissions } });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringContaining('Cloudflare One Connector: WARP Read')]);
  expect(report).toMatchInlineSnapshot(`
    "Cloudflare API at http://127.0.0.1:PORT/client/v4

      ok    API token from CLOUDFLARE_API_TOKEN                               active

    Account aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      ok    GET /accounts/{account}/tunnels                                   4 tunnels
      ok    GET /accounts/{account}/cfd_tunnel                                4 tunnels
      FAIL  GET /accounts/{account}/warp_connector                            token lacks Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read): GET /accounts/…/warp_connector answered 403, code 10000 "Authentication error"
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/connections           asked about "web"
      ok    GET /accounts/{account}/cfd_tunnel/{tunnel}/configurations        asked about "web"
      -     GET /accounts/{account}/warp_connector/{tunnel}/connections       no such tunnel to ask about
      -     GET /accounts/{account}/warp_connector/{tunnel}/configurations    no such tunnel to ask about
      ok    tunnels                                                           4 tunnels (2 healthy, 1 down, 1 inactive)

    Polling
      a poll every 30 s: 1 request for the lists, 2 for the connections of every serving tunnel
      budget of 600 requests per 5 minutes: status as old as a poll, connections observed every 30 s

    1 problem to mend:
      - token lacks Cloudflare One Connector: WARP Read (or Cloudflare One Connectors Read): GET /accounts/…/warp_connector answered 403, code 10000 "Authentication error"
      Where there are no WARP connectors, --tunnels.types=cfd_tunnel does without that permission.
    "
  `);
});

test('without WARP connectors to watch, that permission is not missing', async () => {
  const permissions: readonly Permission[] = ['Cloudflare Tunnel Read'];
  const { code } = await checked({ token: { permissions }, config: { tunnels: { types: ['cfd_tunnel'] } } });
  expect(code).toBe(0);
});

test('a token that may read nothing is told of both permissions, once each', async () => {
  const { code, problems } = await checked({ token: { permissions: [] } });
  expect(code).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(/^token lacks Cloudflare Tunnel Read /),
    expect.stringMatching(/^token lacks Cloudflare One Connector: WARP Read /),
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

test('a token that an account owns is as good', async () => {
  expect((await checked({ token: { owner: 'account' } })).code).toBe(0);
});

test("an account that is not the token's is one problem", async () => {
  const { code, problems } = await checked({ watch: ['c'.repeat(32)] });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/^token may not use this account; check the account id/)]);
});

test('of several accounts the one with the problem is named', async () => {
  const { code, problems } = await checked({ watch: [ACCOUNT, OTHER_ACCOUNT] });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/^account b{32}: token may not use this account/)]);
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

test('a list that breaks off is a problem, though every endpoint answers', async () => {
  const simulator = await simulate({ ...FLEET, maxPerPage: 2 });
  simulator.faults.add({ endpoint: 'tunnels', page: 2, effect: { kind: 'half_json' } });
  const { code, problems } = await checked({ config: { cloudflare: { apiUrl: simulator.url } } });
  expect(code).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/\/tunnels answered 200 with a body that is not JSON/)]);
});

test('a small budget does not keep the check from being made, and is what the report reckons with', async () => {
  const { code, report } = await checked({ config: { cloudflare: { requestBudget: 12 } } });
  expect(code).toBe(0);
  expect(report).toContain(
    'budget of 12 requests per 5 minutes: status as old as a poll, connections observed every 3 min',
  );
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
  expect(report).toContain(`Account ${ACCOUNT} (Shop)\n`);
});

test.each([
  {
    finds: 'all is well',
    permissions: undefined,
    exit: 0,
    verdict: 'Everything that the exporter needs is there.',
  },
  {
    finds: 'a permission missing',
    permissions: ['Cloudflare Tunnel Read'] as const,
    exit: 1,
    verdict: '1 problem to mend:',
  },
])('as a command that finds $finds it exits $exit', async ({ permissions, exit, verdict }) => {
  const tokens = [{ value: TOKEN, ...(permissions === undefined ? {} : { permissions }) }];
  const { code, stdout, stderr } = await cli(['check'], { api: await simulate({ ...FLEET, tokens }) });
  expect({ code, stderr }).toEqual({ code: exit, stderr: '' });
  expect(stdout.split('\n')).toContain(verdict);
});
