import { X509Certificate } from 'node:crypto';
import { copyFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sansOf } from '../../../src/web/tls-client-certificate.ts';
import { ask } from '../serving.ts';
import { anAuthority, openssl } from './certificates.ts';
import type { Issued } from './certificates.ts';
import { askSecurely, secured } from './secure-serving.ts';
import type { Secured } from './secure-serving.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };

function serialOf({ cert }: Issued): string {
  return new X509Certificate(cert).serialNumber;
}

function trusting({ authority }: Secured, client?: Issued): SecureContextOptions {
  return { ca: authority.cert, ...(client ? { cert: client.cert, key: client.key } : {}) };
}

test.skipIf(openssl.missing)(
  `it serves over TLS, and its address has the scheme https${openssl.needs}`,
  async () => {
    const serving = await secured();
    const { url, certificate } = serving;
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const answer = await askSecurely(`${url}/metrics`, trusting(serving));
    expect(answer).toMatchObject({
      status: 200,
      text: 'metric 1\n',
      serial: serialOf(certificate),
      version: 'TLSv1.3',
    });
    expect(await askSecurely(`${url}/metrics`)).toEqual({ failed: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  },
);

test.skipIf(openssl.missing)(
  `plain HTTP on the port is refused, and logged once with what to do${openssl.needs}`,
  async () => {
    const serving = await secured();
    const plain = serving.url.replace('https', 'http');
    for (let time = 0; time < 3; time++)
      await expect(ask(`${plain}/livez`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(serving.logged).toEqual([
      {
        message: 'A TLS connection was refused',
        details: { reason: 'the client speaks plain HTTP; the scheme must be https', client: '127.0.0.1' },
      },
    ]);
    expect(await askSecurely(`${serving.url}/livez`, trusting(serving))).toMatchObject({ status: 200 });
  },
);

test.skipIf(openssl.missing)(
  `versions, cipher suites and curves of the file are in force${openssl.needs}`,
  async () => {
    const serving = await secured(
      'max_version: TLS12\ncipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\ncurve_preferences: [CurveP384]',
    );
    const { url, rewrite, yaml } = serving;
    const trust = trusting(serving);
    const handshake = (options: ConnectionOptions): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const socket = connectSecurely({
          ...trust,
          host: '127.0.0.1',
          port: Number(new URL(url).port),
          ...options,
        });
        onTestFinished(() => void socket.destroy());
        socket.on('error', reject);
        socket.on('secureConnect', () =>
          resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`),
        );
      });
    expect(await handshake({})).toBe('TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    await expect(handshake({ minVersion: 'TLSv1.3' })).rejects.toThrow(/protocol version/);
    await expect(handshake({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow(
      /handshake failure/,
    );
    await expect(handshake({ ecdhCurve: 'P-256' })).rejects.toThrow(/handshake failure/);

    await rewrite(yaml('min_version: TLS13'));
    expect(await handshake({})).toMatch(/^TLSv1.3 /);
    await expect(handshake({ maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
  },
);

/** Which kinds of clients each client_auth_type accepts. */
const ADMITTED = {
  NoClientCert: ['nothing', 'trusted', 'stranger'],
  RequestClientCert: ['nothing', 'trusted', 'stranger'],
  RequireAnyClientCert: ['trusted', 'stranger'],
  RequireClientCert: ['trusted', 'stranger'],
  VerifyClientCertIfGiven: ['nothing', 'trusted'],
  RequireAndVerifyClientCert: ['trusted'],
};

test.skipIf(openssl.missing)(
  `each client_auth_type accepts the right clients, in both versions, also if it changes while running${openssl.needs}`,
  async () => {
    const serving = await secured();
    const { url, authority, folder, rewrite, yaml } = serving;
    const clients: Readonly<Record<string, Issued | undefined>> = {
      nothing: undefined,
      trusted: authority.issue('trusted'),
      stranger: anAuthority(folder, 'other-ca').issue('stranger'),
    };
    const types = Object.entries(ADMITTED);
    for (const [type, admitted] of [...types, ...types.toReversed()]) {
      const ca = type.includes('Verify') ? '\nclient_ca_file: ca.pem' : '';
      await rewrite(yaml(`client_auth_type: ${type}${ca}`));
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const letIn: string[] = [];
        for (const [name, client] of Object.entries(clients)) {
          const answer = await askSecurely(`${url}/metrics`, { ...trusting(serving, client), maxVersion });
          if ('status' in answer) letIn.push(name);
        }
        expect({ type, maxVersion, letIn }).toEqual({ type, maxVersion, letIn: admitted });
      }
    }
  },
);

test.skipIf(openssl.missing)(`a refused client is logged once with the reason${openssl.needs}`, async () => {
  const serving = await secured('client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem');
  const { url, folder, authority, rewrite, yaml } = serving;
  const stranger = anAuthority(folder, 'other-ca').issue('stranger');
  const reasons = (): readonly unknown[] =>
    serving.logged
      .filter(({ message }) => message === 'A TLS connection was refused')
      .map(({ details }) => ('reason' in details ? details.reason : undefined));
  for (let time = 0; time < 2; time++) {
    await askSecurely(`${url}/metrics`, trusting(serving));
    await askSecurely(`${url}/metrics`, trusting(serving, stranger));
  }
  await rewrite(
    yaml('client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem\nclient_allowed_sans: [me]'),
  );
  await askSecurely(`${url}/metrics`, trusting(serving, authority.issue('you', { sans: ['DNS:you'] })));
  await rewrite(yaml('client_auth_type: RequireAnyClientCert'));
  await askSecurely(`${url}/metrics`, trusting(serving));
  await vi.waitFor(
    () =>
      expect(reasons()).toEqual([
        'the client gave no certificate',
        "the client's certificate does not verify: UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "the client's certificate has none of client_allowed_sans",
      ]),
    PATIENCE,
  );
});

test.skipIf(openssl.missing)(
  `a self-signed certificate with an allowed name is refused${openssl.needs}`,
  async () => {
    const serving = await secured(
      'client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem\nclient_allowed_sans: [me]',
    );
    const { url, folder, rewrite, yaml } = serving;
    const stranger = anAuthority(folder, 'other-ca').issue('stranger', { sans: ['DNS:me'] });
    const letIn = async (): Promise<boolean> =>
      'status' in (await askSecurely(`${url}/metrics`, trusting(serving, stranger)));
    expect(await letIn()).toBe(false);
    await rewrite(yaml('client_auth_type: RequireAnyClientCert\nclient_allowed_sans: [me]'));
    expect(serving.logged.map(({ message }) => message)).toContain(
      'Cannot use the changed web configuration; the previous one stays in use',
    );
    expect(await letIn()).toBe(false);
  },
);

test.skipIf(openssl.missing)(
  `client_allowed_sans compares whole names, addresses, e-mail addresses and URIs${openssl.needs}`,
  async () => {
    const serving = await secured(
      'client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem\n' +
        "client_allowed_sans: [scraper.example, 192.0.2.7, '2001:db8:0:0::7', ops@example.org, 'spiffe://x/scraper']",
    );
    const { url, authority } = serving;
    const letIn = async (...sans: readonly string[]): Promise<boolean> => {
      const client = authority.issue('client', { sans });
      return 'status' in (await askSecurely(`${url}/metrics`, trusting(serving, client)));
    };
    for (const san of [
      'DNS:scraper.example',
      'IP:192.0.2.7',
      'IP:2001:db8::7',
      'email:ops@example.org',
      'URI:spiffe://x/scraper',
    ])
      expect({ san, letIn: await letIn('DNS:other', san) }).toEqual({ san, letIn: true });
    for (const sans of [[], ['DNS:scraper.example.org'], ['DNS:*.example']])
      expect({ sans, letIn: await letIn(...sans) }).toEqual({ sans, letIn: false });
  },
);

test.each([
  ['', []],
  ['DNS:a, DNS:b', ['a', 'b']],
  ['DNS:"a, DNS:b", IP Address:2001:DB8:0:0:0:0:0:1', ['a, DNS:b', '2001:db8::1']],
  ['DirName:"CN = x, DNS:y", othername:<unsupported>, URI:spiffe://z', ['spiffe://z']],
  ['DNS:"say \\"hi\\", DNS:b"', ['say "hi", DNS:b']],
])('the subject alternative names in %j are %j', (subjectAltName, names) => {
  expect(sansOf({ subjectAltName })).toEqual(names);
});

test.skipIf(openssl.missing)(
  `a renewed certificate is used for new connections, and open ones stay${openssl.needs}`,
  async () => {
    const serving = await secured();
    const { url, authority, folder, certificate, live } = serving;
    const open = connectSecurely({
      ...trusting(serving),
      host: '127.0.0.1',
      port: Number(new URL(url).port),
    });
    onTestFinished(() => void open.destroy());
    await new Promise((resolve) => open.once('secureConnect', resolve));
    const renewed = authority.issue('renewed', { sans: ['IP:127.0.0.1'] });

    // Like a renewal that has copied one of its two files.
    copyFileSync(renewed.certFile, certificate.certFile);
    for (let time = 0; time < 3; time++) await live.refresh();
    expect(await askSecurely(url, trusting(serving))).toMatchObject({ serial: serialOf(certificate) });
    expect(serving.logged).toEqual([
      {
        message: 'Cannot use the changed web configuration; the previous one stays in use',
        details: {
          problems: [
            `tls_server_config.key_file (${folder}/web.yml:3): "${certificate.keyFile}" is not the key of the certificate`,
          ],
        },
      },
    ]);
    copyFileSync(renewed.keyFile, certificate.keyFile);
    await live.refresh();
    expect(await askSecurely(url, trusting(serving))).toMatchObject({ serial: serialOf(renewed) });
    expect(serving.logged.at(-1)?.message).toBe('the changed web configuration is in use');

    open.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const answered = await new Promise<Buffer>((resolve) => open.once('data', resolve));
    expect(answered.toString()).toMatch(/^HTTP\/1.1 200 /);
  },
);

test.skipIf(openssl.missing)(
  `a missing or invalid certificate or client CA leaves the previous one in use${openssl.needs}`,
  async () => {
    const serving = await secured('client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem');
    const { url, authority, certificate, live } = serving;
    const trust = trusting(serving, authority.issue('client'));
    for (const spoil of [
      () => rmSync(certificate.certFile),
      () => writeFileSync(certificate.certFile, ''),
      () => writeFileSync(authority.certFile, 'garbage'),
    ]) {
      spoil();
      await live.refresh();
      expect(await askSecurely(url, trust)).toMatchObject({ status: 200, serial: serialOf(certificate) });
    }
    expect(serving.logged).toHaveLength(3);
  },
);

test.skipIf(openssl.missing)(
  `a mounted Secret that is replaced through its link is noticed${openssl.needs}`,
  async () => {
    const serving = await secured();
    const { url, authority, folder, live } = serving;
    const renewed = authority.issue('renewed', { sans: ['IP:127.0.0.1'] });
    for (const file of ['server.pem', 'server.key']) {
      rmSync(join(folder, file));
      symlinkSync(file.replace('server', 'renewed'), join(folder, file));
    }
    await live.refresh();
    expect(await askSecurely(url, trusting(serving))).toMatchObject({ serial: serialOf(renewed) });
  },
);

test.skipIf(openssl.missing)(
  `TLS cannot be turned off while running: the file before stays${openssl.needs}`,
  async () => {
    const serving = await secured();
    await serving.rewrite('basic_auth_users: {}\n');
    expect(serving.logged.at(-1)?.details).toEqual({
      problems: ['tls_server_config: TLS cannot be turned off while running; restart the exporter'],
    });
    expect(await askSecurely(`${serving.url}/livez`, trusting(serving))).toMatchObject({ status: 200 });
  },
);

test.skipIf(openssl.missing)(
  `clients that never finish their handshake do not delay a stop${openssl.needs}`,
  async () => {
    const serving = await secured();
    const stalled = connect({ host: '127.0.0.1', port: Number(new URL(serving.url).port) });
    onTestFinished(() => void stalled.destroy());
    stalled.on('error', () => {});
    await new Promise((resolve) => stalled.once('connect', resolve));
    stalled.write(Buffer.from([0x16, 0x03]));
    // The server has accepted it once a later connection was answered.
    await askSecurely(`${serving.url}/livez`, trusting(serving));
    const closed = new Promise((resolve) => stalled.once('close', resolve));
    await serving.server.drain();
    await closed;
    // A handshake that timed out would be logged.
    expect(serving.logged).toEqual([]);
  },
);
