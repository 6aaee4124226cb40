import { expect, test } from 'vitest';
import { ACCOUNT, codes, OTHER_ACCOUNT, rig } from './support.ts';

const base = `/accounts/${ACCOUNT}`;
const accounts = [
  {
    id: ACCOUNT,
    name: 'One',
    tunnels: [
      { name: 'office', networks: ['10.0.0.0/16', 'fd00::/64'], hostnames: ['wiki.corp'], connectors: [{}] },
      { name: 'mesh', type: 'warp_connector' as const, networks: ['172.16.0.0/12'] },
    ],
  },
  { id: OTHER_ACCOUNT, name: 'Two', tunnels: [{ name: 'other', networks: ['10.9.0.0/16'] }] },
];

const targetsOf = (ask: ReturnType<typeof rig>['ask'], path: string): readonly string[] =>
  ask(`${base}/${path}`).body.result.map(
    ({ network, hostname }: { network?: string; hostname?: string }) => network ?? hostname,
  );

test('an account has two lists of routes, each row with the keys that the API gives', () => {
  const { ask } = rig({ accounts });
  const networks = ask(`${base}/teamnet/routes?is_deleted=false&per_page=2&page=1`);
  expect(networks.body.result_info).toEqual({ page: 1, per_page: 2, count: 2, total_count: 3 });
  expect(networks.body.result[0]).toMatchObject({
    network: '10.0.0.0/16',
    comment: '',
    deleted_at: null,
    tunnel_name: 'office',
    tun_type: 'cfd_tunnel',
    virtual_network_name: 'default',
  });
  expect(targetsOf(ask, 'teamnet/routes?per_page=2&page=2')).toEqual(['172.16.0.0/12']);
  const [hostname] = ask(`${base}/zerotrust/routes/hostname`).body.result;
  expect(Object.keys(hostname)).toEqual([
    'id',
    'hostname',
    'comment',
    'created_at',
    'deleted_at',
    'tunnel_id',
    'tunnel_name',
  ]);
  expect(targetsOf(ask, `teamnet/routes?tunnel_id=${hostname.tunnel_id}`)).toEqual([
    '10.0.0.0/16',
    'fd00::/64',
  ]);
});

test('routes are added and removed; a tunnel with routes cannot be deleted', () => {
  const { ask } = rig({ accounts });
  const [{ id: tunnel }] = ask(`${base}/cfd_tunnel?name=office`).body.result;
  const add = (body: object, path = 'teamnet/routes') =>
    ask({ method: 'POST', path: `${base}/${path}`, body });
  const added = add({ network: '10.1.0.0/16', tunnel_id: tunnel, comment: 'lab' });
  expect(added.body.result).toMatchObject({ network: '10.1.0.0/16', comment: 'lab', tunnel_id: tunnel });
  expect(add({ network: '10.1.0.0/16', tunnel_id: tunnel }).status).toBe(409);
  expect(add({ network: 'everything', tunnel_id: tunnel }).status).toBe(400);
  expect(add({ network: '10.2.0.0/16', tunnel_id: 'none' }).status).toBe(404);
  expect(add({ hostname: 'db.corp', tunnel_id: tunnel }, 'zerotrust/routes/hostname').status).toBe(200);
  expect(targetsOf(ask, 'zerotrust/routes/hostname')).toEqual(['wiki.corp', 'db.corp']);

  const remove = { method: 'DELETE', path: `${base}/cfd_tunnel/${tunnel}` };
  expect(codes(ask(remove))).toEqual([1023]);
  for (const path of ['teamnet/routes', 'zerotrust/routes/hostname']) {
    for (const { id, tunnel_id: leadsTo } of ask(`${base}/${path}`).body.result) {
      if (leadsTo === tunnel) ask({ method: 'DELETE', path: `${base}/${path}/${id}` });
    }
  }
  expect(targetsOf(ask, 'teamnet/routes')).toEqual(['172.16.0.0/12']);
  expect(targetsOf(ask, 'teamnet/routes?is_deleted=true')).toEqual([
    '10.0.0.0/16',
    'fd00::/64',
    '10.1.0.0/16',
  ]);
  expect(ask(remove).status).toBe(200);
  expect(ask({ method: 'DELETE', path: `${base}/teamnet/routes/${tunnel}` }).status).toBe(404);
});

test.each([
  ['Cloudflare Tunnel Read', 200],
  ['Cloudflare One Networks Read', 200],
  ['Cloudflare One Connectors Read', 403],
] as const)('a token with %s gets %i', (permission, status) => {
  const token = 'a-token-of-the-test';
  const { ask } = rig({ accounts, tokens: [{ value: token, permissions: [permission] }] });
  for (const path of ['teamnet/routes', 'zerotrust/routes/hostname'])
    expect(ask({ path: `${base}/${path}`, token }).status).toBe(status);
});

test('with a weight, life repeatedly adds and removes a route', () => {
  const { simulation, wait } = rig({
    accounts,
    life: {
      weights: { restart: 0, lost_connection: 0, outage: 0, drain: 0, rollout: 0, failover: 0, route: 1 },
    },
  });
  wait(10 * 60_000);
  const happened = simulation.tick();
  expect(happened.length).toBeGreaterThan(20);
  expect(new Set(happened.map(({ happening }) => happening))).toEqual(new Set(['route']));
  const lasting = simulation.fleet.routes(ACCOUNT).filter(({ deletedAt }) => deletedAt === undefined);
  expect(lasting.length).toBeLessThanOrEqual(5);
  expect(simulation.fleet.routes(ACCOUNT).length).toBeGreaterThan(10);
});
