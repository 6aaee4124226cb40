import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.ts';
import { fakeCloudflared } from '../sidecar/support.ts';
import { debianProgram } from '../support/debian.ts';
import { startProgram } from '../support/debian-server.ts';
import type { Finished } from '../support/exporter-process.ts';
import { aConnectProxy, API_NAME, aRefusingProxy, aSocksProxy, aStrangeServer } from '../support/proxies.ts';
import { type Authority, anAuthority, type Issued, openssl } from '../web/web-config/certificates.ts';
import { ACCOUNT, cli, ONCE, running, scrape, simulate, valueOf } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const UP = 'cloudflare_tunnel_exporter_account_up';
const PASSWORD = 'p@ss:word-of-the-proxy';
const CREDENTIALS = `exporter:${PASSWORD}`;
const IN_URL = `exporter:${encodeURIComponent(PASSWORD)}@`;

interface SecureApi {
  readonly folder: string;
  readonly authority: Authority;
  readonly issued: Issued;
  readonly api: Simulator;
  readonly port: number;
  /** Base of the API by a name that only the proxies of the tests resolve. */
  readonly named: { readonly url: string };
  readonly caFile: string;
}

/** The simulated API over https, with a certificate of an unknown authority. */
async function aSecureApi(options: SimulatorOptions = {}): Promise<SecureApi> {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const authority = anAuthority(folder);
  const issued = authority.issue('api', { sans: [`DNS:${API_NAME}`, 'IP:127.0.0.1', 'IP:0.0.0.0'] });
  const api = await simulate({ ...options, tls: issued });
  const port = Number(new URL(api.url).port);
  const named = { url: `https://${API_NAME}/client/v4` };
  return {
    folder,
    authority,
    issued,
    api,
    port,
    named,
    caFile: `--cloudflare.ca-file=${authority.certFile}`,
  };
}

const linesOf = ({ stderr }: Finished): readonly string[] => stderr.split('\n').filter((line) => line !== '');

/** Checks that a text contains the password in no readable form. */
function expectNoSecret(text: string): void {
  for (const form of [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(CREDENTIALS).toString('base64')])
    expect(text).not.toContain(form);
}

test.skipIf(openssl.missing)(
  `every request goes through the proxy of HTTPS_PROXY, with its credentials${openssl.needs}`,
  async () => {
    const { api, port, named, caFile } = await aSecureApi();
    const proxy = await aConnectProxy({ apiPort: port, credentials: CREDENTIALS });
    const env = { HTTPS_PROXY: `http://${IN_URL}${proxy.address}` };
    const once = await cli(['once', caFile, '--log.level=trace'], { api: named, env });
    expect(once.code).toBe(0);
    expect(valueOf(once.stdout, UP)).toBe(1);
    expect(api.requests.count()).toBeGreaterThan(0);
    expect(new Set(proxy.targets)).toEqual(new Set([`${API_NAME}:443`]));

    const checked = await cli(['check', caFile], { api: named, env });
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(checked.stdout).toContain(
      `Cloudflare API at ${named.url} through the proxy ${proxy.address} (HTTPS_PROXY)\n`,
    );

    const exporter = await running([...ONCE, caFile, '--log.level=trace'], { api: named, env });
    await vi.waitFor(async () => expect(valueOf(await scrape(exporter), UP)).toBe(1), PATIENCE);
    const pages = await Promise.all(
      ['/metrics', '/', '/api/v1/tunnels', '/api/v1/events', '/readyz'].map((path) => exporter.get(path)),
    );
    await exporter.stop();
    expect(exporter.logs()).toContainEqual(
      expect.objectContaining({ msg: 'serving metrics', proxy: proxy.address }),
    );
    expectNoSecret(
      [
        once.stdout,
        once.stderr,
        checked.stdout,
        JSON.stringify(exporter.logs()),
        ...pages.map(({ text }) => text),
      ].join('\n'),
    );
  },
);

test.skipIf(openssl.missing)(
  `a proxy that is asked over TLS is trusted by the same authorities${openssl.needs}`,
  async () => {
    const { port, named, caFile, issued } = await aSecureApi();
    const proxy = await aConnectProxy({ apiPort: port, tls: issued, credentials: CREDENTIALS });
    const env = { https_proxy: `https://${IN_URL}${proxy.address}` };
    expect(await cli(['once', caFile], { api: named, env })).toMatchObject({ code: 0, stderr: '' });
    expect(proxy.targets.length).toBeGreaterThan(0);
    const unknown = await cli(['once'], { api: named, env });
    expect(unknown.code).toBe(1);
    expect(linesOf(unknown)[0]).toMatch(
      /TLS with the proxy 127\.0\.0\.1:\d+ \(https_proxy\) failed \([A-Z_]+\); check its scheme and the clock, and give its certificate authority by --cloudflare\.ca-file: GET/,
    );
  },
);

test.skipIf(openssl.missing).each([
  { name: 'with a password', inUrl: IN_URL, options: { credentials: CREDENTIALS } },
  { name: 'for anybody', inUrl: '', options: {} },
])(`a SOCKS5 proxy $name resolves the name itself${openssl.needs}`, async ({ inUrl, options }) => {
  const { port, named, caFile } = await aSecureApi();
  const proxy = await aSocksProxy({ apiPort: port, ...options });
  const env = { HTTPS_PROXY: `socks5://${inUrl}${proxy.address}` };
  const once = await cli(['once', caFile], { api: named, env });
  expect(once.code).toBe(0);
  expect(valueOf(once.stdout, UP)).toBe(1);
  expect(new Set(proxy.targets)).toEqual(new Set([`${API_NAME}:443`]));
  // Every line is JSON, including warnings of libraries.
  for (const line of linesOf(once)) expect(JSON.parse(line)).toMatchObject({ level: 'warn' });
  expectNoSecret(once.stdout + once.stderr);
});

test('requests to this machine never use a proxy: neither to a local API nor to cloudflared', async () => {
  const api = await simulate();
  const connectorId = 'c'.repeat(32);
  const cloudflared = await fakeCloudflared({ readyConnections: 4, connectorId });
  const dead = 'http://127.0.0.1:9';
  const [tunnel] = api.fleet.tunnels(ACCOUNT);
  const token = Buffer.from(JSON.stringify({ a: ACCOUNT, t: tunnel?.id, s: 'c2VjcmV0' })).toString('base64');
  const { code, stdout } = await cli(['once', `--sidecar.cloudflared-url=${cloudflared.url}`], {
    api,
    env: { HTTPS_PROXY: dead, HTTP_PROXY: dead, http_proxy: dead, ALL_PROXY: dead, TUNNEL_TOKEN: token },
  });
  expect(code).toBe(0);
  expect(valueOf(stdout, UP)).toBe(1);
  expect(valueOf(stdout, 'cloudflare_tunnel_sidecar_ready')).toBe(1);
  expect(cloudflared.asked()).toBe(1);
});

test.skipIf(openssl.missing)(`NO_PROXY exempts the API${openssl.needs}`, async () => {
  const { port, caFile } = await aSecureApi();
  const api = { url: `https://0.0.0.0:${port}/client/v4` };
  const env = { HTTPS_PROXY: 'http://127.0.0.1:9' };
  expect((await cli(['once', caFile], { api, env })).code).toBe(1);
  expect(
    (await cli(['once', caFile], { api, env: { ...env, NO_PROXY: `a.test,0.0.0.0:${port}` } })).code,
  ).toBe(0);
});

interface Trouble {
  readonly name: string;
  /** The value of HTTPS_PROXY. */
  readonly proxy: (secureApi: SecureApi) => Promise<string>;
  readonly line: RegExp;
  /** Default: true. */
  readonly trusts?: boolean;
  /** Default: 10s. */
  readonly timeout?: string;
  /** The API's behaviour. */
  readonly prepare?: (api: Simulator) => void;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'a proxy that wants a user and password',
    proxy: async ({ port }) => (await aConnectProxy({ apiPort: port, credentials: CREDENTIALS })).address,
    line: /^the proxy (127\.0\.0\.1:\d+) \(HTTPS_PROXY\) wants a user and password \(407\); give them as http:\/\/user:password@\1: GET /,
  },
  {
    name: 'a proxy that refuses user and password',
    proxy: async ({ port }) =>
      `http://${IN_URL}${(await aConnectProxy({ apiPort: port, credentials: 'exporter:another' })).address}`,
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses its user and password \(407\); correct them there: GET /,
  },
  {
    name: 'a SOCKS5 proxy that refuses user and password',
    proxy: async ({ port }) =>
      `socks5://${IN_URL}${(await aSocksProxy({ apiPort: port, credentials: 'exporter:another' })).address}`,
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses its user and password \(UND_ERR_SOCKS5_AUTH_FAILED\); /,
  },
  {
    name: 'a proxy that refuses to connect',
    proxy: async () => `http://${IN_URL}${await aRefusingProxy(403)}`,
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses to connect to api\.example\.test \(it answered 403\); allow that there, or exempt the host by NO_PROXY: GET /,
  },
  {
    name: 'a proxy that cannot reach Cloudflare',
    proxy: async () => aRefusingProxy(502),
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) cannot reach api\.example\.test \(it answered 502\); check the proxy's own DNS and network: GET /,
  },
  {
    name: 'a proxy that does not run',
    proxy: () => Promise.resolve(`http://${IN_URL}127.0.0.1:9`),
    line: /^cannot reach the proxy 127\.0\.0\.1:9 \(HTTPS_PROXY\) \(ECONNREFUSED\); check HTTPS_PROXY and that it runs: GET /,
  },
  {
    name: 'a SOCKS5 proxy that does not run',
    proxy: () => Promise.resolve(`socks5://${IN_URL}127.0.0.1:9`),
    line: /^cannot reach the proxy 127\.0\.0\.1:9 \(HTTPS_PROXY\) \(ECONNREFUSED\); check HTTPS_PROXY and that it runs: GET /,
  },
  {
    name: 'a proxy whose name does not resolve',
    proxy: () => Promise.resolve('http://proxy.invalid:3128'),
    line: /^cannot resolve the proxy proxy\.invalid:3128 \(HTTPS_PROXY\) \((?:ENOTFOUND|EAI_AGAIN)\); check DNS and HTTPS_PROXY: GET /,
  },
  {
    name: 'a proxy that never answers',
    proxy: () => aStrangeServer(''),
    timeout: '1s',
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) does not answer in time \(UND_ERR_CONNECT_TIMEOUT\); check HTTPS_PROXY and the firewall: GET |^no complete answer through the proxy 127\.0\.0\.1:\d+ within 1 s /,
  },
  {
    name: 'a proxy that is none',
    proxy: () => aStrangeServer('SSH-2.0-OpenSSH_9.2\r\n'),
    line: /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) does not speak HTTP \(HPE_\w+\); check its scheme and port: GET /,
  },
  {
    name: 'a proxy without TLS where TLS was asked for',
    proxy: async ({ port }) => `https://${(await aConnectProxy({ apiPort: port })).address}`,
    line: /^TLS with the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) failed \(\w+\); check its scheme/,
  },
  {
    name: 'a proxy that inspects TLS with an authority that is not known',
    proxy: async ({ port }) => (await aConnectProxy({ apiPort: port })).address,
    trusts: false,
    line: /^TLS with api\.example\.test through the proxy 127\.0\.0\.1:\d+ failed \([A-Z_]+\); check --cloudflare\.api-url and the clock, and give the certificate authority of a proxy that inspects TLS by --cloudflare\.ca-file: GET /,
  },
  {
    name: 'a proxy that inspects TLS and answers with a page',
    proxy: async ({ port }) => (await aConnectProxy({ apiPort: port })).address,
    prepare: (api) => {
      api.faults.add({
        effect: { kind: 'text', status: 403, text: '<!DOCTYPE html><title>Blocked by policy</title>' },
      });
    },
    line: /^GET \S+ answered 403 with a body that is not JSON but a web page \(it begins "<!DOCTYPE html><title>Blocked by policy<\/title>"\); is --cloudflare\.api-url right, or does the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) answer in its place\?$/,
  },
];

const messageOf = (line: string): string => {
  const entry: unknown = JSON.parse(line);
  return typeof entry === 'object' && entry !== null && 'msg' in entry ? String(entry.msg) : '';
};

test.skipIf(openssl.missing).each(TROUBLES)(
  `$name is told from Cloudflare, without a secret${openssl.needs}`,
  async (trouble) => {
    const secureApi = await aSecureApi();
    trouble.prepare?.(secureApi.api);
    const env = { HTTPS_PROXY: await trouble.proxy(secureApi) };
    const args = [
      ...(trouble.trusts === false ? [] : [secureApi.caFile]),
      `--cloudflare.request-timeout=${trouble.timeout ?? '10s'}`,
    ];
    const once = await cli(['once', ...args, '--log.level=trace'], { api: secureApi.named, env });
    expect(once.code).toBe(1);
    expect(linesOf(once).map(messageOf)).toContainEqual(expect.stringMatching(trouble.line));
    const checked = await cli(['check', ...args], { api: secureApi.named, env });
    expect(checked.code).toBe(1);
    const problems = checked.stdout.split('\n').flatMap((line) => /^ {2}- (\S.*)/.exec(line)?.[1] ?? []);
    expect(problems).toEqual([expect.stringMatching(trouble.line)]);
    expectNoSecret(once.stdout + once.stderr + checked.stdout + checked.stderr);
  },
);

test.each([
  [
    `ftp://${IN_URL}proxy:21`,
    /^HTTPS_PROXY \(environment\): a proxy of the scheme ftp cannot be used, only http, https and socks5$/,
  ],
  [
    `http://${IN_URL}`,
    /^HTTPS_PROXY \(environment\): is not the URL of a proxy; use e\.g\. http:\/\/proxy\.example\.com:3128$/,
  ],
])('HTTPS_PROXY=%s is one line and exit 1', async (value, line) => {
  for (const command of ['run', 'once', 'check']) {
    const finished = await cli([command], {
      api: { url: 'https://api.example.test/client/v4' },
      env: { HTTPS_PROXY: value },
    });
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(linesOf(finished)).toEqual([expect.stringMatching(line)]);
    expectNoSecret(finished.stderr);
  }
});

test.skipIf(openssl.missing)(
  `a reload uses another file of authorities, unless it is invalid${openssl.needs}`,
  async () => {
    const { api, folder, authority } = await aSecureApi();
    const path = join(folder, 'trusted.pem');
    const stranger = anAuthority(mkdtempSync(join(folder, 'stranger-')));
    writeFileSync(path, stranger.cert);
    const exporter = await running([`--cloudflare.ca-file=${path}`], { api });
    const said = (text: string): number => exporter.logs().filter(({ msg }) => msg.includes(text)).length;
    await vi.waitFor(() => expect(said('TLS with 127.0.0.1')).toBeGreaterThan(0), PATIENCE);

    writeFileSync(path, 'no certificate');
    exporter.kill('SIGHUP');
    await vi.waitFor(
      () =>
        expect(said('holds no certificate in PEM form, between BEGIN CERTIFICATE and END CERTIFICATE')).toBe(
          1,
        ),
      PATIENCE,
    );
    await vi.waitFor(() => expect(said('the previous settings stay in use')).toBe(1), PATIENCE);

    // A typical bundle, with text between the certificates.
    writeFileSync(path, `# one\n${stranger.cert}\n# and another\n${authority.cert}`);
    exporter.kill('SIGHUP');
    await vi.waitFor(async () => expect(valueOf(await scrape(exporter), UP)).toBe(1), PATIENCE);
  },
);

test.skipIf(openssl.missing)(
  `authorities of a file are trusted beside those of NODE_EXTRA_CA_CERTS${openssl.needs}`,
  async () => {
    const { api, folder, authority } = await aSecureApi();
    const stranger = anAuthority(mkdtempSync(join(folder, 'stranger-')));
    const args = ['once', `--cloudflare.ca-file=${stranger.certFile}`];
    expect((await cli(args, { api })).code).toBe(1);
    expect(await cli(args, { api, env: { NODE_EXTRA_CA_CERTS: authority.certFile } })).toMatchObject({
      code: 0,
      stderr: '',
    });
  },
);

test.each([
  { name: 'is not there', line: /cannot read "\/nonexistent\/ca\.pem": no such file$/ },
  {
    name: 'holds none',
    content: 'hello',
    line: /"\S+" holds no certificate in PEM form, between BEGIN CERTIFICATE and END CERTIFICATE$/,
  },
  {
    name: 'holds a broken one',
    content: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    line: /"\S+" holds a certificate that cannot be read, number 1 of 1$/,
  },
])('a file of authorities that $name is one line and exit 1', async ({ content, line }) => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = content === undefined ? '/nonexistent/ca.pem' : join(folder, 'ca.pem');
  if (content !== undefined) writeFileSync(path, content);
  const finished = await cli(['once', `--cloudflare.ca-file=${path}`]);
  expect(finished).toMatchObject({ code: 1, stdout: '' });
  expect(linesOf(finished)).toEqual([expect.stringMatching(/^--cloudflare\.ca-file \(flag\): /)]);
  expect(linesOf(finished)).toEqual([expect.stringMatching(line)]);
});

const tinyproxy = debianProgram('tinyproxy');

test.skipIf(tinyproxy.missing || openssl.missing)(
  `through a tinyproxy with a password${tinyproxy.needs}${openssl.needs}`,
  async () => {
    const { api, folder, port, caFile } = await aSecureApi();
    const address = await startProgram('tinyproxy', (freePort) => {
      const config = join(folder, 'tinyproxy.conf');
      writeFileSync(
        config,
        `Listen 127.0.0.1\nPort ${freePort}\nTimeout 60\nMaxClients 100\nBasicAuth exporter word-of-the-proxy\n`,
      );
      return ['-d', '-c', config];
    });
    // On Linux, 0.0.0.0 connects to this machine, but the proxy rules do not treat it as local.
    const far = { url: `https://0.0.0.0:${port}/client/v4` };
    const right = await cli(['once', caFile], {
      api: far,
      env: { HTTPS_PROXY: `http://exporter:word-of-the-proxy@${address}` },
    });
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(valueOf(right.stdout, UP)).toBe(1);
    expect(api.requests.count()).toBeGreaterThan(0);

    const asked = api.requests.count();
    const wrong = await cli(['once', caFile], {
      api: far,
      env: { HTTPS_PROXY: `http://exporter:another-word@${address}` },
    });
    expect(wrong.code).toBe(1);
    expect(linesOf(wrong).map(messageOf)).toContainEqual(
      expect.stringMatching(/^the proxy \S+ \(HTTPS_PROXY\) refuses its user and password \(401\)/),
    );
    expect(wrong.stdout + wrong.stderr).not.toContain('another-word');
    expect(api.requests.count()).toBe(asked);
  },
);
