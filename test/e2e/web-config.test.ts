import { execFileSync, spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { cli, ONCE, running } from '../commands/support.ts';
import { debianProgram } from '../support/debian.ts';
import { runExporter } from '../support/exporter-process.ts';
import { aFolder, anAuthority, openssl } from '../web/web-config/certificates.ts';
import type { Issued } from '../web/web-config/certificates.ts';
import { prometheus, scrapedBy } from './web-config-prometheus.ts';

const curl = debianProgram('curl');
const htpasswd = debianProgram('htpasswd');
const programs = [openssl, curl, htpasswd];
const missing = programs.some((program) => program.missing);
const needs = programs.map((program) => program.needs).join('');
const PATIENCE = { timeout: 20_000, interval: 200 };

const PASSWORD = 'correct horse: battery "staple" ü';

/** A hash made by htpasswd, with htpasswd's default cost if none is given. */
function hashed(password: string, ...options: readonly string[]): string {
  const line = execFileSync(htpasswd.command, ['-nbB', ...options, 'x', password], { encoding: 'utf8' });
  return line.trim().replace(/^x:/, '');
}

/** The status that curl prints, or curl's exit code if there was no answer. */
function curled(url: string, ...args: readonly string[]): string {
  const { status, stdout } = spawnSync(
    curl.command,
    ['--silent', '--max-time', '5', '--output', '/dev/null', '--write-out', '%{http_code}', ...args, url],
    { encoding: 'utf8' },
  );
  return status === 0 ? stdout : `curl exit ${status}`;
}

function shown({ certFile, keyFile }: Issued): readonly string[] {
  return ['--cert', certFile, '--key', keyFile];
}

function inFolder(folder: string, yaml: string): string {
  const file = join(folder, 'web.yml');
  writeFileSync(`${file}.new`, yaml);
  renameSync(`${file}.new`, file);
  return file;
}

/** TLS by a certificate of that name, and one user. */
function simple(name: string, password: string): string {
  return `tls_server_config: { cert_file: ${name}.pem, key_file: ${name}.key }\nbasic_auth_users: { user: ${hashed(password)} }\n`;
}

test.skipIf(missing)(
  `curl gets in with the right CA, client certificate and password, and only then${needs}`,
  async () => {
    const folder = aFolder();
    const authority = anAuthority(folder);
    authority.issue('server', { sans: ['DNS:localhost', 'IP:127.0.0.1'] });
    const client = authority.issue('client', { sans: ['DNS:scraper'] });
    const stranger = anAuthority(folder, 'other-ca').issue('stranger', { sans: ['DNS:scraper'] });
    const file = inFolder(
      folder,
      `
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [scraper]
  min_version: TLS13
http_server_config:
  headers: { Strict-Transport-Security: max-age=60 }
basic_auth_users:
  five: ${hashed(PASSWORD)}
  ten: ${hashed(PASSWORD, '-C', '10')}
`,
    );
    const exporter = await running([`--web.config.file=${file}`, ...ONCE]);
    const url = `${exporter.url}/metrics`;
    const trust = ['--cacert', authority.certFile];
    const all = [...trust, ...shown(client)];

    for (const user of ['five', 'ten']) expect(curled(url, ...all, '-u', `${user}:${PASSWORD}`)).toBe('200');
    expect(curled(url, ...all, '-u', `five:${PASSWORD} `)).toBe('401');
    expect(curled(url, ...all, '-u', `six:${PASSWORD}`)).toBe('401');
    expect(curled(url, ...all)).toBe('401');
    expect(curled(url.replace('metrics', 'livez'), ...all)).toBe('200');
    expect(curled(url, '--insecure', ...shown(client), '-u', `five:${PASSWORD}`)).toBe('200');

    expect(curled(url, ...shown(client))).toBe('curl exit 60');
    // A missing certificate gets a TLS alert. For an unknown one, the connection is closed.
    expect(curled(url, ...trust, '-u', `five:${PASSWORD}`)).toMatch(/^curl exit (?:35|55|56)$/);
    expect(curled(url, ...trust, ...shown(stranger))).toMatch(/^curl exit (?:35|52|55|56)$/);
    expect(curled(url, ...trust, ...shown(authority.issue('nameless')))).toMatch(
      /^curl exit (?:35|52|55|56)$/,
    );
    expect(curled(url, ...all, '--tls-max', '1.2')).toBe('curl exit 35');
    expect(curled(url.replace('https', 'http'))).toMatch(/^curl exit (?:52|56)$/);
    expect(JSON.stringify(exporter.logs())).not.toContain(PASSWORD);
  },
);

test.skipIf(missing || prometheus.missing)(
  `a real Prometheus scrapes by its own tls_config and basic_auth, and tells why where one of them is wrong${needs}${prometheus.needs}`,
  { timeout: 60_000 },
  async () => {
    const folder = aFolder();
    const authority = anAuthority(folder);
    authority.issue('server', { sans: ['IP:127.0.0.1'] });
    const { certFile, keyFile } = authority.issue('client');
    const file = inFolder(
      folder,
      `
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
basic_auth_users:
  prometheus: ${hashed('secret', '-C', '10')}
`,
    );
    const exporter = await running([`--web.config.file=${file}`, ...ONCE]);
    const { host } = new URL(exporter.url);
    const job = (name: string, { tls, auth }: { readonly tls: string; readonly auth: string }): string =>
      `{ job_name: ${name}, scheme: https, static_configs: [{ targets: ['${host}'] }], tls_config: { ${tls} }, ${auth} }`;
    const client = `ca_file: ${authority.certFile}, cert_file: ${certFile}, key_file: ${keyFile}`;
    const auth = 'basic_auth: { username: prometheus, password: secret }';
    const targets = await scrapedBy([
      job('right', { tls: client, auth }),
      job('wrong-password', { tls: client, auth: auth.replace('secret', 'guess') }),
      job('no-certificate', { tls: `ca_file: ${authority.certFile}`, auth }),
      job('no-ca', { tls: `cert_file: ${certFile}, key_file: ${keyFile}`, auth }),
    ]);
    await vi.waitFor(async () => {
      const byJob = new Map((await targets()).map((target) => [target.job, target]));
      expect(byJob.get('right')).toMatchObject({ health: 'up', lastError: '' });
      expect(byJob.get('wrong-password')?.lastError).toBe('server returned HTTP status 401 Unauthorized');
      expect(byJob.get('no-certificate')?.lastError).toMatch(/tls: (?:certificate required|bad certificate)/);
      expect(byJob.get('no-ca')?.lastError).toMatch(/x509: certificate signed by unknown authority/);
    }, PATIENCE);
    expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  },
);

test.skipIf(missing)(
  `a running exporter takes over a renewed certificate and another password by itself, and keeps them when the file goes bad${needs}`,
  { timeout: 60_000 },
  async () => {
    const folder = aFolder();
    const authority = anAuthority(folder);
    const renewed = anAuthority(folder, 'renewed-ca');
    for (const issuer of [authority, renewed])
      issuer.issue(issuer === renewed ? 'renewed' : 'server', { sans: ['IP:127.0.0.1'] });
    const file = inFolder(folder, simple('server', 'first'));
    const exporter = await running([`--web.config.file=${file}`, ...ONCE]);
    const url = `${exporter.url}/metrics`;
    const first = ['--cacert', authority.certFile, '-u', 'user:first'];
    const second = ['--cacert', renewed.certFile, '-u', 'user:second'];
    expect(curled(url, ...first)).toBe('200');
    inFolder(folder, simple('renewed', 'second'));
    await vi.waitFor(() => expect(curled(url, ...second)).toBe('200'), PATIENCE);
    expect(curled(url, ...first)).toBe('curl exit 60');
    expect(curled(url, ...second.slice(0, -1), 'user:first')).toBe('401');

    inFolder(folder, 'basic_auth_users: { user: third }\n');
    const told = (): readonly unknown[] =>
      exporter.logs().filter(({ msg }) => msg.startsWith('Cannot use the changed web configuration'));
    await vi.waitFor(() => expect(told()).toHaveLength(1), PATIENCE);
    expect(told()).toMatchObject([
      { level: 'error', problems: [expect.stringContaining('basic_auth_users.user (')] },
    ]);
    expect(curled(url, ...second)).toBe('200');

    // A client that never sends a TLS hello does not delay the end.
    const silent = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    onTestFinished(() => void silent.destroy());
    silent.on('error', () => {});
    await new Promise((resolve) => silent.once('connect', resolve));
    expect(await exporter.stop()).toEqual({ code: 0, signal: null });
  },
);

test.skipIf(missing)(
  `the health check tells a living exporter that demands a client certificate from one that hangs or is gone${needs}`,
  { timeout: 60_000 },
  async () => {
    const folder = aFolder();
    anAuthority(folder).issue('server');
    const file = inFolder(
      folder,
      'tls_server_config: { cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert }',
    );
    const exporter = await running([`--web.config.file=${file}`, ...ONCE]);
    const address = `--web.listen-address=${new URL(exporter.url).host}`;
    const check = ['healthcheck', address, `--web.config.file=${file}`];
    expect(await runExporter(check)).toMatchObject({ code: 0, stderr: '' });
    exporter.kill('SIGSTOP');
    expect(await runExporter(check)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^https:.* does not answer: nothing within 2 s\n$/),
    });
    exporter.kill('SIGKILL');
    await exporter.ended();
    expect(await runExporter(check)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^https:.* does not answer: ECONNREFUSED\n$/),
    });
  },
);

test('a bad file is told with its keys, and nothing starts', async () => {
  const file = inFolder(
    aFolder(),
    'tls_server_config: { cert_file: no.pem }\nbasic_auth_users: { user: plain-password }\nbasic_auth: {}\n',
  );
  for (const args of [['run'], ['demo'], ['--config.check']]) {
    const { code, stdout, stderr } = await cli([...args, `--web.config.file=${file}`, '--poll.jitter=soon']);
    expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: '' });
    expect(stderr.trimEnd().split('\n').toSorted()).toEqual([
      expect.stringMatching(/^--poll.jitter \(flag\): /),
      `basic_auth (${file}:3): unknown key; did you mean basic_auth_users?`,
      `basic_auth_users.user (${file}:2): is not a bcrypt hash; make one with: htpasswd -nBC 10 USER`,
      `tls_server_config (${file}:1): key_file is missing`,
      expect.stringMatching(/^tls_server_config.cert_file \(.*\): cannot read .*no such file$/),
    ]);
  }
});
