import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMsOf, MALLOC, NODE_FLAGS, residentMegabytes } from './processes.ts';

/** The built exporter as a process of its own, watching a simulated fleet. */
export interface ObservingExporter {
  readonly url: string;
  readonly pid: number;
  /** From its start to the first 200 of /livez. */
  readonly startedAfterMs: number;
  readonly residentMegabytes: () => number;
  readonly cpuMs: () => number;
  /** The longest pause of its event loop in each second so far but the first, in which it starts. */
  readonly pauses: () => readonly Pause[];
  readonly stop: () => Promise<void>;
}

/** In one second. The two may be of different moments. */
export interface Pause {
  readonly wallMs: number;
  /** CPU time of the event loop's thread. */
  readonly cpuMs: number;
}

export interface FleetOptions {
  readonly tunnels: number;
  readonly accounts: number;
  readonly embedded?: 'missing' | 'populated';
  /** Default: all that Cloudflare allows. */
  readonly budget?: number;
  /** Costs memory of its own. */
  readonly measurePauses: boolean;
  readonly nodeArgs?: readonly string[];
}

export async function observeFleet(options: FleetOptions): Promise<ObservingExporter> {
  const { tunnels, accounts, embedded = 'missing', budget = 1200, measurePauses } = options;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const pauseFile = join(folder, 'pauses');
  writeFileSync(pauseFile, '');
  const { api, apiUrl, configFile } = await startApi([tunnels, accounts, embedded], folder);
  const address = `127.0.0.1:${await freePort()}`;
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...NODE_FLAGS,
      ...(options.nodeArgs ?? []),
      ...(measurePauses ? ['--import', './test/bench/page/pause-probe.ts'] : []),
      'dist/main.js',
      `--config.file=${configFile}`,
      `--web.listen-address=${address}`,
      `--cloudflare.request-budget=${budget}`,
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...MALLOC,
        ...Object.fromEntries(
          Object.entries(process.env).filter(([k]) => k.startsWith('MALLOC_') || k.startsWith('LD_')),
        ),
        CLOUDFLARE_API_URL: apiUrl,
        TUNNEL_EXPORTER_LOG_LEVEL: 'error',
        BENCH_PAUSES: pauseFile,
      },
    },
  );
  const url = `http://${address}`;
  await untilAlive(url, child);
  const startedAfterMs = performance.now() - started;
  return {
    url,
    pid: child.pid ?? 0,
    startedAfterMs,
    residentMegabytes: () => residentMegabytes(child),
    cpuMs: () => cpuMsOf(child),
    pauses: () =>
      readFileSync(pauseFile, 'utf8')
        .split('\n')
        .filter(Boolean)
        .slice(1)
        .map((line) => {
          const [wallMs = 0, cpuMs = 0] = line.split(' ').map(Number);
          return { wallMs, cpuMs };
        }),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      api.kill('SIGTERM');
      await once(api, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

interface Api {
  readonly api: ChildProcess;
  readonly apiUrl: string;
  readonly configFile: string;
}

interface ApiAccess {
  readonly apiUrl: string;
  readonly accounts: readonly { readonly id: string; readonly token: string }[];
}

async function startApi(args: readonly (string | number)[], folder: string): Promise<Api> {
  const api = spawn(process.execPath, ['test/bench/page/api.ts', ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(createInterface({ input: api.stdout }), 'line');
  const { apiUrl, accounts }: ApiAccess = JSON.parse(String(line));
  const entries = accounts.map(({ id, token }) => {
    const tokenFile = join(folder, `token-${id}`);
    writeFileSync(tokenFile, token);
    return `  - { id: ${id}, api_token_file: ${tokenFile} }\n`;
  });
  const configFile = join(folder, 'config.yaml');
  writeFileSync(configFile, `accounts:\n${entries.join('')}`);
  return { api, apiUrl, configFile };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}

async function untilAlive(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const alive = await fetch(`${url}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (alive) return;
    await sleep(5);
  }
  throw new Error(`the exporter ended with ${child.exitCode}`);
}

export async function scrape(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers });
  return (await response.arrayBuffer()).byteLength;
}

/** Series about tunnels on the page. */
export async function seriesOn(url: string): Promise<number> {
  const name = 'cloudflare_tunnel_exporter_snapshot_series';
  const text = await (await fetch(`${url}/metrics?name[]=${name}`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? NaN);
}

/** Tunnels whose connectors are known. */
async function observedBy(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics?name[]=cloudflare_tunnel_connectors`)).text();
  return text.match(/^cloudflare_tunnel_connectors\{/gm)?.length ?? 0;
}

/**
 * As two Prometheus servers would, and a person with curl, every five seconds until every tunnel's
 * connections are known.
 */
export async function scrapeUntilWhole(
  { url }: ObservingExporter,
  { tunnels, everyTime = () => undefined }: { readonly tunnels: number; readonly everyTime?: () => void },
): Promise<void> {
  for (let round = 0; (await observedBy(url)) < tunnels; round += 1) {
    await scrapeAsUsual(url, round);
    everyTime();
  }
}

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';

export async function scrapeAsUsual(url: string, round: number): Promise<void> {
  const encoding = round % 3 === 0 ? 'identity' : 'gzip';
  const accept = round % 2 === 0 ? OPENMETRICS : 'text/plain';
  await scrape(url, { accept, 'accept-encoding': encoding });
  await sleep(5000);
}
