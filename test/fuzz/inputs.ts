import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { openLiveToken } from '../../src/cloudflare/live-token.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseToken } from '../../src/config/api-token.ts';
import type { FaultEffect, FaultSpec, Random } from '../../src/simulator/index.ts';
import { readWebConfig } from '../../src/web/web-config.ts';
import { ACCOUNT, OTHER_ACCOUNT } from '../poller/support.ts';
import { connection } from '../web/serving.ts';
import { anyValue, mutateJson, mutateText } from './mutate.ts';
import type { FuzzRig } from './rig.ts';

/**
 * Passes one input to its parser and checks the result. Everything else is checked after every
 * input.
 */
export type Input = (random: Random, rig: FuzzRig) => Promise<void>;

/** Requests of the exporter, with the simulator's names. */
const ENDPOINTS = [
  'tunnels',
  'cfd_tunnel',
  'warp_connector',
  'cfd_tunnel_connections',
  'warp_connector_connections',
  'cfd_tunnel_configurations',
  'warp_connector_configurations',
] as const;
/** Without answers that rightly stop the whole token. */
const STATUSES = [200, 201, 204, 301, 400, 401, 403, 404, 408, 410, 418, 500, 502, 503, 530] as const;

const DEEP: readonly (readonly [string, string])[] = [
  ['[', ']'],
  ['{"a":', '}'],
  ['[{"code":1000,"error_chain":', '}]'],
  ['[{"id":"x","conns":', '}]'],
];

function anEffect(random: Random): FaultEffect {
  switch (random.integer(0, 7)) {
    case 0:
      return { kind: 'rewrite', rewrite: () => anyValue(random) };
    case 1:
      return {
        kind: 'text',
        status: random.pick(STATUSES),
        text: mutateText(random, JSON.stringify(anyValue(random))),
      };
    case 2:
      return { kind: 'mangle', mangle: (body) => mutateText(random, body) };
    case 3: {
      const body = {
        success: false,
        errors: [anyValue(random), { code: 1000, error_chain: anyValue(random) }],
      };
      return { kind: 'status', status: random.pick(STATUSES.filter((status) => status >= 400)), body };
    }
    case 4: {
      const [open, close] = random.pick(DEEP);
      const depth = random.pick([100, 5_000, 100_000]);
      const deep = open.repeat(depth) + 'null' + close.repeat(depth);
      return { kind: 'text', status: random.pick(STATUSES), text: `{"errors":${deep},"result":${deep}}` };
    }
    default:
      return { kind: 'rewrite', rewrite: (body) => mutateJson(random, body) };
  }
}

const apiAnswers: Input = async (random, { simulator, pollAll, isWhole, seriesOf }) => {
  const before = await seriesOf(ACCOUNT);
  const endpoint = random.shuffle([...ENDPOINTS]).slice(0, random.integer(1, 3));
  const spec: FaultSpec = { accountId: ACCOUNT, endpoint, effect: anEffect(random) };
  const fault = simulator.faults.add(spec);
  await pollAll();
  expect(isWhole(OTHER_ACCOUNT), 'another account is observed as ever').toBe(true);
  await seriesOf(ACCOUNT);
  fault.remove();
  // A refused list is requested again after at most ten minutes, and a failed tunnel after five.
  for (let time = 0; time < 3 && !isWhole(ACCOUNT); time += 1) await pollAll();
  await pollAll();
  expect(isWhole(ACCOUNT), 'the account recovers by itself').toBe(true);
  expect(await seriesOf(ACCOUNT)).toEqual(before);
};

const singleAnswers: Input = async (random, { simulator, rig }) => {
  const fault = simulator.faults.add({
    endpoint: ['user_token_verify', 'account_token_verify', 'cfd_tunnel_connector', 'accounts'],
    effect: anEffect(random),
  });
  const { client } = rig.group;
  await client.verify(ACCOUNT);
  await client.accounts();
  await client.connector({ id: rig.tunnel('shop').tunnel.id, accountId: ACCOUNT }, 'c');
  fault.remove();
  expect((await client.verify(ACCOUNT)).ok).toBe(true);
  expect((await client.accounts()).ok).toBe(true);
};

const CONFIG = `cloudflare:
  account-id: [${ACCOUNT}]
  api-token-file: token
  request-budget: 600
poll:
  schedule: '*/30 * * * * *'
  stale-after: 10m
tunnels:
  include: ['^prod-', "a(b|c)*"]
  types: [cfd_tunnel]
accounts:
  - { id: ${OTHER_ACCOUNT}, name: Two, api_token_file: token }
expected_tunnels:
  - { account_id: ${ACCOUNT}, name: shop, min_connectors: 2 }
web:
  listen-address: ':20240'
  telemetry-path: /metrics
  config: { file: web.yml }
metrics: { deny: [x], hostnames: true }
`;
const WEB_CONFIG = `tls_server_config: &tls
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [a, b]
  min_version: TLS12
  cipher_suites: [TLS_AES_128_GCM_SHA256]
http_server_config:
  headers: { X-Frame-Options: deny }
basic_auth_users:
  alice: $2b$04$pU/mXy0h8JkERBmGmotHme5lqMQifl8Rg2JewTp2AA2UhrFLYnnIG
`;

const yamlFiles: Input = (random) => {
  const files: Readonly<Record<string, string>> = {
    config:
      random.next() < 0.7 ? mutateText(random, CONFIG) : JSON.stringify(mutateJson(random, { a: CONFIG })),
    'web.yml': mutateText(random, WEB_CONFIG),
    token: mutateText(random, 'a-secret-token-of-40-characters-in-length'),
  };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  };
  const loaded = loadConfig({
    argv: ['--config.file=config'],
    env: {},
    readFile,
    isTerminal: false,
    checkWebConfig: (file, read) => {
      const reading = readWebConfig(file, read);
      return reading.ok ? [] : reading.problems;
    },
  });
  const lines = loaded.kind === 'invalid' ? loaded.problems : loaded.kind === 'loaded' ? loaded.warnings : [];
  for (const line of lines) expect(line).toMatch(/^[^\p{Cc}\u2028\u2029]+$/u);
  const web = readWebConfig('web.yml', readFile);
  if (!web.ok)
    for (const line of web.problems) expect(line).not.toContain('pU/mXy0h8JkERBmGmotHme5lqMQifl8Rg2Jew');
  return Promise.resolve();
};

const tokenFiles: Input = async (random) => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'token');
  const good = 'a-secret-token-of-40-characters-in-length';
  writeFileSync(path, good);
  const token = await openLiveToken({ kind: 'file', path });
  writeFileSync(path, random.next() < 0.2 ? 'x'.repeat(200_000) : mutateText(random, good));
  const { changed } = await token.refresh();
  const current = token.current() ?? '';
  expect(changed || current === good).toBe(true);
  expect(parseToken(current)).toEqual({ ok: true, value: current });
  writeFileSync(path, good);
  await token.refresh();
  expect(token.current()).toBe(good);
  rmSync(folder, { recursive: true });
};

const REQUEST = `GET /metrics?name[]=up HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\nAccept-Encoding: gzip\r\nAuthorization: Basic YTpi\r\nOrigin: http://x\r\n\r\n`;
const TARGETS = ['/metrics', '/', '/api/v1/tunnels?status=down', '/livez', '/-/reload', '/nowhere'] as const;
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT', 'TRACE'] as const;

const httpRequests: Input = async (random, { url }) => {
  const request = REQUEST.replace('/metrics', random.pick(TARGETS)).replace('GET', random.pick(METHODS));
  const socket = connection(
    url,
    Buffer.from(mutateText(random, request), random.next() < 0.5 ? 'utf8' : 'latin1'),
  );
  socket.resume();
  await Promise.race([new Promise((resolve) => socket.once('data', resolve)), sleep(20)]);
  socket.destroy();
};

export const INPUTS: Readonly<Record<string, Input>> = {
  'an API answer': apiAnswers,
  'an answer about one thing': singleAnswers,
  'YAML files': yamlFiles,
  'a token file': tokenFiles,
  'an HTTP request': httpRequests,
};
