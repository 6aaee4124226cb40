import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { debianProgram } from '../support/debian.ts';

export const prometheusProgram = debianProgram('prometheus');

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** At least one; NaN where Prometheus says so. */
  readonly values: readonly number[];
}

export interface RealPrometheus {
  /** The present; throws what Prometheus says where it cannot. */
  readonly query: (expr: string) => Promise<readonly Series[]>;
  /** Every two seconds of the last five minutes. */
  readonly queryRange: (expr: string) => Promise<readonly Series[]>;
}

/** Scrapes the exporters every second as one job; ended when the test is. */
export async function startPrometheus(exporters: readonly string[], job: string): Promise<RealPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'dashboards-prometheus-'));
  const targets = exporters.map((url) => new URL(url).host);
  const config = join(folder, 'prometheus.json');
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: job, static_configs: [{ targets }] }],
    }),
  );
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    prometheusProgram.command,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
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
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended: ${log}`);
      expect((await fetch(`${url}/-/ready`)).status).toBe(200);
    },
    { timeout: 20_000, interval: 200 },
  );

  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${parameters['query']}`);
    return answer;
  };
  return {
    query: async (query) =>
      (await ask('query', { query })).data.result.map(({ metric, value }) => ({
        metric,
        values: value === undefined ? [] : [Number(value[1])],
      })),
    queryRange: async (query) => {
      const end = Date.now() / 1000;
      const parameters = { query, start: String(end - 300), end: String(end), step: '2' };
      return (await ask('query_range', parameters)).data.result.map(({ metric, values = [] }) => ({
        metric,
        values: values.map(([, value]) => Number(value)),
      }));
    },
  };
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
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
