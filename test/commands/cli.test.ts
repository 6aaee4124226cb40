import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { runExporter } from '../support/exporter-process.ts';
import { portOf } from '../support/loopback.ts';
import { cli, TOKEN } from './support.ts';

const STACK = /^\s+at /m;

test('--help shows every command and exits 0', async () => {
  const { code, stdout, stderr } = await runExporter(['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const command of ['run', 'once', 'check', 'healthcheck', 'demo'])
    expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
});

test('--version shows the version and exits 0', async () => {
  const { code, stdout } = await runExporter(['--version']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^cloudflare-tunnel-exporter \d+\.\d+\.\d+\n$/);
});

test('an unknown command prints one line and exits 1', async () => {
  const { code, stdout, stderr } = await cli(['chekc']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^"chekc" \(argument\): unknown command; .*\n$/);
});

test('--config.check validates the configuration without starting anything', async () => {
  const good = await cli(['--config.check']);
  expect(good).toMatchObject({ code: 0, stdout: 'The configuration is valid.\n', stderr: '' });
  const bad = await cli(['--config.check', '--poll.jitter=soon']);
  expect(bad).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^--poll.jitter \(flag\): .*\n$/),
  });
});

test('each problem of an invalid configuration is one line, without stack trace and secrets', async () => {
  const args = [
    'run',
    '--poll.jitter=soon',
    '--cloudflare.request-budget=0',
    `--cloudflare.api-token=${TOKEN}`,
  ];
  const { code, stdout, stderr } = await cli([...args, '--log.level=trace'], {
    env: { CLOUDFLARE_API_TOKEN_FILE: '/nonexistent/token', TUNNEL_EXPORTER_POLL_SHEDULE: 'x' },
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  for (const key of [
    '--poll.jitter',
    '--cloudflare.request-budget',
    '--cloudflare.api-token ',
    'CLOUDFLARE_API_TOKEN_FILE',
    'TUNNEL_EXPORTER_POLL_SHEDULE',
  ])
    expect(lines).toContainEqual(expect.stringContaining(key));
  expect(stderr).not.toMatch(STACK);
});

test.each([
  [200, 0],
  [503, 1],
])('the health check of a server that answers %d exits %d', async (status, expected) => {
  const asked: (string | undefined)[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url);
    response.writeHead(status).end();
  });
  const port = await portOf(server);
  const { code } = await runExporter(['healthcheck', `--web.listen-address=127.0.0.1:${port}`]);
  expect(code).toBe(expected);
  expect(asked).toEqual(['/livez']);
});

// Ports that fetch refuses, like browsers, but that a server can use.
test.each([':9', '[::1]:6000', 'localhost:9'])(
  'the health check without a server at %s prints one line and exits 1',
  async (address) => {
    const { code, stderr } = await runExporter(['healthcheck', `--web.listen-address=${address}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^http:\/\/.*\/livez does not answer: ECONNREFUSED\n$/);
  },
);
