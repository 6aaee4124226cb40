import { createInterface } from 'node:readline';
import { aFleet, replaceSome } from './fleet.ts';
import { servePage } from './serve.ts';

/**
 * A process that serves the page of a fleet of which a part is replaced at every poll. A poll is
 * made for each line on standard input; it prints a line of JSON for each. Arguments: tunnels,
 * tunnels replaced at each poll.
 */
const [tunnels = '', replaced = ''] = process.argv.slice(2);
let snapshot = aFleet(Number(tunnels));
const { page, url } = await servePage(() => snapshot);

function tell(): void {
  process.stdout.write(
    `${JSON.stringify({ url, residentMegabytes: process.memoryUsage.rss() / 2 ** 20 })}\n`,
  );
}

tell();
for await (const _ of createInterface({ input: process.stdin })) {
  snapshot = replaceSome(snapshot, Number(replaced));
  await page.publish(snapshot);
  tell();
}
