import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExporterProcess, type ExporterProcessOptions, startExporter } from './exporter.ts';

/**
 * `npm run bench`: the built exporter at 1,000 tunnels of 8 connections, polling the simulated API at the default
 * budget. Takes some minutes: that is how long the budget needs to observe every tunnel. Prints a Markdown table.
 */
const TUNNELS = 1000;
const SCRAPES = 200;
const STARTS = 5;

type ApiAccess = Pick<ExporterProcessOptions, 'apiUrl' | 'accountId' | 'token'>;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function scrape(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers });
  return (await response.arrayBuffer()).byteLength;
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics?name[]=${name}`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? NaN);
}

/** CPU milliseconds of the exporter per scrape, a pause before and after so that no poll falls in between. */
async function cpuPerScrape(exporter: ExporterProcess, encoding: string): Promise<number> {
  await scrape(exporter.url, { 'accept-encoding': encoding });
  const before = exporter.cpuMs();
  for (let index = 0; index < SCRAPES; index += 1)
    await scrape(exporter.url, { 'accept-encoding': encoding });
  return (exporter.cpuMs() - before) / SCRAPES;
}

async function startTimes(access: ApiAccess): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < STARTS; index += 1) {
    const exporter = await startExporter({ ...access, port: 20_340 + index, flags: [] });
    times.push(exporter.startedAfterMs);
    await exporter.stop();
  }
  return times;
}

/** Waits until every tunnel has been observed, scraping as Prometheus does; the longest pause of the event loop, in ms. */
async function observeAll(
  exporter: ExporterProcess,
): Promise<{ readonly pauseMs: number; readonly peakMegabytes: number }> {
  let pauseMs = 0;
  let peakMegabytes = 0;
  let quiet = 0;
  while (quiet < 12) {
    await sleep(5000);
    await scrape(exporter.url, { 'accept-encoding': 'gzip' });
    pauseMs = Math.max(pauseMs, (await metric(exporter.url, 'nodejs_eventloop_lag_max_seconds')) * 1000);
    peakMegabytes = Math.max(peakMegabytes, exporter.residentMegabytes());
    quiet = (await isWhole(exporter.url)) ? quiet + 1 : 0;
  }
  return { pauseMs, peakMegabytes };
}

async function isWhole(url: string): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics?name[]=cloudflare_tunnel_connectors`)).text();
  return (
    text.split('\n').filter((line) => line.startsWith('cloudflare_tunnel_connectors{')).length === TUNNELS
  );
}

async function startApi(): Promise<{ readonly api: ChildProcess; readonly access: ApiAccess }> {
  const api = spawn(process.execPath, ['test/bench/simulated-api.ts', String(TUNNELS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(api.stdout, 'data');
  const access: ApiAccess = JSON.parse(String(line));
  return { api, access };
}

const { api, access } = await startApi();
try {
  const starts = await startTimes(access);
  const exporter = await startExporter({ ...access, port: 20_339, flags: [] });
  const { pauseMs, peakMegabytes } = await observeAll(exporter);
  const series = await metric(exporter.url, 'cloudflare_tunnel_exporter_snapshot_series');
  const bytes = await scrape(exporter.url, { 'accept-encoding': 'identity' });
  const rows = [
    ['`/livez` answers after start (median of 5)', `${median(starts).toFixed(0)} ms`],
    ['series about tunnels', series.toLocaleString('en')],
    ['page', `${(bytes / 1e6).toFixed(1)} MB`],
    ['CPU per scrape, gzip', `${(await cpuPerScrape(exporter, 'gzip')).toFixed(2)} ms`],
    ['CPU per scrape, identity', `${(await cpuPerScrape(exporter, 'identity')).toFixed(2)} ms`],
    ['longest event-loop pause, with polls, renders and scrapes', `${pauseMs.toFixed(0)} ms`],
    ['resident memory, peak', `${peakMegabytes.toFixed(0)} MB`],
  ];
  process.stdout.write(`| ${TUNNELS.toLocaleString('en')} tunnels, 8 connections each | |\n|---|---|\n`);
  for (const [what, figure] of rows) process.stdout.write(`| ${what} | ${figure} |\n`);
  await exporter.stop();
} finally {
  api.kill('SIGTERM');
}
