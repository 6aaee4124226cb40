import { load, startHost } from './processes.ts';
import { median, milliseconds, printTable, ratio, takeTurns } from './rounds.ts';

/**
 * Scrapes per second of the exporter's web server, against a bare node:http server in the same
 * process that writes the same bytes from one buffer. Arguments: tunnels, rounds, seconds of each.
 */
const TUNNELS = Number(process.argv[2] ?? 10_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const SECONDS = Number(process.argv[4] ?? 3);
const CONNECTIONS = 4;

const host = await startHost(TUNNELS);
for (const encoding of ['gzip', 'identity'] as const) {
  const cpu: Record<'exporter' | 'bare', number[]> = { exporter: [], bare: [] };
  const measure = (name: 'exporter' | 'bare') => async (): Promise<number> => {
    const before = host.cpuMs();
    const rate = await load(host[name], { encoding, connections: CONNECTIONS, seconds: SECONDS });
    cpu[name].push((host.cpuMs() - before) / (rate * SECONDS));
    return rate;
  };
  const figures = await takeTurns(ROUNDS, { exporter: measure('exporter'), bare: measure('bare') });
  printTable(
    `scrapes of ${TUNNELS.toLocaleString('en')} tunnels, ${encoding}, ${CONNECTIONS} connections, median of ${ROUNDS} rounds`,
    [
      ['exporter', `${figures('exporter').median.toFixed(1)} / s`],
      ['bare server', `${figures('bare').median.toFixed(1)} / s`],
      [
        'exporter / bare server (at least 0.95)',
        `${ratio(figures('exporter'), figures('bare')).toFixed(2)} ×`,
      ],
      ['CPU per scrape, exporter', milliseconds(median(cpu.exporter))],
      ['CPU per scrape, bare server', milliseconds(median(cpu.bare))],
    ],
  );
}
await host.stop();
