import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copies, FOLDER } from '../../../deploy/kubernetes/copy-monitoring.ts';

const wanted = copies();
const remedy = '(else: node deploy/kubernetes/copy-monitoring.ts)';

test(`the chart holds nothing but the current alerts and dashboards ${remedy}`, () => {
  const present = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(present.toSorted()).toEqual([...wanted.keys()].map((path) => join(FOLDER, path)).toSorted());
});

test.each([...wanted])(`%s is what it is a copy of ${remedy}`, (path, text) => {
  expect(readFileSync(join(FOLDER, path), 'utf8') === text).toBe(true);
});
