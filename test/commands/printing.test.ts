import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cli, simulate, TOKEN } from './support.ts';

test('a token that the API echoes is printed in none of its forms', async () => {
  const forms = [
    TOKEN,
    Buffer.from(TOKEN).toString('base64'),
    Buffer.from(TOKEN).toString('base64url'),
    encodeURIComponent(Buffer.from(TOKEN).toString('base64')),
    Buffer.from(`user:${TOKEN}`).toString('base64'),
  ];
  for (const form of forms) {
    const api = await simulate();
    api.faults.add({
      effect: { kind: 'error', status: 400, code: 6003, message: `Invalid header ${form} in the request` },
    });
    for (const command of ['check', 'once']) {
      const { stdout, stderr } = await cli([command], { api });
      const printed = stdout + stderr;
      expect(printed).toContain('[redacted]');
      expect(printed).not.toContain(form);
      expect(printed).not.toContain(form.slice(8, 30));
    }
  }
});

test.each([
  ['the report of check that cannot be written', 'check'],
  ['the page of once that cannot be written', 'once'],
  ['the version that cannot be written', '--version'],
  ['the usage that cannot be written', '--help'],
  ['the result of a configuration check that cannot be written', 'run --config.check'],
])('%s: exit 1', async (_, words) => {
  const api = await simulate();
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', '"$@" >/dev/full', 'sh', process.execPath, 'src/main.ts', ...words.split(' ')],
    {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        CLOUDFLARE_ACCOUNT_ID: 'a'.repeat(32),
        CLOUDFLARE_API_TOKEN: TOKEN,
        CLOUDFLARE_API_URL: words === 'check' || words === 'once' ? 'http://127.0.0.1:9/client/v4' : api.url,
      },
    },
  );
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('Cannot write to standard output: '),
  });
});
