import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/index.ts';
import { ACCOUNT, cli, OTHER_ACCOUNT, simulate, TOKEN } from '../commands/support.ts';
import { portOf } from '../support/loopback.ts';

/** The rows of README's table: what somebody gave, and what the exporter says of it. */
const ROWS: ReadonlyMap<string, string> = new Map(
  [...readFileSync('README.md', 'utf8').matchAll(/^\| (.+?) \| `(.+?)` \| .+ \|$/gm)].map(
    ([, mistake = '', message = '']): [string, string] => [mistake, message],
  ),
);

interface Start {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly simulator?: SimulatorOptions;
}

const HOUR = 3_600_000;
const tunnelToken = Buffer.from(
  JSON.stringify({ a: ACCOUNT, t: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415', s: 'a-secret' }),
).toString('base64');

/** How each mistake is made. */
const MISTAKES: Readonly<Record<string, Start>> = {
  'no token': { env: { CLOUDFLARE_API_TOKEN: '' } },
  'the global API key': { env: { CLOUDFLARE_API_TOKEN: '0123456789abcdef0123456789abcdef01234' } },
  'the tunnel token, with which cloudflared runs': { env: { CLOUDFLARE_API_TOKEN: tunnelToken } },
  'quotes around the token': { env: { CLOUDFLARE_API_TOKEN: `"${TOKEN}"` } },
  'a token that was mistyped, revoked or has expired': { simulator: { tokens: [] } },
  "a zone id, or another's account id": { env: { CLOUDFLARE_ACCOUNT_ID: OTHER_ACCOUNT } },
  'a token without the permission for WARP connectors': {
    simulator: { tokens: [{ value: TOKEN, permissions: ['Cloudflare Tunnel Read'] }] },
  },
  'a token of the account, and no account id': {
    env: { CLOUDFLARE_ACCOUNT_ID: '' },
    simulator: { tokens: [{ value: TOKEN, owner: 'account' }] },
  },
  'a token without `Account Settings`, and no account id': {
    env: { CLOUDFLARE_ACCOUNT_ID: '' },
    simulator: { tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connectors Read'] }] },
  },
  'a clock that is off': { simulator: { dateOffsetMs: -3 * HOUR - 30_000 } },
};

/** All that the exporter prints, a message a line. */
async function saidBy({ args = ['check'], env = {}, simulator = {} }: Start): Promise<readonly string[]> {
  const api = await simulate(simulator);
  const { code, stdout, stderr } = await cli(args, { api, env });
  expect(code).toBe(1);
  return [
    ...stdout.split('\n').map((line) => line.replace(/^ {2}- /, '')),
    ...stderr.split('\n').map(messageOf),
  ];
}

function messageOf(line: string): string {
  if (!line.startsWith('{')) return line;
  const entry: unknown = JSON.parse(line);
  return typeof entry === 'object' && entry !== null && 'msg' in entry ? String(entry.msg) : line;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** An ellipsis stands for what differs from case to case. */
function patternOf(message: string): RegExp {
  return new RegExp(`^${message.split('…').map(escaped).join('.+')}$`);
}

test.each(Object.entries(MISTAKES))('the README has what the exporter says to %s', async (mistake, start) => {
  const said = await saidBy(start);
  expect(ROWS.has(mistake), `README.md has no row for: ${said.join('\n')}`).toBe(true);
  expect(said).toContainEqual(expect.stringMatching(patternOf(ROWS.get(mistake) ?? '')));
});

test('the README has what the exporter says to a port that is taken', async () => {
  const port = await portOf(createServer());
  const said = await saidBy({ args: ['run', `--web.listen-address=127.0.0.1:${port}`] });
  expect(said).toContainEqual(expect.stringMatching(patternOf(ROWS.get('a port that is taken') ?? '')));
});

test('the README has what the exporter says to Node.js 20', () => {
  const older = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.0"}})';
  const { stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${older}`, 'src/bin.ts'],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr.trimEnd()).toMatch(patternOf(ROWS.get('Node.js 20, without Docker') ?? ''));
});

test('the README has no other mistakes', () => {
  const others = ['a port that is taken', 'Node.js 20, without Docker'];
  const table = /^## Common mistakes\n(.*?)^## /ms.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  const rows = [...table.matchAll(/^\| (.+?) \| `/gm)].map(([, mistake = '']) => mistake);
  expect(rows.toSorted()).toEqual([...Object.keys(MISTAKES), ...others].toSorted());
});
