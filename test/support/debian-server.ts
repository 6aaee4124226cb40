import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
import { debianProgram, type ProgramName } from './debian.ts';

const PATIENCE = { timeout: 30_000, interval: 200 };

/**
 * Starts a program on a free port, in its own folder, until the test ends. Resolves when it is
 * ready.
 */
export async function startServer(
  program: ProgramName,
  argumentsFor: (folder: string, address: string) => readonly string[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `${program}-`));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(debianProgram(program).command, argumentsFor(folder, address), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`);
    expect((await fetch(`http://${address}/-/ready`)).status).toBe(200);
  }, PATIENCE);
  return `http://${address}`;
}

/**
 * Starts a program on a free port of loopback until the test ends. Resolves to its address when it
 * listens.
 */
export async function startProgram(
  program: ProgramName,
  argumentsFor: (port: number) => readonly string[],
): Promise<string> {
  const port = await freePort();
  const child = spawn(debianProgram(program).command, argumentsFor(port), { stdio: 'ignore' });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }, PATIENCE);
  return `127.0.0.1:${port}`;
}

/**
 * Starts a Prometheus with this configuration and these files until the test ends. Resolves to its
 * URL.
 */
export function startPrometheusWith(
  config: object,
  files: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<string> {
  return startServer('prometheus', (folder, address) => {
    const configFile = join(folder, 'prometheus.yml');
    writeFileSync(configFile, stringify(config));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
      ...flags,
    ];
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string')
    throw new Error('Cannot listen: the server has no port');
  return address.port;
}
