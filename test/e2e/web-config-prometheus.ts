import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { debianProgram } from '../support/debian.ts';
import { aFolder } from '../web/web-config/certificates.ts';

export const prometheus = debianProgram('prometheus');

export interface Target {
  readonly job: string;
  readonly health: string;
  readonly lastError: string;
}

/** Starts a Prometheus with these scrape jobs, ended when the test is; resolves to what it says of its targets. */
export async function scrapedBy(jobs: readonly string[]): Promise<() => Promise<readonly Target[]>> {
  const folder = aFolder();
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n${jobs.map((job) => `  - ${job}\n`).join('')}`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    prometheus.command,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended: ${log}`);
      expect((await fetch(`http://${address}/-/ready`)).status).toBe(200);
    },
    { timeout: 20_000, interval: 200 },
  );
  return async () => {
    const response = await fetch(`http://${address}/api/v1/targets`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
    const { data } = (await response.json()) as {
      readonly data: { readonly activeTargets: readonly (Target & { readonly scrapePool: string })[] };
    };
    return data.activeTargets.map(({ scrapePool, health, lastError }) => ({
      job: scrapePool,
      health,
      lastError,
    }));
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}
