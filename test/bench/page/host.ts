import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { chunksOf } from '../../../src/exposition/page.ts';
import { aFleet } from './fleet.ts';
import { servePage } from './serve.ts';

/**
 * A process that serves the page of a fleet as the exporter does, and the same bytes by a bare
 * node:http server. Argument: tunnels. Prints a line of JSON when it serves.
 */
const snapshot = aFleet(Number(process.argv[2]));
const { page, url } = await servePage(() => snapshot);

const bodyOf = async (gzip: boolean): Promise<Buffer> =>
  buffer(chunksOf(await page.body({ format: 'text', gzip, names: undefined })));
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
  process.stdout.write(`${JSON.stringify({ exporter: url, bare: `http://127.0.0.1:${port}` })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
