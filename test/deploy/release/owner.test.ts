import { expect, test } from 'vitest';
import { outdated, withOwner } from '../../../deploy/release/owner.ts';
import { projectOf, readProject } from '../../../deploy/release/project.ts';

const { manifest } = readProject();
const fork = projectOf({
  ...manifest,
  repository: { type: 'git', url: 'git+https://github.com/Some-Fork/cloudflare-tunnel-exporter.git' },
});

test('package.json alone names the owner: every other address follows it (npm run owner)', () => {
  expect([...outdated(readProject()).keys()]).toEqual([]);
});

const addressesOf = (owner: string, registry: string): string =>
  `https://github.com/${owner}/cloudflare-tunnel-exporter/issues ghcr.io/${registry}/cloudflare-tunnel-exporter:1
   oci://ghcr.io/${registry}/charts/x github.com/cloudflare/cloudflared ghcr.io/other/image`;

test('a fork changes its addresses in one go, and those of nobody else', () => {
  expect(withOwner(addressesOf('one', 'one'), fork)).toBe(addressesOf('Some-Fork', 'some-fork'));
  expect(outdated(fork).size).toBeGreaterThan(2);
});

test('names of what a release publishes', () => {
  expect(fork).toMatchObject({
    repository: 'Some-Fork/cloudflare-tunnel-exporter',
    image: 'ghcr.io/some-fork/cloudflare-tunnel-exporter',
    charts: 'oci://ghcr.io/some-fork/charts',
  });
  const elsewhere = { ...manifest, repository: { type: 'git', url: 'https://example.com/x' } };
  expect(() => projectOf(elsewhere)).toThrow(
    'package.json: repository.url is https://example.com/x; write git+https://github.com/<owner>/cloudflare-tunnel-exporter.git',
  );
});
