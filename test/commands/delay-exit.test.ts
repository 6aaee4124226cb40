import { expect, onTestFinished, test, vi } from 'vitest';
import { spawn } from 'node:child_process';
import { isBesideCloudflared } from '../../src/commands/delay-exit.ts';
import { cli } from './support.ts';

test.each([
  [['--sidecar.cloudflared-url=http://127.0.0.1:20241'], {}],
  [['run', '--sidecar.tunnel-token-file', 't'], {}],
  [[], { TUNNEL_TOKEN: 'x' }],
  [[], { TUNNEL_TOKEN_FILE: 'x' }],
  [[], { TUNNEL_EXPORTER_SIDECAR_MIN_CONNECTIONS: 'x' }],
])('%j with %j is beside a cloudflared', (argv, env) => {
  expect(isBesideCloudflared({ argv, env })).toBe(true);
});

test.each([
  [[], {}],
  [[], { TUNNEL_TOKEN: '', TUNNEL_METRICS: ':1' }],
  [['once'], { TUNNEL_TOKEN: 'x' }],
  [['check', '--sidecar.tunnel-token-file=t'], {}],
  [['--config.check', '--sidecar.tunnel-token-file=t'], {}],
])('%j with %j is not beside a cloudflared', (argv, env) => {
  expect(isBesideCloudflared({ argv, env })).toBe(false);
});

test('a sidecar with invalid settings reports them at once and delays its exit', async () => {
  const child = spawn(process.execPath, ['src/main.ts', '--sidecar.min-connections=none'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  await vi.waitFor(() => expect(stderr).toContain('--sidecar.min-connections (flag)'), { timeout: 15_000 });
  // A process that is no sidecar exits meanwhile.
  expect(await cli(['--no-such-flag'])).toMatchObject({ code: 1 });
  expect(child.exitCode).toBeNull();
});
