import { readFileSync } from 'node:fs';

/** The folder that holds package.json, above src/ as above dist/. */
const ROOT = new URL('../../', import.meta.url);

export interface About {
  readonly version: string;
  /** The commit; '' where there is neither a built revision nor a git checkout. */
  readonly revision: string;
}

export function about(): About {
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
