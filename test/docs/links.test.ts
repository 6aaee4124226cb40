import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const PAGES = globSync([
  '*.md',
  '.github/**/*.md',
  'docs/**/*.md',
  'deploy/**/*.md',
  'grafana/**/*.md',
  'src/**/*.md',
]);

test('there are pages', () => {
  expect(PAGES.length).toBeGreaterThan(30);
});

test.each(PAGES)('the links of %s lead to files and their headings', (page) => {
  const broken = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !leadsSomewhere(page, link));
  expect(broken).toEqual([]);
});

/** CHANGELOG.md is left out, because it may name what was removed since. */
test.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))('the paths that %s names exist', (page) => {
  const prose = readFileSync(page, 'utf8').replaceAll(/^ *```.*?^ *```/gms, '');
  const paths = [...prose.matchAll(/`((?:src|test|docs|deploy|grafana)\/[\w./*-]*)`/g)].map(
    ([, path = '']) => path,
  );
  expect(paths.filter((path) => globSync(path.replace(/\/$/, '')).length === 0)).toEqual([]);
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
}

/** Anchors of headings, as GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}
