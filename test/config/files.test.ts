import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFileReader, readText, withFiles } from '../../src/config/files.ts';

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a file is read completely, up to the limit', async () => {
  const path = join(aFolder(), 'file');
  const { read } = createFileReader();
  for (const text of ['', 'a', 'ü'.repeat(50)]) {
    writeFileSync(path, text);
    expect(await read(path, 100)).toBe(text);
  }
  writeFileSync(path, 'a'.repeat(101));
  await expect(read(path, 100)).rejects.toMatchObject({ code: 'EFBIG' });
});

test('of a file of 300 MB, at most the limit is read', async () => {
  const path = join(aFolder(), 'file');
  writeFileSync(path, '');
  truncateSync(path, 300 * 1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  await expect(createFileReader().read(path, 65_536)).rejects.toMatchObject({ code: 'EFBIG' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

test('only regular files are read, and a pipe does not wait for a writer', async () => {
  const folder = aFolder();
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { read, isStuck } = createFileReader();
  await expect(read(fifo, 100)).rejects.toMatchObject({ code: 'ENOTREG' });
  await expect(read('/dev/zero', 100)).rejects.toMatchObject({ code: 'ENOTREG' });
  await expect(read(folder, 100)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(read(join(folder, 'missing'), 100)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(isStuck()).toBe(false);
});

test('a read from a mount that hangs fails at the deadline, is not started twice, and is repeated when the mount responds', async () => {
  const path = join(aFolder(), 'file');
  writeFileSync(path, 'text');
  const { promise: hang, reject: answer } = Promise.withResolvers<never>();
  let opened = 0;
  const { read, isStuck } = createFileReader({
    deadlineMs: 20,
    openFile: () => {
      opened += 1;
      return hang;
    },
  });
  for (let time = 0; time < 5; time += 1)
    await expect(read(path, 100)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect([opened, isStuck()]).toEqual([1, true]);
  answer(new Error('stale handle'));
  await expect.poll(isStuck).toBe(false);
  await expect(read(path, 100)).rejects.toThrow('stale handle');
  expect(opened).toBe(2);
});
test('files that name files are read once each, and one that cannot be read is a problem', async () => {
  const disk = new Map([
    ['a', 'b'],
    ['b', 'missing'],
  ]);
  const read: string[] = [];
  const told = await withFiles(
    (readFile) => {
      let path = 'a';
      for (;;) {
        const text = readText(path, readFile);
        if (!text.ok) return text.problem;
        path = text.value;
      }
    },
    (path) => {
      read.push(path);
      const text = disk.get(path);
      return text === undefined
        ? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
        : Promise.resolve(text);
    },
  );
  expect(told).toBe('cannot read "missing": no such file');
  expect(read).toEqual(['a', 'b', 'missing']);
});
