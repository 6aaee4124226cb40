import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runExporter } from '../support/exporter-process.ts';
import { portOf } from '../support/loopback.ts';

const text = readFileSync('docs/architecture.md', 'utf8');

function blocks(language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, block]) => block ?? '',
  );
}

test("the lines at the end of docs/architecture.md are what its API's answers give", async () => {
  const [list = '', connections = ''] = blocks('json');
  const [lines = ''] = blocks('text');
  const answerTo = (path: string): string => {
    if (path.endsWith('/tunnels')) return list;
    if (path.endsWith('/connections')) return connections;
    return '{"success":true,"errors":[],"messages":[],"result":{"id":"1","status":"active"}}';
  };
  const server = createServer(({ url = '' }, response) => {
    response.setHeader('content-type', 'application/json').end(answerTo(url.split('?')[0] ?? ''));
  });
  const port = await portOf(server);
  const account: unknown = JSON.parse(list).result[0].account_tag;
  const flags = ['--tunnels.types=cfd_tunnel', '--tunnels.configurations=false', '--tunnels.routes=false'];
  const { code, stdout, stderr } = await runExporter(['once', ...flags], {
    env: {
      CLOUDFLARE_API_TOKEN: 'a-secret-token-of-40-characters-in-length',
      CLOUDFLARE_ACCOUNT_ID: String(account),
      CLOUDFLARE_API_URL: `http://127.0.0.1:${port}/client/v4`,
    },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const printed = stdout.split('\n');
  const wanted = lines.trim().split('\n');
  expect(wanted.length).toBeGreaterThan(3);
  expect(wanted.filter((line) => !printed.includes(line))).toEqual([]);
});
