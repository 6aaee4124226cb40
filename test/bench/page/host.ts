import { createServer } from 'node:http';
import { createTelemetry } from '../../../src/telemetry.ts';
import { createMetricsPage } from '../../../src/exposition/metrics-page.ts';
import { createWebServer } from '../../../src/web/server.ts';
import { FAMILY_OPTIONS } from './contenders.ts';
import { aFleet } from './fleet.ts';

/**
 * A process that serves the page of a fleet as the exporter does, own metrics and all, and the same bytes by a bare
 * node:http server. Argument: tunnels. Prints a line of JSON when it serves.
 */
const snapshot = aFleet(Number(process.argv[2]));
const telemetry = createTelemetry({
  version: 'bench',
  revision: '',
  snapshot: () => snapshot,
  budgets: () => [],
});
const page = createMetricsPage({
  families: FAMILY_OPTIONS,
  context: { types: ['cfd_tunnel'], expected: [] },
  allows: () => true,
  own: telemetry.metrics,
});
await page.publish(snapshot);

const web = createWebServer({
  config: {
    listenAddresses: [{ host: '127.0.0.1', port: 0 }],
    telemetryPath: '/metrics',
    maxRequests: 40,
    configFile: undefined,
    enableLifecycle: false,
  },
  page,
  snapshot: () => snapshot,
  readiness: () => ({ ready: true, reason: '' }),
  clock: Date.now,
  log: console,
  version: 'bench',
});
await web.listen();

const bodyOf = async (gzip: boolean): Promise<Buffer> =>
  Buffer.concat((await page.body({ format: 'text', gzip, names: undefined })).chunks);
const plain = await bodyOf(false);
const zipped = await bodyOf(true);
const bare = createServer((request, response) => {
  const gzip = request.headers['accept-encoding'] === 'gzip';
  const body = gzip ? zipped : plain;
  response.writeHead(200, {
    'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    'Content-Length': body.length,
    ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(body);
});
bare.listen(0, '127.0.0.1', () => {
  const address = bare.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  process.stdout.write(
    `${JSON.stringify({ exporter: web.addresses()[0], bare: `http://127.0.0.1:${port}` })}\n`,
  );
});
process.on('SIGTERM', () => process.exit(0));
