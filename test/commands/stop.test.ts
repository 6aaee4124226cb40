import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { ACCOUNT, ONCE, running, simulate, TOKEN } from './support.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };
const STOPPING = 'stopping: in-flight scrapes finish, polling is abandoned';

/** An exporter whose page does not fit into the buffers of a connection that nobody reads. */
async function runningWithALargePage(): Promise<ExporterProcess> {
  const name = 'x'.repeat(10_000);
  const tunnels = Array.from({ length: 100 }, (_, index) => ({ name: `${index}-${name}` }));
  const api = await simulate({ accounts: [{ id: ACCOUNT, name: 'One', tunnels }] });
  const exporter = await running(ONCE, { api });
  await vi.waitFor(
    async () => expect(await exporter.get('/readyz')).toMatchObject({ status: 200 }),
    PATIENCE,
  );
  return exporter;
}

/** A scrape that has started to arrive; the rest is not read until the socket is resumed. */
async function aSlowScrape({ url }: ExporterProcess): Promise<{ socket: Socket; received: () => string }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  await once(socket, 'data');
  socket.pause();
  return { socket, received: () => received };
}

async function isStopping(exporter: ExporterProcess): Promise<void> {
  await vi.waitUntil(() => exporter.logs().some(({ msg }) => msg === STOPPING), PATIENCE);
}

test('on SIGTERM a slow scrape in flight gets its whole page, meanwhile the exporter is not ready', async () => {
  const exporter = await runningWithALargePage();
  const { socket, received } = await aSlowScrape(exporter);
  exporter.kill('SIGTERM');
  await isStopping(exporter);
  expect(await exporter.get('/readyz')).toMatchObject({ status: 503, text: 'stopping\n' });
  socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.resume();
  expect(await exporter.ended()).toEqual({ code: 0, signal: null });
  const [head = '', ...rest] = received().split('\r\n\r\n');
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  const afterHead = rest.join('\r\n\r\n');
  expect(length).toBeGreaterThan(10_000_000);
  expect(afterHead.length).toBeGreaterThanOrEqual(length);
  expect(afterHead.slice(length)).toMatch(/^HTTP\/1\.1 503 [^]*\r\n\r\nstopping\n$/);
});

test('a scrape that is never read does not prevent the exit', async () => {
  const exporter = await runningWithALargePage();
  await aSlowScrape(exporter);
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});

test('a second SIGTERM ends it at once', async () => {
  const exporter = await runningWithALargePage();
  await aSlowScrape(exporter);
  exporter.kill('SIGTERM');
  await isStopping(exporter);
  exporter.kill('SIGTERM');
  expect(await exporter.ended()).toEqual({ code: 143, signal: null });
  expect(exporter.logs().some(({ msg }) => msg === 'stopped')).toBe(false);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s during a hanging poll ends with exit 0', async (signal) => {
  const api = await simulate();
  api.faults.add({ effect: { kind: 'silence' } });
  const exporter = await running([...ONCE, '--cloudflare.request-timeout=5m'], { api });
  await vi.waitUntil(() => api.requests.count() > 0, PATIENCE);
  exporter.kill(signal);
  expect(await exporter.ended()).toEqual({ code: 0, signal: null });
  expect(exporter.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('a standard error that nobody reads blocks neither probes nor the exit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stop-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, '{}');
  const api = await simulate();
  const exporter = await running([...ONCE, `--config.file=${file}`], { api });
  exporter.stopReadingLogs();
  const failed = 'cloudflare_tunnel_exporter_config_last_reload_successful 0';
  // One line per key: far more than a pipe and the exporter can hold.
  writeFileSync(file, Array.from({ length: 20_000 }, (_, key) => `unknown_key_${key}: 1\n`).join(''));
  exporter.kill('SIGHUP');
  await vi.waitFor(async () => expect((await exporter.get('/metrics')).text).toContain(failed), PATIENCE);
  expect(await exporter.get('/livez')).toMatchObject({ status: 200 });
  exporter.kill('SIGTERM');
  expect(await exporter.ended()).toEqual({ code: 0, signal: null });
});

test.each([
  ['an exception that nobody catches', 'throw new Error'],
  ['a rejection that nobody handles', 'Promise.reject(new Error'],
])('%s is logged without secrets, and ends the process with 1', async (_, raise) => {
  const close = raise.startsWith('throw') ? '' : ')';
  const script = `process.on('SIGUSR2',()=>{${raise}('boom '+process.env.CLOUDFLARE_API_TOKEN)${close}})`;
  const exporter = await running(ONCE, {
    api: await simulate(),
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` },
  });
  exporter.kill('SIGUSR2');
  expect(await exporter.ended()).toEqual({ code: 1, signal: null });
  expect(exporter.logs().at(-1)).toMatchObject({
    level: 'error',
    msg: 'unexpected error: the exporter ends; please report this',
    err: { message: 'boom [redacted]' },
  });
  expect(JSON.stringify(exporter.logs())).not.toContain(TOKEN);
});

test('a token file that becomes a pipe blocks neither polls nor the exit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stop-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, TOKEN);
  const api = await simulate();
  const env = { CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_TOKEN_FILE: file };
  const exporter = await running([], { api, env });
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await vi.waitUntil(
    () =>
      exporter.logs().some(({ msg }) => msg.includes('it is not a regular file; the previous token stays')),
    PATIENCE,
  );
  const before = api.requests.count();
  await vi.waitUntil(() => api.requests.count() > before + 2, PATIENCE);
  exporter.kill('SIGTERM');
  expect(await exporter.ended()).toEqual({ code: 0, signal: null });
});
