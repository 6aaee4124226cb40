import { expect, test } from 'vitest';
import { readText } from '../../src/config/read-text.ts';
import { withFiles } from '../../src/config/with-files.ts';

test('files that name files are read, each once, and what cannot be read is told', async () => {
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
