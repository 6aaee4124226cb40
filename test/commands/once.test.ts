import { closeSync, openSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { numbered, specOf } from '../poller/support.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { ACCOUNT, cli, messagesOf, OTHER_ACCOUNT, samplesOf, simulate, TOKEN, valueOf } from './support.ts';

const UP = 'cloudflare_tunnel_exporter_account_up';

test('once prints the page with data, and nothing else', async () => {
  const api = await simulate();
  const { code, stdout, stderr } = await cli(['once'], { api });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(parseExposition(Buffer.from(stdout), 'text').length).toBeGreaterThan(20);
  expect(valueOf(stdout, 'cloudflare_tunnel_status', { tunnel_name: 'tunnel-1', status: 'healthy' })).toBe(1);
  const connections = samplesOf(stdout, 'cloudflare_tunnel_active_connections');
  expect(connections.reduce((sum, { value }) => sum + value, 0)).toBe(8);
  expect(valueOf(stdout, UP)).toBe(1);
});

test('without the permission to read routes, once logs one line and exits 0', async () => {
  const api = await simulate({
    tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connectors Read'] }],
  });
  const result = await cli(['once'], { api });
  expect(result.code).toBe(0);
  expect(messagesOf(result).filter((line) => line.includes('Cloudflare One Networks Read'))).toHaveLength(1);
  expect(samplesOf(result.stdout, 'cloudflare_tunnel_routes')).toEqual([]);
  const routes = { collector: 'routes' };
  expect(valueOf(result.stdout, 'cloudflare_tunnel_exporter_collector_success', routes)).toBe(0);
  expect(samplesOf(result.stdout, 'cloudflare_tunnel_connectors')).toHaveLength(2);
});

test('if an account fails, once prints the others and exits 1', async () => {
  const accounts = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, name: id, tunnels: numbered(1).map(specOf) }));
  const api = await simulate({ accounts });
  api.faults.add({ endpoint: 'tunnels', accountId: OTHER_ACCOUNT, effect: { kind: 'half_json' } });
  const result = await cli(['once'], { api, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  expect(result.code).toBe(1);
  expect(valueOf(result.stdout, UP, { account_id: ACCOUNT })).toBe(1);
  expect(valueOf(result.stdout, UP, { account_id: OTHER_ACCOUNT })).toBe(0);
  expect(
    samplesOf(result.stdout, 'cloudflare_tunnel_info').map(({ labels }) => labels.get('account_id')),
  ).toEqual([ACCOUNT]);
  expect(messagesOf(result)).toEqual([expect.stringContaining('is not JSON')]);
});

test('a token that Cloudflare refuses is logged without its value', async () => {
  const api = await simulate();
  api.faults.add({
    effect: { kind: 'error', status: 401, code: 10000, message: `bad token ${TOKEN} given` },
  });
  const result = await cli(['once', '--log.level=trace'], { api });
  expect(result.code).toBe(1);
  expect(valueOf(result.stdout, UP)).toBe(0);
  expect(result.stderr).toMatch(/"level":"warn".*\[token\]|\[redacted\]/);
});

test.skipIf(process.platform !== 'linux')(
  'a page that cannot be written is reported in one line, with exit 1',
  async () => {
    const api = await simulate();
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, ['src/main.ts', 'once'], {
      stdio: ['ignore', full, 'pipe'],
      env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_API_URL: api.url },
    });
    closeSync(full);
    onTestFinished(() => void child.kill('SIGKILL'));
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^Cannot write to standard output: ENOSPC.*\n$/),
    });
  },
);
