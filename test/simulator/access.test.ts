import { expect, test } from 'vitest';
import type { Permission } from '../../src/simulator/tokens.ts';
import { PERMISSIONS } from '../../src/simulator/tokens.ts';
import { ACCOUNT, codes, OTHER_ACCOUNT, rig } from './support.ts';
import type { Asked, Rig } from './support.ts';

const TOKEN = 'token-under-test-0123456789';
const base = `/accounts/${ACCOUNT}`;

function withToken(permissions: readonly Permission[] = PERMISSIONS): Rig {
  return rig({
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          { name: 'web', id: '00000000-0000-4000-8000-000000000001', connectors: [{}] },
          {
            name: 'mesh',
            id: '00000000-0000-4000-8000-000000000002',
            type: 'warp_connector',
            haMode: 'local',
            connectors: [{}, {}],
          },
        ],
      },
      { id: OTHER_ACCOUNT, name: 'Two' },
    ],
    tokens: [{ value: TOKEN, permissions, accounts: [ACCOUNT] }],
  });
}
const cfd = `${base}/cfd_tunnel/00000000-0000-4000-8000-000000000001`;
const warp = `${base}/warp_connector/00000000-0000-4000-8000-000000000002`;

const ALL_READS = [`${base}/tunnels`];
const CFD_READS = [`${base}/cfd_tunnel`, cfd, `${cfd}/connections`, `${cfd}/configurations`];
const WARP_READS = [`${base}/warp_connector`, warp, `${warp}/connections`, `${warp}/configurations`];
const CFD_EDITS: readonly Asked[] = [
  { method: 'PATCH', path: cfd, body: { name: 'renamed' } },
  { method: 'PUT', path: `${cfd}/configurations`, body: {} },
  { path: `${cfd}/token` },
  { method: 'POST', path: `${cfd}/management`, body: { resources: ['logs'] } },
  { method: 'POST', path: `${base}/cfd_tunnel`, body: { name: 'new' } },
  { method: 'DELETE', path: `${cfd}/connections` },
  { method: 'DELETE', path: cfd },
];
const WARP_EDITS: readonly Asked[] = [
  { method: 'PATCH', path: warp, body: { name: 'renamed-mesh' } },
  { path: `${warp}/token` },
  { method: 'POST', path: `${base}/warp_connector`, body: { name: 'new-mesh', ha: true } },
  { method: 'DELETE', path: warp },
];

const asked = (paths: readonly string[]): readonly Asked[] => paths.map((path) => ({ path }));

test.each<{ permission: Permission; tunnels: boolean; cloudflared: boolean; warp: boolean }>([
  { permission: 'Cloudflare Tunnel Read', tunnels: true, cloudflared: true, warp: false },
  { permission: 'Cloudflare One Connector: cloudflared Read', tunnels: true, cloudflared: true, warp: false },
  { permission: 'Cloudflare One Connector: WARP Read', tunnels: false, cloudflared: false, warp: true },
  { permission: 'Cloudflare One Connectors Read', tunnels: true, cloudflared: true, warp: true },
])('$permission opens the reads of its family only', ({ permission, ...opens }) => {
  const { ask } = withToken([permission]);
  const check = (requests: readonly Asked[], open: boolean): void => {
    for (const request of requests) {
      const told = ask({ ...request, token: TOKEN });
      expect([request.path, told.status, codes(told)]).toEqual([
        request.path,
        open ? 200 : 403,
        open ? [] : [10000],
      ]);
    }
  };
  check(asked(ALL_READS), opens.tunnels);
  check(asked(CFD_READS), opens.cloudflared);
  check(asked(WARP_READS), opens.warp);
  check([...CFD_EDITS, ...WARP_EDITS], false);
});

test.each<[Permission, boolean, boolean]>([
  ['Cloudflare Tunnel Edit', true, false],
  ['Cloudflare One Connector: cloudflared Edit', true, false],
  ['Cloudflare One Connector: WARP Edit', false, true],
  ['Cloudflare One Connectors Edit', true, true],
])('%s opens reads and edits of its family', (permission, cloudflared, connector) => {
  const { ask } = withToken([permission]);
  const statuses = (requests: readonly Asked[]): readonly number[] => [
    ...new Set(requests.map((request) => ask({ ...request, token: TOKEN }).status)),
  ];
  expect(statuses([...asked(CFD_READS), ...CFD_EDITS])).toEqual([cloudflared ? 200 : 403]);
  expect(statuses([...asked(WARP_READS), ...WARP_EDITS])).toEqual([connector ? 200 : 403]);
});

test('a token without WARP permission does not see WARP connectors in the common list', () => {
  const { ask } = withToken(['Cloudflare Tunnel Read']);
  const { result, result_info } = ask({ path: `${base}/tunnels`, token: TOKEN }).body;
  expect(result.map(({ name }: { name: string }) => name)).toEqual(['web']);
  expect(result_info?.total_count).toBe(1);
});

test('a token limited to some tunnels gets a list that looks complete', () => {
  const { ask, simulation } = withToken();
  simulation.tokens.change(TOKEN, { tunnels: ['00000000-0000-4000-8000-000000000002'] });
  expect(ask({ path: `${base}/tunnels`, token: TOKEN }).body.result_info).toMatchObject({
    count: 1,
    total_count: 1,
  });
});

test.each<[string, Asked & { readonly status: number; readonly codes: readonly number[] }]>([
  ['no Authorization header', { path: `${base}/tunnels`, token: null, status: 400, codes: [9106] }],
  ['a malformed token', { path: `${base}/tunnels`, token: 'not a token', status: 400, codes: [6003] }],
  [
    'an unknown token',
    { path: `${base}/tunnels`, token: 'unknown-token-123456789', status: 403, codes: [9109] },
  ],
  ["another's account", { path: `/accounts/${OTHER_ACCOUNT}/tunnels`, status: 403, codes: [9109] }],
  ['an unknown account', { path: `/accounts/${'c'.repeat(32)}/tunnels`, status: 403, codes: [9109] }],
  ['a malformed account id', { path: '/accounts/nonsense/tunnels', status: 404, codes: [7003, 7000] }],
  ['a malformed tunnel id', { path: `${base}/cfd_tunnel/nonsense`, status: 404, codes: [7003, 7000] }],
  ['an unknown path', { path: '/zones', status: 404, codes: [7003, 7000] }],
  ['a method that is not there', { method: 'POST', path: `${base}/tunnels`, status: 405, codes: [7001] }],
  [
    'an unknown tunnel',
    { path: `${base}/cfd_tunnel/00000000-0000-4000-8000-00000000000f`, status: 404, codes: [1002] },
  ],
  [
    'a tunnel of another type',
    { path: `${base}/cfd_tunnel/00000000-0000-4000-8000-000000000002`, status: 404, codes: [1002] },
  ],
  [
    'an unknown connector',
    { path: `${cfd}/connectors/00000000-0000-4000-8000-00000000000f`, status: 404, codes: [1002] },
  ],
])('%s is an error with its status and code', (_, { status, codes: expected, ...request }) => {
  const told = withToken().ask({ token: TOKEN, ...request });
  expect(told.status).toBe(status);
  expect(codes(told)).toEqual(expected);
  expect(told.body).toMatchObject({ success: false, messages: [], result: null });
});

test('a malformed token names the header in an error chain', () => {
  const told = withToken().ask({ path: `${base}/tunnels`, token: 'eyJhIjoi=' });
  expect(told.body.errors[0]).toMatchObject({ code: 6003, error_chain: [{ code: 6111 }] });
});

test('tokens can be disabled, changed, revoked and added at run time', () => {
  const { ask, simulation } = withToken();
  const status = (): number => ask({ path: `${base}/warp_connector`, token: TOKEN }).status;
  expect(status()).toBe(200);
  simulation.tokens.change(TOKEN, { status: 'disabled' });
  expect(status()).toBe(403);
  simulation.tokens.change(TOKEN, { status: 'active', permissions: ['Cloudflare Tunnel Read'] });
  expect(codes(ask({ path: `${base}/warp_connector`, token: TOKEN }))).toEqual([10000]);
  simulation.tokens.revoke(TOKEN);
  expect(codes(ask({ path: `${base}/warp_connector`, token: TOKEN }))).toEqual([9109]);
  simulation.tokens.add({ value: TOKEN });
  expect(status()).toBe(200);
});

test('verify returns the status of a user token, with code 10000 in messages and no error', () => {
  const { ask, simulation } = withToken();
  const verify = (): unknown => ask({ path: '/user/tokens/verify', token: TOKEN }).body;
  expect(verify()).toMatchObject({
    success: true,
    errors: [],
    messages: [{ code: 10000 }],
    result: { status: 'active' },
  });
  simulation.tokens.change(TOKEN, { status: 'disabled' });
  expect(verify()).toMatchObject({ result: { status: 'disabled' } });
});

test('a token expires when its time comes', () => {
  const { ask, simulation, now, wait } = withToken();
  simulation.tokens.change(TOKEN, { expiresAt: now() + 1000 });
  expect(ask({ path: `${base}/tunnels`, token: TOKEN }).status).toBe(200);
  wait(1000);
  expect(codes(ask({ path: `${base}/tunnels`, token: TOKEN }))).toEqual([9109]);
  expect(ask({ path: '/user/tokens/verify', token: TOKEN }).body.result).toMatchObject({
    status: 'expired',
    expires_on: '2026-11-20T12:00:01Z',
  });
});

test("an account's own token is verified at the account and cannot list accounts", () => {
  const { ask, simulation } = withToken();
  simulation.tokens.change(TOKEN, { owner: 'account' });
  expect(codes(ask({ path: '/user/tokens/verify', token: TOKEN }))).toEqual([1000]);
  expect(ask({ path: `${base}/tokens/verify`, token: TOKEN }).body.result.status).toBe('active');
  expect(codes(ask({ path: `/accounts/${OTHER_ACCOUNT}/tokens/verify`, token: TOKEN }))).toEqual([1000]);
  expect(ask({ path: '/accounts', token: TOKEN })).toMatchObject({
    status: 400,
    body: {
      errors: [{ code: 1001, message: 'List accounts endpoint does not support account owned tokens.' }],
    },
  });
});

test('without Account Settings the list of accounts is empty, with success', () => {
  const { ask } = withToken(['Cloudflare Tunnel Read']);
  const { status, body } = ask({ path: '/accounts', token: TOKEN });
  expect(status).toBe(200);
  expect(body).toMatchObject({ success: true, result: [], result_info: { total_count: 0 } });
});

test('the list holds the accounts that the token can access, in pages of 5 to 50', () => {
  const { ask } = withToken();
  const { body } = ask({ path: '/accounts?per_page=5', token: TOKEN });
  expect(body.result.map(({ id }: { id: string }) => id)).toEqual([ACCOUNT]);
  expect(body.result_info).toEqual({ page: 1, per_page: 5, count: 1, total_count: 1, total_pages: 1 });
  expect(ask({ path: '/accounts?per_page=100', token: TOKEN }).status).toBe(400);
});

test('accounts can be added, removed and renamed at run time', () => {
  const { ask, simulation, now } = rig({ accounts: [{ id: ACCOUNT, name: 'One' }] });
  const listed = (): unknown =>
    ask('/accounts').body.result.map(({ id, name }: { id: string; name: string }) => [id, name]);
  simulation.fleet.createAccount({ id: OTHER_ACCOUNT, name: 'Two', tunnels: [{ name: 'web' }] }, now());
  simulation.fleet.renameAccount({ accountId: ACCOUNT, name: 'Uno' });
  expect(listed()).toEqual([
    [ACCOUNT, 'Uno'],
    [OTHER_ACCOUNT, 'Two'],
  ]);
  expect(ask(`/accounts/${OTHER_ACCOUNT}/tunnels`).body.result).toHaveLength(1);
  simulation.fleet.deleteAccount(OTHER_ACCOUNT);
  expect(listed()).toEqual([[ACCOUNT, 'Uno']]);
  expect(codes(ask(`/accounts/${OTHER_ACCOUNT}/tunnels`))).toEqual([9109]);
});

test('a token may list an account in which it has no permission', () => {
  const { ask, simulation } = withToken();
  simulation.tokens.change(TOKEN, { refusedIn: [ACCOUNT] });
  expect(ask({ path: '/accounts', token: TOKEN }).body.result).toHaveLength(1);
  const told = ask({ path: `${base}/tunnels`, token: TOKEN });
  expect([told.status, codes(told)]).toEqual([403, [10000]]);
});
