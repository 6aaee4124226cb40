import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { healthcheck } from '../../../src/commands/healthcheck.ts';
import { aConfig } from '../../support/config.ts';
import { openssl } from './certificates.ts';
import { secured, webConfigured } from './secure-serving.ts';

/** The exit code of a health check of the port, with a web configuration that cannot be read. */
function checked(url: string): Promise<number> {
  const port = Number(new URL(url).port);
  return healthcheck(
    aConfig({ web: { listenAddresses: [{ host: '127.0.0.1', port }], configFile: 'no/such.yml' } }),
  );
}

test
  .skipIf(openssl.missing)
  .each([
    '',
    'min_version: TLS13',
    'max_version: TLS12',
    'client_auth_type: VerifyClientCertIfGiven\nclient_ca_file: ca.pem',
    'client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem',
    'client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem\nmax_version: TLS12',
    'client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.pem\nclient_allowed_sans: [x]',
    'client_auth_type: RequireAnyClientCert\nmax_version: TLS12',
  ])(
  `the health check succeeds whatever the server requires of clients: %j${openssl.needs}`,
  async (lines) => {
    const { url } = await secured(lines);
    expect(await checked(url)).toBe(0);
  },
);

test('the health check succeeds over plain HTTP, and needs no password', async () => {
  const { url } = await webConfigured(
    'basic_auth_users: { a: $2b$04$9vKsqr5EasAAY/WuAAooHuWQ7Nd6n5LxprUwIhRVM9P0B/Vm8PUW2 }',
  );
  expect(await checked(url)).toBe(0);
});

test.each([
  ['closes the connection', (socket: { readonly destroy: () => void }) => socket.destroy()],
  ['says something else', (socket: { readonly end: (text: string) => void }) => socket.end('220 mail\r\n')],
])('the health check fails if something else has the port and %s', async (_, answer) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  expect(await checked(`http://127.0.0.1:${port}`)).toBe(1);
});
