import dns from 'node:dns';
import { createServer as createTlsServer } from 'node:https';
import tls from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createSimulator, type Simulator } from '../../src/simulator/index.ts';
import { listen } from '../cloudflare/support.ts';
import { fleetOf } from '../poller/support.ts';
import { aFolder, anAuthority, openssl } from '../web/web-config/certificates.ts';
import { anExporter, errors, type Exporter, POLL_MS, POLLS_UNTIL_STALE, success, up } from './support.ts';

/**
 * What breaks between the exporter and Cloudflare: nothing can be asked, and the exporter says so until it can again.
 * Returns what the log says first.
 */
async function outage(exporter: Exporter): Promise<string | undefined> {
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(up(during)).toBe(0);
  expect(success(during, 'tunnels')).toBe(0);
  expect(errors(during, 'network')).toBeGreaterThanOrEqual(1);
  expect(during.tunnels()).toEqual(['erp', 'shop']);
  const [told] = exporter.told();
  exporter.clock.pass((POLLS_UNTIL_STALE - 2) * POLL_MS);
  await exporter.pollNext();
  expect((await exporter.metrics()).tunnels()).toEqual([]);
  return told;
}

/** The tunnels that are shown then. */
async function recovery(exporter: Exporter): Promise<readonly string[]> {
  exporter.told();
  await exporter.pollNext();
  const after = await exporter.metrics();
  expect(up(after)).toBe(1);
  expect(exporter.told()).toContain('info: recovered');
  return after.tunnels();
}

async function aSimulator(port = 0): Promise<Simulator> {
  const simulator = await createSimulator({ ...fleetOf('shop', 'erp'), seed: 5, port });
  onTestFinished(() => simulator.close());
  return simulator;
}

test('a connection that is refused', async () => {
  const before = await aSimulator();
  const exporter = await anExporter({ apiUrl: before.url });
  await exporter.pollNext();
  await before.close();
  expect(await outage(exporter)).toMatch(/cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\); check network/);
  const { port } = new URL(before.url);
  await aSimulator(Number(port));
  expect(await recovery(exporter)).toEqual(['erp', 'shop']);
});

test('DNS that fails', async () => {
  const simulator = await aSimulator();
  const { port } = new URL(simulator.url);
  let isKnown = true;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one of its overloads
  const resolve = vi.spyOn(dns, 'lookup') as unknown as {
    readonly mockImplementation: (lookup: Lookup) => void;
    readonly mockRestore: () => void;
  };
  resolve.mockImplementation((_host, _options, callback) => {
    if (isKnown) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }));
  });
  onTestFinished(() => {
    resolve.mockRestore();
  });
  const exporter = await anExporter({ apiUrl: `http://api.cloudflare.test:${port}/client/v4` });
  await exporter.pollNext();
  isKnown = false;
  // An open connection needs no name.
  await simulator.close();
  expect(await outage(exporter)).toMatch(/cannot resolve api\.cloudflare\.test:\d+ \(ENOTFOUND\); check DNS/);
  isKnown = true;
  await aSimulator(Number(port));
  expect(await recovery(exporter)).toEqual(['erp', 'shop']);
});

type Lookup = (
  host: string,
  options: object,
  callback: (
    error: Error | null,
    addresses?: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void;

test.skipIf(openssl.missing)(`TLS that fails${openssl.needs}`, async () => {
  const folder = aFolder();
  const trusted = anAuthority(folder);
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, trusted.cert]);
  onTestFinished(() => tls.setDefaultCACertificates(before));
  const names = { sans: ['IP:127.0.0.1'] };
  const good = trusted.issue('good', names);
  const bad = anAuthority(folder, 'somebody').issue('bad', names);
  const simulator = await aSimulator();
  const server = createTlsServer({ key: good.key, cert: good.cert }, (request, response) => {
    const { origin } = new URL(simulator.url);
    const headers = { authorization: request.headers.authorization ?? '' };
    fetch(origin + (request.url ?? ''), { headers })
      .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
      .catch(() => response.destroy());
  });
  const apiUrl = `https://127.0.0.1:${await listen(server)}/client/v4`;
  const present = ({ key, cert }: typeof good): void => {
    server.setSecureContext({ key, cert });
    server.closeAllConnections();
  };
  const exporter = await anExporter({ apiUrl });
  await exporter.pollNext();
  present(bad);
  expect(await outage(exporter)).toMatch(/TLS with 127\.0\.0\.1:\d+ failed/);
  present(good);
  expect(await recovery(exporter)).toEqual(['erp', 'shop']);
});

test('a body of 100 MB', async () => {
  const exporter = await anExporter();
  await exporter.pollNext();
  const { remove } = exporter.simulator.faults.add({
    endpoint: 'tunnels',
    effect: { kind: 'huge', megabytes: 100 },
  });
  await exporter.pollNext();
  const during = await exporter.metrics();
  expect(up(during)).toBe(0);
  expect(errors(during, 'malformed')).toBe(1);
  expect(during.tunnels()).toEqual(['erp', 'shop']);
  expect(exporter.told()).toEqual([expect.stringContaining('larger than 32 MiB')]);
  remove();
  await exporter.pollNext();
  expect(up(await exporter.metrics())).toBe(1);
  expect(exporter.told()).toEqual(['info: recovered']);
});
