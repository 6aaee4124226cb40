import { expect, test } from 'vitest';
import { ACCOUNT, codes, rig, START } from './support.ts';

const base = `/accounts/${ACCOUNT}`;
const WEB = '00000000-0000-4000-8000-000000000001';
const MESH = '00000000-0000-4000-8000-000000000002';
const web = `${base}/cfd_tunnel/${WEB}`;
const mesh = `${base}/warp_connector/${MESH}`;

const fleet = (): ReturnType<typeof rig> =>
  rig({
    configurationDelayMs: { low: 1000, high: 60_000 },
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          {
            name: 'web',
            id: WEB,
            configuration: { version: 4, config: { ingress: [{ service: 'http_status:404' }] } },
            connectors: [{}, {}, {}],
          },
          { name: 'mesh', id: MESH, type: 'warp_connector', haMode: 'aws', connectors: [{}, {}] },
          { name: 'plain', type: 'warp_connector', connectors: [{}] },
        ],
      },
    ],
  });

interface Client {
  readonly id: string;
  readonly config_version?: number;
  readonly ha_status: string | null;
}

test('a created tunnel is listed, a renamed one has its new name, a deleted one is gone', () => {
  const { ask, wait } = fleet();
  const created = ask({
    method: 'POST',
    path: `${base}/cfd_tunnel`,
    body: { name: 'blog', config_src: 'cloudflare' },
  });
  expect(created.status).toBe(200);
  const { id } = created.body.result;
  expect(ask(`${base}/tunnels?name=blog`).body.result).toEqual([created.body.result]);
  const path = `${base}/cfd_tunnel/${id}`;
  expect(ask({ method: 'PATCH', path, body: { name: 'journal' } }).body.result.name).toBe('journal');
  expect(ask(`${base}/tunnels?name=blog`).body.result).toEqual([]);
  wait(1000);
  const { result } = ask({ method: 'DELETE', path }).body;
  expect(Date.parse(result.deleted_at)).toBe(START + 1000);
  expect(ask(`${base}/tunnels?name=journal`).body.result).toEqual([]);
  expect(codes(ask({ method: 'DELETE', path }))).toEqual([1002]);
  expect(codes(ask({ method: 'PATCH', path, body: { name: 'again' } }))).toEqual([1002]);
  expect(ask({ method: 'POST', path: `${base}/cfd_tunnel`, body: { name: 'journal' } }).status).toBe(200);
});

test('deleting a running tunnel closes its connections', () => {
  const { ask } = fleet();
  expect(ask({ method: 'DELETE', path: web }).body.result).toMatchObject({
    status: 'down',
    conns_active_at: null,
  });
  expect(ask(`${web}/connections`).body.result).toEqual([]);
});

test.each([
  ['POST', `${base}/cfd_tunnel`, { name: 'web' }],
  ['PATCH', mesh, { name: 'web' }],
])('%s %s refuses a name that is taken', (method, path, body) => {
  const told = fleet().ask({ method, path, body });
  expect(told.status).toBe(409);
  expect(codes(told)).toEqual([1013]);
});

test.each<[string, string, unknown]>([
  ['POST', `${base}/cfd_tunnel`, 'not json'],
  ['POST', `${base}/cfd_tunnel`, []],
  ['POST', `${base}/cfd_tunnel`, 'null'],
  ['POST', `${base}/cfd_tunnel`, {}],
  ['POST', `${base}/cfd_tunnel`, { name: '' }],
  ['POST', `${base}/cfd_tunnel`, { name: 7 }],
  ['POST', `${base}/cfd_tunnel`, { name: 'a', config_src: 'elsewhere' }],
  ['POST', `${base}/cfd_tunnel`, { name: 'a', tunnel_secret: 'c2hvcnQ=' }],
  ['POST', `${base}/warp_connector`, { name: 'a', ha: 'yes' }],
  ['POST', `${base}/warp_connector`, { ha: true }],
  ['PATCH', web, { name: null }],
  ['PATCH', web, { tunnel_secret: 1 }],
  ['PUT', `${web}/configurations`, 'not json'],
  ['PUT', `${web}/configurations`, { config: [] }],
  ['PUT', `${web}/configurations`, { config: { ingress: [] } }],
  ['PUT', `${web}/configurations`, { config: { ingress: {} } }],
  ['PUT', `${web}/configurations`, { config: { ingress: [null] } }],
  ['PUT', `${web}/configurations`, { config: { ingress: [{ hostname: 'a.example.com' }] } }],
  [
    'PUT',
    `${web}/configurations`,
    { config: { ingress: [{ hostname: 'a.example.com', service: 'http://a' }] } },
  ],
  [
    'PUT',
    `${web}/configurations`,
    { config: { ingress: [{ service: 'http://a' }, { service: 'http://b' }] } },
  ],
  ['PUT', `${web}/configurations`, { config: { ingress: [{ hostname: 1, service: 'http://a' }] } }],
  ['POST', `${web}/management`, {}],
  ['POST', `${web}/management`, { resources: ['everything'] }],
  ['DELETE', `${web}/connections?client_id=nonsense`, undefined],
  ['PUT', `${mesh}/failover`, {}],
  ['PUT', `${mesh}/failover`, { client_id: 'nonsense' }],
])('%s %s with %j is a bad request and changes nothing', (method, path, body) => {
  const { ask } = fleet();
  const everything = (): string =>
    ask(`${base}/tunnels`).text + ask(`${web}/configurations`).text + ask(`${web}/connections`).text;
  const before = everything();
  const told = ask({ method, path, body });
  expect(told.status).toBe(400);
  expect(told.body).toMatchObject({ success: false, result: null });
  expect(codes(told)).toHaveLength(1);
  expect(everything()).toBe(before);
});

test('a new configuration is the next version, and connectors apply it one by one', () => {
  const { ask, wait } = fleet();
  const versions = (): readonly (number | undefined)[] =>
    ask(`${web}/connections`).body.result.map((client: Client) => client.config_version);
  const config = {
    ingress: [{ hostname: 'a.example.com', service: 'http://a' }, { service: 'http_status:404' }],
  };
  const put = ask({ method: 'PUT', path: `${web}/configurations`, body: { config } });
  expect(put.body.result).toMatchObject({ tunnel_id: WEB, version: 5, config, source: 'cloudflare' });
  expect(ask(`${web}/configurations`).body).toEqual(put.body);
  expect(versions()).toEqual([4, 4, 4]);
  const seen = new Set<string>();
  for (let second = 0; second < 60; second += 1) {
    wait(1000);
    seen.add(versions().join());
  }
  expect(versions()).toEqual([5, 5, 5]);
  expect(seen.size).toBeGreaterThan(2);
});

test('a locally managed tunnel has no remote configuration until one is put', () => {
  const { ask } = fleet();
  const { id } = ask({ method: 'POST', path: `${base}/cfd_tunnel`, body: { name: 'local' } }).body.result;
  const path = `${base}/cfd_tunnel/${id}`;
  expect(ask(path).body.result).toMatchObject({ config_src: 'local', remote_config: false });
  expect(codes(ask(`${path}/configurations`))).toEqual([1055]);
  expect(ask({ method: 'PUT', path: `${path}/configurations`, body: {} }).body.result.version).toBe(1);
  expect(ask(path).body.result).toMatchObject({ config_src: 'cloudflare', remote_config: true });
});

test('cleaning up one connector leaves the others, cleaning up all takes the tunnel down', () => {
  const { ask, wait } = fleet();
  const ids = (): readonly string[] => ask(`${web}/connections`).body.result.map(({ id }: Client) => id);
  const [first, second, third] = ids();
  const one = ask({ method: 'DELETE', path: `${web}/connections?client_id=${second}` });
  expect(one.body).toMatchObject({ success: true, result: {} });
  expect(ids()).toEqual([first, third]);
  expect(ask(web).body.result.status).toBe('healthy');
  expect(codes(ask({ method: 'DELETE', path: `${web}/connections?client_id=${second}` }))).toEqual([1002]);
  wait(5000);
  expect(ask({ method: 'DELETE', path: `${web}/connections` }).status).toBe(200);
  expect(ids()).toEqual([]);
  const { status, conns_active_at: activeAt, conns_inactive_at: inactiveAt } = ask(web).body.result;
  expect([status, activeAt, Date.parse(inactiveAt)]).toEqual(['down', null, START + 5000]);
});

test('a connector can be read alone, exactly as in the list', () => {
  const { ask } = fleet();
  for (const path of [web, mesh]) {
    const [client] = ask(`${path}/connections`).body.result;
    expect(ask(`${path}/connectors/${client.id}`).body.result).toEqual(client);
  }
});

test('a failover makes the chosen connector active and the other passive', () => {
  const { ask } = fleet();
  const clients = (): readonly Client[] => ask(`${mesh}/connections`).body.result;
  const [active, passive] = clients();
  expect([active?.ha_status, passive?.ha_status]).toEqual(['active', 'passive']);
  expect(ask({ method: 'PUT', path: `${mesh}/failover`, body: { client_id: passive?.id } }).status).toBe(200);
  expect(clients().map((client) => client.ha_status)).toEqual(['passive', 'active']);
});

test('a failover without HA, to an unknown or to an offline connector is refused', () => {
  const { ask, simulation, now } = fleet();
  const [plain] = ask(`${base}/warp_connector?name=plain`).body.result;
  const stranger = '00000000-0000-4000-8000-00000000000f';
  const failOver = (path: string, id: string | undefined): number =>
    ask({ method: 'PUT', path: `${path}/failover`, body: { client_id: id } }).status;
  expect(failOver(`${base}/warp_connector/${plain.id}`, stranger)).toBe(400);
  expect(failOver(mesh, stranger)).toBe(404);
  const [, passive] = simulation.fleet.tunnel(MESH)?.connectors ?? [];
  simulation.fleet.stopConnector(passive?.id ?? '', now());
  expect(failOver(mesh, passive?.id)).toBe(400);
});

test('a WARP connector created highly available can fail over later', () => {
  const { ask } = fleet();
  const create = (name: string, ha: boolean): string =>
    ask({ method: 'POST', path: `${base}/warp_connector`, body: { name, ha } }).body.result.id;
  const mode = (id: string): string => ask(`${base}/warp_connector/${id}/configurations`).body.result.ha_mode;
  expect([mode(create('a', true)), mode(create('b', false))]).toEqual(['local', 'none']);
});

test('the tunnel token names account and tunnel, and follows a new secret', () => {
  const { ask } = fleet();
  const decode = (): unknown => JSON.parse(Buffer.from(ask(`${web}/token`).body.result, 'base64').toString());
  expect(decode()).toMatchObject({ a: ACCOUNT, t: WEB });
  const secret = Buffer.alloc(32, 7).toString('base64');
  ask({ method: 'PATCH', path: web, body: { tunnel_secret: secret } });
  expect(decode()).toEqual({ a: ACCOUNT, t: WEB, s: secret });
});

test('the management token is a JWT for the tunnel', () => {
  const { ask } = fleet();
  const { result } = ask({ method: 'POST', path: `${web}/management`, body: { resources: ['logs'] } }).body;
  const [, claims = ''] = String(result).split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ tun: { id: WEB } });
});
