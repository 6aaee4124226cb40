import { existsSync, readFileSync } from 'node:fs';

/**
 * The folder that holds package.json: above the bundle of `npm run build`, or above src/ and the
 * npm package's dist/.
 */
const ROOT = ['../', '../../']
  .map((path) => new URL(path, import.meta.url))
  .find((folder) => existsSync(new URL('package.json', folder)));

export interface BuildInfo {
  readonly version: string;
  /** The commit; '' without a built revision and a git checkout. */
  readonly revision: string;
}

export function buildInfo(): BuildInfo {
  const { version }: { version: string } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  return { version, revision: read('dist/REVISION') ?? gitRevision() ?? '' };
}

function gitRevision(): string | undefined {
  const head = read('.git/HEAD');
  const ref = head?.startsWith('ref: ') === true ? head.slice('ref: '.length) : undefined;
  return ref === undefined ? head : read(`.git/${ref}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, ROOT), 'utf8').trim();
  } catch {
    return undefined;
  }
}
