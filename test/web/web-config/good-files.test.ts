import { createSecureContext } from 'node:tls';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import {
  CIPHER_SUITES,
  CLIENT_AUTH_TYPES,
  CURVES,
  TLS_KEYS,
  VERSIONS,
} from '../../../src/web/tls-settings.ts';
import { readWebConfig } from '../../../src/web/web-config.ts';
import type { WebConfig } from '../../../src/web/web-config.ts';
import { aFolder, anAuthority, openssl } from './certificates.ts';

const HASH = '$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe';

function read(files: Readonly<Record<string, string>>, file = 'web.yml'): WebConfig {
  const reading = readWebConfig(file, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  });
  if (!reading.ok) throw new Error(reading.problems.join('\n'));
  return reading.value;
}

function at(key: string): string {
  return `tls_server_config.${key} (web.yml:1):`;
}

function indented(text: string): string {
  return text.trim().replaceAll(/^/gm, '    ');
}

test.each([
  '',
  '# nothing\n',
  '{}',
  'tls_server_config: {}\nbasic_auth_users: {}\n',
  'http_server_config: {http2: false}',
])('a file without settings serves plain HTTP without a password: %j', (text) => {
  expect(read({ 'web.yml': text })).toEqual({ tls: undefined, headers: {}, users: new Map() });
});

test('headers and users are read, also through an alias; an empty header is left out', () => {
  const text = `
http_server_config:
  headers: { X-Frame-Options: deny, X-XSS-Protection: 0, Content-Security-Policy: '' }
basic_auth_users:
  alice: &hash ${HASH}
  007: *hash
`;
  expect(read({ 'web.yml': text })).toEqual({
    tls: undefined,
    headers: { 'X-Frame-Options': 'deny', 'X-XSS-Protection': '0' },
    users: new Map([
      ['alice', HASH],
      ['007', HASH],
    ]),
  });
});

test.skipIf(openssl.missing)(
  `every key of the format is read; relative paths start at the folder of the file${openssl.needs}`,
  () => {
    const folder = aFolder();
    const { certFile, issue } = anAuthority(folder);
    const server = issue('server');
    const file = join(folder, 'web.yml');
    writeFileSync(
      file,
      `
tls_server_config:
  cert_file: ${relative(folder, server.certFile)}
  key_file: ${server.keyFile}
  client_ca_file: ${relative(folder, certFile)}
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus, '2001:db8:0::1']
  min_version: TLS12
  max_version: TLS12
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: no
  curve_preferences: [CurveP384, X25519]
`,
    );
    const reading = readWebConfig(file, (path) => readFileSync(path, 'utf8'));
    expect(reading).toMatchObject({
      value: {
        tls: {
          context: {
            cert: server.cert,
            key: server.key,
            ca: readFileSync(certFile, 'utf8'),
            minVersion: 'TLSv1.2',
            maxVersion: 'TLSv1.2',
            ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
            honorCipherOrder: false,
            ecdhCurve: 'P-384:X25519',
          },
          clientAuth: { request: true, require: true, verify: true },
          allowedSans: new Set(['prometheus', '2001:db8::1']),
        },
      },
    });
  },
);

test.skipIf(openssl.missing)(`certificates and key can stand in the file itself${openssl.needs}`, () => {
  const { cert, issue } = anAuthority(aFolder());
  const server = issue('server');
  const text = `
tls_server_config:
  cert: |
${indented(server.cert + cert)}
  key: |
${indented(server.key)}
`;
  expect(read({ 'web.yml': text }).tls).toMatchObject({
    context: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', honorCipherOrder: true },
    clientAuth: { request: false },
  });
});

test.skipIf(openssl.missing)(
  `the contents of files are checked, and a problem names the key of its file${openssl.needs}`,
  () => {
    const authority = anAuthority(aFolder());
    const server = authority.issue('server');
    const other = authority.issue('other');
    const weak = authority.issue('weak', { rsaBits: 1024 });
    const files = {
      'server.pem': server.cert,
      'server.key': server.key,
      'other.key': other.key,
      'weak.pem': weak.cert,
      'weak.key': weak.key,
      'torn.pem': server.cert.slice(0, -60),
      'garbled.pem': server.cert.replace(/MII.{20}/, 'AAAA'),
      'empty.pem': '',
    };
    const problems = (keys: string): readonly string[] => {
      const text = `tls_server_config: { ${keys} }`;
      const all: Readonly<Record<string, string>> = { ...files, 'web.yml': text };
      const reading = readWebConfig('web.yml', (path) => all[path] ?? '');
      return reading.ok ? [] : reading.problems;
    };
    expect(problems('cert_file: server.pem, key_file: server.key')).toEqual([]);
    expect(problems('cert_file: server.pem, key_file: other.key')).toEqual([
      `${at('key_file')} "other.key" is not the key of the certificate`,
    ]);
    expect(problems('cert_file: server.key, key_file: server.pem')).toEqual([
      `${at('cert_file')} "server.key" holds no certificate in PEM form`,
      `${at('key_file')} "server.pem" holds no private key in PEM form without a passphrase`,
    ]);
    expect(problems('cert_file: torn.pem, key_file: server.key')).toEqual([
      `${at('cert_file')} "torn.pem" holds no certificate in PEM form`,
    ]);
    expect(problems('cert_file: garbled.pem, key_file: server.key')).toEqual([
      `${at('cert_file')} "garbled.pem" holds a certificate that cannot be read`,
    ]);
    expect(problems('cert_file: weak.pem, key_file: weak.key')).toEqual([
      'tls_server_config (web.yml:1): OpenSSL rejects it: ee key too small',
    ]);
    const verified = 'cert_file: server.pem, key_file: server.key, client_auth_type: VerifyClientCertIfGiven';
    expect(problems(`${verified}, client_ca_file: empty.pem`)).toEqual([
      `${at('client_ca_file')} "empty.pem" holds no certificate in PEM form`,
    ]);
    expect(
      problems(
        'cert_file: server.pem, key_file: server.key, max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]',
      ),
    ).toEqual([`${at('cipher_suites')} has none of TLS12, which max_version asks for`]);
  },
);

test('OpenSSL has every cipher suite and curve of the format', () => {
  for (const ciphers of CIPHER_SUITES.known.values()) createSecureContext({ ciphers });
  for (const ecdhCurve of CURVES.known.values()) createSecureContext({ ecdhCurve });
  expect(CIPHER_SUITES.known.size).toBe(13);
  expect([...CLIENT_AUTH_TYPES.known.keys()]).toEqual([
    'NoClientCert',
    'RequestClientCert',
    'RequireAnyClientCert',
    'RequireClientCert',
    'VerifyClientCertIfGiven',
    'RequireAndVerifyClientCert',
  ]);
});

test('docs/web-config.md lists every word of the format, and its example is valid', () => {
  const docs = readFileSync('docs/web-config.md', 'utf8');
  const words = [
    ...TLS_KEYS,
    ...[CIPHER_SUITES, CURVES, CLIENT_AUTH_TYPES, VERSIONS].flatMap(({ known }) => [...known.keys()]),
  ];
  expect(words.filter((word) => !docs.includes(`\`${word}\``))).toEqual([]);
  const [, example = ''] = /```yaml\n([\s\S]+?)```/.exec(docs) ?? [];
  const reading = readWebConfig('example.yml', (path) => {
    if (path === 'example.yml') return example;
    throw Object.assign(new Error(path), { code: 'ENOENT' });
  });
  expect(reading).toEqual({
    ok: false,
    problems: ['cert_file', 'key_file', 'client_ca_file'].map((key) =>
      expect.stringMatching(new RegExp(`^tls_server_config.${key} .*: cannot read .*: no such file$`)),
    ),
  });
});
