import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readProject } from '../../../deploy/release/project.ts';
import { STEPS } from '../../../deploy/release/steps.ts';

const { version } = readProject();

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

function release(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const { status, stderr } = spawnSync(process.execPath, ['deploy/release/main.ts', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  return { status, stderr };
}

test('no step, and one that there is not, are answered with all steps', () => {
  const usage = { status: 1, stderr: expect.stringContaining(Object.keys(STEPS).join(', ')) };
  expect(release([])).toEqual(usage);
  expect(release(['chek'])).toEqual(usage);
});

test('a step that cannot be done says why, and fails', () => {
  const { status, stderr } = release(['check'], { GITHUB_REF_NAME: 'v0.0.1' });
  expect(status).toBe(1);
  expect(stderr).toMatch(`check: the tag is v0.0.1, and package.json has version ${version}`);
});

test('a program that fails or is missing ends the step with its command', () => {
  const { status, stderr } = release(['chart:publish'], { PATH: '/nonexistent' });
  expect(status).toBe(1);
  expect(stderr).toContain('helm push build/chart/');
});
