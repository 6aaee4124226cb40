import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRoutes, parseVerification } from '../../src/cloudflare/schema/account.ts';
import {
  parseCloudflaredConfiguration,
  parseConnectors,
  parseWarpConfiguration,
} from '../../src/cloudflare/schema/details.ts';
import { parseEnvelope } from '../../src/cloudflare/schema/envelope.ts';
import { createInterner, type Parsed } from '../../src/cloudflare/schema/fields.ts';
import { parseTunnels } from '../../src/cloudflare/schema/tunnels.ts';
import { ACCOUNT, recording } from './support.ts';

const CONTEXT = { accountId: ACCOUNT, listType: undefined };

function value<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

const oneTunnel = (item: object) => value(parseTunnels([{ id: 't', ...item }], CONTEXT))[0];
const oneConnector = (item: object) => value(parseConnectors([{ id: 'c', ...item }]))[0];

test('a recorded healthy tunnel with embedded connections', () => {
  const { result } = recording('a-healthy-tunnel-before-the-embedded-connections-went').body;
  const [item] = value(parseTunnels([result], CONTEXT));
  expect(item?.deleted).toBe(false);
  expect(item?.entry.tunnel).toEqual({
    id: '5456b9ca-8b73-4b44-93df-67ad7acc8e2c',
    accountId: ACCOUNT,
    name: 'flare-spike-vpc-1',
    type: 'cfd_tunnel',
    status: 'healthy',
    configSource: 'cloudflare',
    createdAt: Date.UTC(2026, 8, 29, 6, 57, 52, 563),
    activeAt: Date.UTC(2026, 8, 29, 6, 58, 12, 155),
    inactiveAt: undefined,
  });
  expect(item?.entry.embedded).toHaveLength(1);
  expect(item?.entry.embedded?.[0]).toMatchObject({
    id: 'b51d9d55-5121-4116-a420-fb571c6e335a',
    version: '2025.11.1',
    arch: undefined,
    startedAt: undefined,
  });
  expect(item?.entry.embedded?.[0]?.connections.map((connection) => connection.colo)).toEqual([
    'khh01',
    'tpe01',
    'khh01',
    'tpe01',
  ]);
});

test('a recorded tunnel that is down has nothing embedded', () => {
  const { result } = recording('3-5-s-after-its-only-connector-was-killed').body;
  const [item] = value(parseTunnels([result], CONTEXT));
  expect(item?.entry.embedded).toBeUndefined();
  expect(item?.entry.tunnel).toMatchObject({
    status: 'down',
    activeAt: undefined,
    inactiveAt: Date.UTC(2026, 8, 29, 7, 5, 50, 84),
  });
});

test('a recorded deleted tunnel is marked as one, and has its config source from remote_config', () => {
  const { result } = recording('a-deleted-tunnel-asked-for-by-id').body;
  const [item] = value(parseTunnels([result], CONTEXT));
  expect(item).toMatchObject({ deleted: true, entry: { tunnel: { configSource: 'local' } } });
});

test('recorded connections of a connector', () => {
  const [connector, ...others] = value(
    parseConnectors(recording('connections-of-a-tunnel-with-one-connector').body.result),
  );
  expect(others).toEqual([]);
  expect(connector).toMatchObject({
    id: 'b51d9d55-5121-4116-a420-fb571c6e335a',
    version: '2025.11.1',
    arch: 'darwin_arm64',
    startedAt: Date.UTC(2026, 8, 29, 6, 58, 12, 155),
    configVersion: undefined,
    haStatus: undefined,
  });
  expect(connector?.features).toContain('support_quic_eof');
  expect(connector?.connections).toHaveLength(4);
  expect(connector?.connections[1]).toEqual({
    id: '34c31d9d-4477-447b-9e51-b9ef32fbf6f0',
    colo: 'tpe01',
    pendingReconnect: false,
    openedAt: Date.UTC(2026, 8, 29, 6, 58, 12, 484),
    originIp: '203.0.113.10',
  });
});

test('a recorded empty list with its counts', () => {
  const parsed = value(parseEnvelope(recording('an-empty-list').body));
  expect(parsed).toMatchObject({
    failed: false,
    errors: [],
    info: { page: 1, perPage: 1000, totalCount: 0 },
  });
  expect(value(parseTunnels(parsed.result, CONTEXT))).toEqual([]);
});

test('recorded configurations: never set has no rules, put once has three', () => {
  expect(value(parseCloudflaredConfiguration(recording('configuration-never-set').body.result))).toEqual({
    version: 0,
    ingress: [],
    haMode: undefined,
  });
  expect(value(parseCloudflaredConfiguration(recording('configuration-after-one-put').body.result))).toEqual({
    version: 1,
    ingress: [
      { hostname: 'a.flare-spike-vpc.invalid', service: 'http://127.0.0.1:18080', path: '' },
      { hostname: 'b.flare-spike-vpc.invalid', service: 'http://127.0.0.1:18081', path: '^/api' },
      { hostname: '', service: 'http_status:404', path: '' },
    ],
    haMode: undefined,
  });
});

test('a recorded error is recognized by errors', () => {
  expect(value(parseEnvelope(recording('configuration-of-a-deleted-tunnel').body))).toMatchObject({
    failed: true,
    errors: [{ codes: [1055], message: 'Configuration for tunnel not found' }],
  });
});

test('messages are not errors', () => {
  const body = {
    success: true,
    errors: [],
    messages: [{ code: 10000, message: 'This API Token is valid and active' }],
  };
  expect(value(parseEnvelope(body)).failed).toBe(false);
});

test.each([
  [{ success: false }, []],
  [{ success: true, errors: [{ code: 971 }] }, [{ codes: [971], message: '' }]],
  [{ errors: [{ code: '971', message: 7 }] }, [{ codes: [971], message: '' }]],
  [
    { success: false, errors: [{ code: 6003, message: 'x', error_chain: [{ code: 6111, message: 'y' }] }] },
    [{ codes: [6003, 6111], message: 'x' }],
  ],
  [{ success: false, errors: null }, []],
  [{ success: false, errors: ['oops', null, {}] }, [{ codes: [], message: '' }]],
])('failed: %j', (body, errors) => {
  expect(value(parseEnvelope(body))).toMatchObject({ failed: true, errors });
});

test.each([
  ['2026-09-29T06:58:12Z', Date.UTC(2026, 8, 29, 6, 58, 12)],
  ['2026-09-29T06:58:12.155Z', Date.UTC(2026, 8, 29, 6, 58, 12, 155)],
  ['2026-09-29T06:58:12.155536Z', Date.UTC(2026, 8, 29, 6, 58, 12, 155)],
  ['2026-09-29T08:58:12+02:00', Date.UTC(2026, 8, 29, 6, 58, 12)],
  ['0001-01-01T00:00:00Z', undefined],
  ['0001-01-01T00:00:00.000000Z', undefined],
  ['2026-13-45T99:00:00Z', undefined],
  ['yesterday', undefined],
  ['2026', undefined],
  ['', undefined],
  [null, undefined],
  [1790665092, undefined],
  [{}, undefined],
])('time %j', (created_at, expected) => {
  expect(oneTunnel({ created_at })?.entry.tunnel.createdAt).toBe(expected);
});

test.each([null, undefined, 7, {}, [], true])('a description that is %j is absent', (nothing) => {
  const tunnel = oneTunnel({
    name: nothing,
    tun_type: nothing,
    status: nothing,
    config_src: nothing,
    created_at: nothing,
    deleted_at: nothing,
    conns_active_at: nothing,
    conns_inactive_at: nothing,
    connections: nothing,
    metadata: nothing,
  });
  expect(tunnel).toEqual({
    id: 't',
    deleted: false,
    entry: {
      tunnel: {
        id: 't',
        accountId: ACCOUNT,
        name: '',
        type: 'unknown',
        status: 'unknown',
        configSource: '',
        createdAt: undefined,
        activeAt: undefined,
        inactiveAt: undefined,
      },
      embedded: undefined,
    },
  });
  expect(
    oneConnector({
      version: nothing,
      arch: nothing,
      features: nothing,
      run_at: nothing,
      config_version: typeof nothing === 'number' ? '7' : nothing,
      ha_status: nothing,
      conns: [
        {
          id: nothing,
          uuid: nothing,
          colo_name: nothing,
          is_pending_reconnect: 'true',
          opened_at: nothing,
          origin_ip: nothing,
        },
      ],
    }),
  ).toEqual({
    id: 'c',
    version: undefined,
    arch: undefined,
    features: [],
    startedAt: undefined,
    configVersion: undefined,
    haStatus: undefined,
    connections: [
      { id: undefined, colo: undefined, pendingReconnect: false, openedAt: undefined, originIp: undefined },
    ],
  });
});

test('unknown values of an enumeration', () => {
  expect(oneTunnel({ status: 'unhealthy', tun_type: 'quantum' })?.entry.tunnel).toMatchObject({
    status: 'unknown',
    type: 'unknown',
  });
  expect(oneConnector({ ha_status: 'confused' })?.haStatus).toBe('unknown');
  expect(oneConnector({ ha_status: 'passive' })?.haStatus).toBe('passive');
  expect(value(parseWarpConfiguration({ configuration_version: 3, ha_mode: 'azure' }))).toEqual({
    version: 3,
    ingress: undefined,
    haMode: undefined,
  });
  expect(value(parseWarpConfiguration({ configuration_version: 3, ha_mode: 'aws' })).haMode).toBe('aws');
});

test('an item without a type has that of its list; an unknown one stays unknown', () => {
  const context = { accountId: ACCOUNT, listType: 'warp_connector' } as const;
  const parsed = value(
    parseTunnels([{ id: 'a' }, { id: 'b', tun_type: 'quantum' }, { id: 'c', tun_type: 'gre' }], context),
  );
  expect(parsed.map((item) => item.entry.tunnel.type)).toEqual(['warp_connector', 'unknown', 'gre']);
});

test.each([
  [{ config_src: 'local', remote_config: true }, 'local'],
  [{ config_src: null, remote_config: true }, 'cloudflare'],
  [{ remote_config: false }, 'local'],
  [{}, ''],
])('config source of %j', (item, expected) => {
  expect(oneTunnel(item)?.entry.tunnel.configSource).toBe(expected);
});

test('data centers are in lower case', () => {
  expect(oneConnector({ conns: [{ colo_name: 'DFW' }] })?.connections[0]?.colo).toBe('dfw');
});

test('a connection may be pending reconnect, and its id may be in uuid', () => {
  expect(oneConnector({ conns: [{ uuid: 'u', is_pending_reconnect: true }] })?.connections[0]).toMatchObject({
    id: 'u',
    pendingReconnect: true,
  });
});

test('a connector without conns has none', () => {
  expect(oneConnector({})?.connections).toEqual([]);
  expect(oneConnector({ conns: null })?.connections).toEqual([]);
});

test('a connector without id has that of its first connection, if any', () => {
  const ids = value(parseConnectors([{ conns: [{}, { client_id: 'x' }] }, { id: null }])).map(({ id }) => id);
  expect(ids).toEqual(['x', '']);
});

test('a connector or connection listed twice becomes one', () => {
  const parsed = value(
    parseConnectors([
      { id: 'c', version: null, conns: [{ id: '1' }, { id: '1' }, {}, {}] },
      { id: 'd', conns: [{ id: '1' }] },
      { id: 'c', version: '2025.11.1', arch: 'linux_amd64', conns: [{ id: '1' }, { id: '2' }] },
    ]),
  );
  expect(parsed.map(({ id, version, connections }) => [id, version, connections.length])).toEqual([
    ['c', '2025.11.1', 4],
    ['d', undefined, 1],
  ]);
});

test('embedded connections are grouped by client', () => {
  const embedded = oneTunnel({
    connections: [
      { id: '1', client_id: 'a', client_version: '1' },
      { id: '2', client_id: 'b' },
      { id: '3', client_id: 'a' },
      { id: '3', client_id: 'a' },
      { id: '4' },
    ],
  })?.entry.embedded;
  expect(
    embedded?.map(({ id, version, connections }) => [id, version, connections.map((one) => one.id)]),
  ).toEqual([
    ['a', '1', ['1', '3']],
    ['b', undefined, ['2']],
    ['', undefined, ['4']],
  ]);
});

test.each([null, [], undefined, 'oops', {}, [1]])('embedded connections %j are ignored', (connections) => {
  expect(oneTunnel({ connections })?.entry.embedded).toBeUndefined();
});

test.each([
  [null, 'result is null, expected an array'],
  [undefined, 'result is missing, expected an array'],
  [{}, 'result is of type object, expected an array'],
  [[{ id: 'a' }, null], 'result[1] is null, expected an object'],
  [[[]], 'result[0] is an array, expected an object'],
  [[{}], 'result[0].id is missing, expected a string'],
  [[{ id: 7 }], 'result[0].id is of type number, expected a string'],
  [[{ id: '' }], 'result[0].id is empty, expected a string'],
])('tunnels %j', (result, problem) => {
  expect(parseTunnels(result, CONTEXT)).toEqual({ ok: false, problem });
});

test.each([
  [null, 'result is null, expected an array'],
  [['x'], 'result[0] is of type string, expected an object'],
  [[{ conns: {} }], 'result[0].conns is of type object, expected an array'],
  [[{ conns: 'x' }], 'result[0].conns is of type string, expected an array'],
  [[{}, { conns: [{}, 1] }], 'result[1].conns[1] is of type number, expected an object'],
])('connectors %j', (result, problem) => {
  expect(parseConnectors(result)).toEqual({ ok: false, problem });
});

test.each([
  [null, 'result is null, expected an object'],
  [[], 'result is an array, expected an object'],
  [{ config: 'x' }, 'result.config is of type string, expected an object'],
  [{ config: { ingress: {} } }, 'result.config.ingress is of type object, expected an array'],
  [{ config: { ingress: [1] } }, 'result.config.ingress[0] is of type number, expected an object'],
])('configuration %j', (result, problem) => {
  expect(parseCloudflaredConfiguration(result)).toEqual({ ok: false, problem });
});

test('a configuration without rules leaves them undefined', () => {
  expect(value(parseCloudflaredConfiguration({ version: 2 })).ingress).toBeUndefined();
  expect(value(parseCloudflaredConfiguration({ version: 2, config: {} })).ingress).toEqual([]);
});

test.each([
  [null, 'the answer is null, expected an object'],
  [[], 'the answer is an array, expected an object'],
  ['hello', 'the answer is of type string, expected an object'],
])('envelope %j', (body, problem) => {
  expect(parseEnvelope(body)).toEqual({ ok: false, problem });
});

test("a token's verification", () => {
  expect(value(parseVerification({ id: 'x', status: 'active', expires_on: '2027-01-01T00:00:00Z' }))).toEqual(
    {
      status: 'active',
      expiresAt: Date.UTC(2027, 0, 1),
    },
  );
  expect(value(parseVerification({ status: 3 }))).toEqual({ status: 'unknown', expiresAt: undefined });
});

test.each(['a"b\\c\n', ',:{}=', '__proto__', 'constructor', 'x'.repeat(10_000), '🚇'])(
  'the name %j is unchanged',
  (name) => {
    const json: unknown = JSON.parse(
      JSON.stringify([{ id: name, name, connections: [{ id: name, client_id: name }] }]),
    );
    const [item] = value(parseTunnels(json, CONTEXT));
    expect(item?.entry.tunnel).toMatchObject({ id: name, name });
    expect(item?.entry.embedded?.[0]?.id).toBe(name);
  },
);

test('invalid Unicode becomes well-formed, as it would on the page', () => {
  const json: unknown = JSON.parse('[{"id":"t","name":"\\ud800 lone"}]');
  expect(value(parseTunnels(json, CONTEXT))[0]?.entry.tunnel.name).toBe('\uFFFD lone');
});

const featuresOf = (features: readonly string[]) =>
  value(parseConnectors([{ id: 'c', features, conns: [] }]))[0]?.features;

test('the random order of features is ignored', () => {
  expect(featuresOf(['b', 'c', 'a'])).toEqual(featuresOf(['c', 'a', 'b']));
});

test('keys such as __proto__ are ordinary keys', () => {
  const json: unknown = JSON.parse(
    '[{"id":"t","__proto__":{"name":"stolen"},"constructor":{"prototype":{"status":"x"}}}]',
  );
  expect(value(parseTunnels(json, CONTEXT))[0]?.entry.tunnel).toMatchObject({ name: '', status: 'unknown' });
  expect('status' in {}).toBe(false);
});

test('parsing arbitrary JSON neither throws nor changes it', () => {
  const parsers = [
    parseEnvelope,
    parseConnectors,
    parseCloudflaredConfiguration,
    parseWarpConfiguration,
    parseVerification,
    (json: unknown) => parseTunnels(json, CONTEXT),
  ];
  const key = fc.constantFrom(
    'id',
    'conns',
    'connections',
    'config',
    'ingress',
    'errors',
    'error_chain',
    'features',
    '__proto__',
  );
  const json = fc.oneof(
    fc.jsonValue(),
    fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(key, tie('node'), { maxKeys: 5 }),
      ),
    })).node,
  );
  fc.assert(
    fc.property(json, (input) => {
      const before = JSON.stringify(input);
      for (const parser of parsers) parser(input);
      expect(JSON.stringify(input)).toBe(before);
    }),
    { numRuns: 300 },
  );
});

test('lone surrogates are replaced before anything is compared', () => {
  const LONE = ['\ud800', '\udfff'];
  const ids = LONE.map((lone) => value(parseTunnels([{ id: `t${lone}` }], CONTEXT))[0]);
  expect(ids.map((item) => [item?.id, item?.entry.tunnel.id])).toEqual([
    ['t\ufffd', 't\ufffd'],
    ['t\ufffd', 't\ufffd'],
  ]);
  expect(featuresOf(LONE.map((lone) => `f${lone}`))).toEqual(['f\ufffd']);
  expect(oneTunnel({ config_src: '\ud800' })?.entry.tunnel.configSource).toBe('\ufffd');
  const connectors = value(parseConnectors(LONE.map((lone) => ({ id: `c${lone}` }))));
  expect(connectors.map((connector) => connector.id)).toEqual(['c\ufffd']);
});

test('a route may lack everything but its id; a deleted one is told apart', () => {
  const parsed = parseRoutes(
    [
      { id: 'bare' },
      {
        id: 'whole',
        network: '10.0.0.0/8',
        hostname: 'not.a.network',
        tunnel_id: 't',
        tun_type: 'magic',
        virtual_network_id: 'v',
        virtual_network_name: null,
        deleted_at: '2026-11-01T00:00:00Z',
      },
      { id: 'odd', network: 7, tun_type: 'of the future', deleted_at: '0001-01-01T00:00:00Z' },
    ],
    'network',
  );
  const bare = { id: 'bare', target: '', tunnelId: '', tunnelType: undefined, virtualNetwork: '' };
  expect(parsed).toEqual({
    ok: true,
    value: [
      { id: 'bare', deleted: false, route: bare },
      {
        id: 'whole',
        deleted: true,
        route: { id: 'whole', target: '10.0.0.0/8', tunnelId: 't', tunnelType: 'magic', virtualNetwork: 'v' },
      },
      { id: 'odd', deleted: false, route: { ...bare, id: 'odd', tunnelType: 'unknown' } },
    ],
  });
});

test.each([[null], [{}], [[null]], [[{ id: '' }]], [[{ network: '10.0.0.0/8' }]]])(
  '%j is not a list of routes',
  (result) => {
    expect(parseRoutes(result, 'hostname')).toMatchObject({ ok: false });
  },
);

test('equal lists become one instance; lists that are equal only when joined do not', () => {
  const shared = createInterner();
  const first = shared.texts(['a', 'b']);
  expect(shared.texts(['a', 'b'])).toBe(first);
  expect(shared.texts(['a,b'])).toEqual(['a,b']);
  expect(shared.texts([])).toEqual([]);
});

test('interned texts keep their values when the table overflows', () => {
  const shared = createInterner();
  for (let index = 0; index < 10_000; index += 1)
    expect(shared.text(`10.0.0.${index}`)).toBe(`10.0.0.${index}`);
  expect(shared.text(undefined)).toBeUndefined();
  const first = shared.texts(['kept']);
  for (let index = 0; index < 10_000; index += 1) shared.texts([`${index}`]);
  expect(shared.texts(['kept'])).not.toBe(first);
});
