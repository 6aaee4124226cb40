/**
 * The owner of the repository is one variable: `repository.url` in package.json. `npm run owner`
 * writes it to every address in the other files. Run it after a change, or in a fork.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Project, readProject } from './project.ts';

/** The owner in addresses of the repository, of the image and of the chart. */
const OWNER = /(?<=(github\.com|ghcr\.io)\/)[\w-]+(?=\/(?:cloudflare-tunnel-exporter|charts)\b)/g;

export function withOwner(text: string, { repository }: Project): string {
  const [owner = ''] = repository.split('/');
  return text.replaceAll(OWNER, (_, host: string) => (host === 'ghcr.io' ? owner.toLowerCase() : owner));
}

/** Files with an address of another owner, and what they should hold. */
export function outdated(project: Project): ReadonlyMap<string, string> {
  // In a container of CI the checkout belongs to another user.
  const files = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'grep', '--files-with-matches', '-I', '-E', '(github.com|ghcr.io)/'],
    {
      encoding: 'utf8',
    },
  );
  return new Map(
    files
      .trimEnd()
      .split('\n')
      .filter((file) => !file.startsWith('test/deploy/release/'))
      .map((file): [string, string, string] => {
        const text = readFileSync(file, 'utf8');
        return [file, text, withOwner(text, project)];
      })
      .flatMap(([file, text, wanted]) => (text === wanted ? [] : [[file, wanted]])),
  );
}

if (import.meta.main) {
  for (const [file, text] of outdated(readProject())) writeFileSync(file, text);
}
