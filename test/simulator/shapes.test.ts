import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ACCOUNT, rig, shape } from './support.ts';
import type { Rig, Told } from './support.ts';

interface Recorded {
  readonly what: string;
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: unknown;
}

const recordings: { readonly answers: readonly Recorded[] } = JSON.parse(
  readFileSync('test/fixtures/recordings/shapes.json', 'utf8'),
);

const CONFIG = {
  ingress: [
    { service: 'http://127.0.0.1:8080', hostname: 'a.example.com' },
    {
      path: '^/api',
      service: 'http://127.0.0.1:8081',
      hostname: 'b.example.com',
      originRequest: { connectTimeout: 10 },
    },
    { service: 'http_status:404' },
  ],
  'warp-routing': { enabled: false },
};

/** The life of the recorded tunnel: created, connected, configured, killed, deleted. */
function recordedLife(): Readonly<Record<string, Told>> {
  const told: Record<string, Told> = {};
  const { ask, simulation, wait, now }: Rig = rig({ embeddedConnections: 'populated' });
  const created = ask({
    method: 'POST',
    path: `/accounts/${ACCOUNT}/cfd_tunnel`,
    body: { name: 'recorded', config_src: 'cloudflare' },
  });
  const id: string = created.body.result.id;
  const path = `/accounts/${ACCOUNT}/cfd_tunnel/${id}`;
  told['configuration never set'] = ask(`${path}/configurations`);
  wait(20_000);
  const connector = simulation.fleet.startConnector({ tunnelId: id }, now());
  told['connections of a tunnel with one connector'] = ask(`${path}/connections`);
  told['a healthy tunnel, before the embedded connections went'] = ask(path);
  ask({ method: 'PUT', path: `${path}/configurations`, body: { config: CONFIG } });
  told['configuration after one put'] = ask(`${path}/configurations`);
  wait(60_000);
  simulation.fleet.stopConnector(connector.id, now());
  wait(3500);
  told['3.5 s after its only connector was killed'] = ask(path);
  ask({ method: 'DELETE', path });
  told['a deleted tunnel, asked for by id'] = ask(path);
  told['configuration of a deleted tunnel'] = ask(`${path}/configurations`);
  told['an empty list'] = ask(`/accounts/${ACCOUNT}/cfd_tunnel?name=recorded&is_deleted=false`);
  return told;
}

const told = recordedLife();

test.each(recordings.answers)(
  'has the shape of the real answer: $what',
  ({ what, status, headers, body }) => {
    const answer = told[what];
    expect(answer?.status).toBe(status);
    expect(Object.keys(answer?.headers ?? {})).toEqual(expect.arrayContaining([...headers]));
    // As text: the order of the keys counts too.
    expect(JSON.stringify(shape(answer?.body), null, 1)).toBe(JSON.stringify(body, null, 1));
  },
);

test('times mean what they mean in the recordings', () => {
  const healthy = told['a healthy tunnel, before the embedded connections went']?.body.result;
  const connections = told['connections of a tunnel with one connector']?.body.result;
  const down = told['3.5 s after its only connector was killed']?.body.result;
  expect(healthy.status).toBe('healthy');
  expect(healthy.conns_active_at).toBe(connections[0].run_at);
  expect(connections[0].conns[0].opened_at).toBe(connections[0].run_at);
  expect(down.status).toBe('down');
  expect(down.conns_active_at).toBeNull();
  expect(down.conns_inactive_at > healthy.conns_active_at).toBe(true);
});

test('a new tunnel is inactive since its creation', () => {
  const { ask } = rig();
  const { result } = ask({
    method: 'POST',
    path: `/accounts/${ACCOUNT}/cfd_tunnel`,
    body: { name: 'new' },
  }).body;
  expect(result).toMatchObject({
    status: 'inactive',
    conns_active_at: null,
    conns_inactive_at: result.created_at,
  });
});

test('a WARP connector has milliseconds, no uuid and no pending state', () => {
  const { ask } = rig({
    accounts: [
      {
        id: ACCOUNT,
        name: 'One',
        tunnels: [
          {
            name: 'mesh',
            type: 'warp_connector',
            haMode: 'aws',
            connectors: [{}, { arch: null, version: null, features: null }],
          },
        ],
      },
    ],
  });
  const tunnel = ask(`/accounts/${ACCOUNT}/warp_connector`).body.result[0];
  expect(shape(tunnel)).toEqual({
    id: 'uuid',
    account_tag: 'string',
    created_at: 'milliseconds',
    deleted_at: 'null',
    name: 'string',
    conns_active_at: 'milliseconds',
    conns_inactive_at: 'null',
    tun_type: 'string',
    metadata: {},
    status: 'string',
  });
  const { result, ...envelope } = ask(`/accounts/${ACCOUNT}/warp_connector/${tunnel.id}/connections`).body;
  expect(envelope).not.toHaveProperty('result_info');
  expect(result.map((client: { ha_status: string }) => client.ha_status)).toEqual(['active', 'passive']);
  expect(shape(result[0])).toEqual({
    id: 'uuid',
    features: [],
    version: 'string',
    arch: 'string',
    conns: [
      {
        id: 'uuid',
        colo_name: 'string',
        origin_ip: 'string',
        opened_at: 'milliseconds',
        client_id: 'uuid',
        client_version: 'string',
      },
    ],
    run_at: 'milliseconds',
    ha_status: 'string',
  });
  expect(Object.keys(result[1])).toEqual(['id', 'conns', 'run_at', 'ha_status']);
  expect(shape(ask(`/accounts/${ACCOUNT}/warp_connector/${tunnel.id}/configurations`).body.result)).toEqual({
    tunnel_id: 'uuid',
    ha_mode: 'string',
    configuration_version: 'number',
    created_at: 'milliseconds',
  });
});

test('a WARP connector without HA has a null ha_status', () => {
  const { ask } = rig({
    accounts: [
      { id: ACCOUNT, name: 'One', tunnels: [{ name: 'mesh', type: 'warp_connector', connectors: [{}] }] },
    ],
  });
  const [tunnel] = ask(`/accounts/${ACCOUNT}/tunnels`).body.result;
  const [client] = ask(`/accounts/${ACCOUNT}/warp_connector/${tunnel.id}/connections`).body.result;
  expect(client.ha_status).toBeNull();
});

test.each([
  ['populated', 4],
  ['empty', 0],
  ['missing', undefined],
] as const)(
  'embedded connections can be %s, in lists and in single tunnels',
  (embeddedConnections, count) => {
    const { ask } = rig({
      embeddedConnections,
      accounts: [{ id: ACCOUNT, name: 'One', tunnels: [{ name: 'web', connectors: [{}] }] }],
    });
    const [listed] = ask(`/accounts/${ACCOUNT}/tunnels`).body.result;
    const single = ask(`/accounts/${ACCOUNT}/cfd_tunnel/${listed.id}`).body.result;
    expect(single).toEqual(listed);
    expect(listed.connections?.length).toBe(count);
  },
);
