import { connect } from 'node:net';

/**
 * Scrapes on some connections at once, each asking anew as soon as it has the whole page, and does
 * nothing with what it gets. A process of its own. Arguments: URL, encoding, connections, seconds.
 * Prints the scrapes per second.
 */
const [url = '', encoding = '', connections = '', seconds = ''] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const REQUEST = `GET /metrics HTTP/1.1\r\nHost: ${hostname}\r\nAccept-Encoding: ${encoding}\r\n\r\n`;
/** Large, so that reading costs little; always the same, so that nothing is allocated. */
const BUFFER_BYTES = 2 ** 20;

let scrapes = 0;

function scrapeOn(): void {
  let head = '';
  let missing = 0;
  let length = 0;
  const count = (bytes: number): void => {
    missing -= bytes;
    scrapes += bytes / length;
    if (missing === 0) {
      head = '';
      socket.write(REQUEST);
    }
  };
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: Buffer.allocUnsafe(BUFFER_BYTES),
      callback: (bytes, buffer) => {
        if (missing > 0) {
          count(bytes);
          return true;
        }
        head += Buffer.from(buffer.subarray(0, bytes)).toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return true;
        if (!head.startsWith('HTTP/1.1 200')) throw new Error(head.slice(0, end));
        length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        missing = length;
        count(head.length - end - 4);
        return true;
      },
    },
  });
  socket.write(REQUEST);
}

for (let index = 0; index < Number(connections); index += 1) scrapeOn();
const started = performance.now();
setTimeout(
  () => {
    const elapsed = (performance.now() - started) / 1000;
    process.stdout.write(`${scrapes / elapsed}\n`);
    process.exit(0);
  },
  Number(seconds) * 1000,
);
