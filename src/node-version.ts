/**
 * Ends the process with one line if Node.js is too old for the exporter. Imported before all other
 * modules, which an old Node.js may be unable to evaluate.
 */
import process from 'node:process';

/** As in `engines` of package.json. */
const OLDEST = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < OLDEST) {
  process.stderr.write(
    `cloudflare-tunnel-exporter needs Node.js ${OLDEST} or newer, and ${process.execPath} is ${node}: install a newer one, or use the container image\n`,
  );
  process.exit(1);
}
