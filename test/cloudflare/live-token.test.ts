import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLiveToken } from '../../src/cloudflare/live-token.ts';
import { createFileReader } from '../../src/config/files.ts';

async function tokenFile(content?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'token');
  if (content !== undefined) await writeFile(path, content);
  return path;
}

test('a configured value stays the token', async () => {
  const token = await openLiveToken({ kind: 'value', value: 'abc' });
  expect(token.current()).toBe('abc');
  expect(await token.refresh()).toEqual({ changed: false, problem: undefined });
});

test.each(['abc\n', 'abc\r\n', '  abc', '\uFEFFabc\n'])(
  'white space around a token is ignored: %j',
  async (content) => {
    const token = await openLiveToken({ kind: 'file', path: await tokenFile(content) });
    expect(token.current()).toBe('abc');
  },
);

test('a changed file is noticed once', async () => {
  const path = await tokenFile('old\n');
  const token = await openLiveToken({ kind: 'file', path });
  expect(await token.refresh()).toEqual({ changed: false, problem: undefined });
  await writeFile(path, 'new\n');
  expect(await token.refresh()).toEqual({ changed: true, problem: undefined });
  expect(await token.refresh()).toEqual({ changed: false, problem: undefined });
  expect(token.current()).toBe('new');
});

test('a symbolic link that is swapped, as Kubernetes does, is followed', async () => {
  const path = await tokenFile('old');
  const link = `${path}.link`;
  await symlink(path, link);
  const token = await openLiveToken({ kind: 'file', path: link });
  await writeFile(`${path}.new`, 'new');
  await symlink(`${path}.new`, `${link}.tmp`);
  await rename(`${link}.tmp`, link);
  expect(await token.refresh()).toMatchObject({ changed: true });
  expect(token.current()).toBe('new');
});

test.each([
  ['an empty file', async (path: string) => writeFile(path, ' \n'), / is empty; put the API token there$/],
  ['a missing file', async (path: string) => rm(path), /cannot be read: no such file$/],
  ['a file with two lines', async (path: string) => writeFile(path, 'one\ntwo\n'), /holds white space/],
  ['a file that says Bearer', async (path: string) => writeFile(path, 'Bearer two'), /begins with "Bearer"/],
  [
    'a tunnel token',
    async (path: string) =>
      writeFile(
        path,
        Buffer.from(JSON.stringify({ a: 'x'.repeat(32), t: 'two', s: 'y' })).toString('base64'),
      ),
    /is a tunnel token/,
  ],
  ['a file of 300 MB', async (path: string) => truncate(path, 300_000_000), /it is too large$/],
  [
    'a named pipe',
    async (path: string) => {
      await rm(path);
      execFileSync('mkfifo', [path]);
    },
    /it is not a regular file$/,
  ],
])('%s keeps the old token and says so', async (_name, damage, problem) => {
  const path = await tokenFile('old');
  const token = await openLiveToken({ kind: 'file', path });
  await damage(path);
  const refreshed = await token.refresh();
  expect(refreshed.changed).toBe(false);
  expect(refreshed.problem).toMatch(problem);
  expect(refreshed.problem).toContain(path);
  expect(refreshed.problem).not.toContain('two');
  expect(token.current()).toBe('old');

  await rm(path, { force: true });
  await writeFile(path, 'new');
  expect(await token.refresh()).toEqual({ changed: true, problem: undefined });
});

test('a file on a mount that hangs keeps the old token and reports it', async () => {
  let hangs = false;
  const { read } = createFileReader({
    deadlineMs: 20,
    openFile: (path) => (hangs ? new Promise<never>(() => undefined) : open(path)),
  });
  const source = { kind: 'file', path: await tokenFile('old') } as const;
  const token = await openLiveToken(source, { readFile: read });
  hangs = true;
  const { changed, problem } = await token.refresh();
  expect([changed, problem]).toEqual([false, expect.stringContaining('as on a mount that hangs')]);
  expect(token.current()).toBe('old');
});

test('a token file that appears later is used', async () => {
  const path = await tokenFile();
  const token = await openLiveToken({ kind: 'file', path });
  expect(token.current()).toBeUndefined();
  expect(token.problem()).toContain('cannot be read: no such file');
  await writeFile(path, 'abc');
  expect(await token.refresh()).toEqual({ changed: true, problem: undefined });
  expect(token.problem()).toBeUndefined();
});

test('a value that cannot be sent in a header is rejected', async () => {
  const token = await openLiveToken({ kind: 'value', value: 'naïve token' });
  expect(token.current()).toBeUndefined();
  expect(token.problem()).not.toContain('naïve');
});
