import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUILD, type Project, projectOf, readProject } from '../../../deploy/release/project.ts';
import { type Context, type StepName, STEPS } from '../../../deploy/release/steps.ts';

const project = projectOf({
  ...readProject().manifest,
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://github.com/owner/cloudflare-tunnel-exporter.git' },
});
const digest = (character: string): string => `sha256:${character.repeat(64)}`;

/** Commands of consecutive steps, in which each program prints a recorded output. */
function commandsOf(names: readonly StepName[], of: Project = project): readonly string[] {
  const commands: string[] = [];
  const context: Context = {
    project: of,
    env: { GITHUB_SHA: 'f00ba2' },
    execute: (command) => {
      commands.push(command.join(' '));
      return answerTo(command);
    },
  };
  for (const name of names) STEPS[name](context);
  return commands;
}

function answerTo(command: readonly string[]): string {
  if (command.includes('inspect')) {
    return `Name:      docker.io/library/node:24-slim\nMediaType: application/vnd.oci.image.index.v1+json\nDigest:    ${digest('b')}\n\nManifests:\n  Name: docker.io/library/node:24-slim@${digest('c')}\n`;
  }
  if (command.includes('push')) return `Pushed: ghcr.io/owner/charts/x:1.2.3\nDigest: ${digest('d')}\n`;
  const metadata = command.find((argument) => argument.startsWith('--metadata-file='));
  if (metadata !== undefined) {
    const provenance = {
      materials: [{ digest: { sha256: 'b'.repeat(64) }, uri: `pkg:docker/node@${digest('b')}` }],
    };
    writeFileSync(
      metadata.replace('--metadata-file=', ''),
      JSON.stringify({ 'buildx.build.provenance': provenance, 'containerimage.digest': digest('a') }),
    );
  }
  return '';
}

test('an image is built for two platforms on a base pinned by digest, with SBOM and provenance, and signed by its digest', () => {
  const [inspected, built, signed] = commandsOf(['image:publish', 'image:sign']);
  expect(inspected).toBe('docker buildx imagetools inspect docker.io/library/node:24-slim');
  for (const part of [
    '--platform=linux/amd64,linux/arm64',
    '--sbom=true',
    '--provenance=mode=max',
    '--push',
    `--build-arg=BASE=docker.io/library/node:24-slim@${digest('b')}`,
    '--build-arg=REVISION=f00ba2',
    '--build-arg=VERSION=1.2.3',
    `--label=org.opencontainers.image.base.digest=${digest('b')}`,
    '--label=org.opencontainers.image.source=https://github.com/owner/cloudflare-tunnel-exporter',
    ...['1.2.3', '1.2', 'latest'].map((tag) => `--tag=ghcr.io/owner/cloudflare-tunnel-exporter:${tag}`),
  ])
    expect(built).toContain(` ${part} `);
  expect(signed).toBe(`cosign sign --yes ghcr.io/owner/cloudflare-tunnel-exporter@${digest('a')}`);
});

test('an image for this machine is not pushed', () => {
  const [, built] = commandsOf(['image:local']);
  expect(built).toContain(' --load ');
  expect(built).not.toMatch(/--push|--platform|--annotation/);
});

test('the chart is pushed, and signed by the digest that the registry gave', () => {
  expect(commandsOf(['chart:publish', 'chart:sign'])).toEqual([
    'helm push build/chart/cloudflare-tunnel-exporter-1.2.3.tgz oci://ghcr.io/owner/charts',
    `cosign sign --yes ghcr.io/owner/charts/cloudflare-tunnel-exporter@${digest('d')}`,
  ]);
});

test('a pre-release is nowhere the default', () => {
  const next = { ...project, version: '1.2.3-rc.1' };
  const [, built, npm, github] = commandsOf(['image:publish', 'npm:publish', 'github'], next);
  expect(built?.match(/--tag=\S+/g)).toEqual(['--tag=ghcr.io/owner/cloudflare-tunnel-exporter:1.2.3-rc.1']);
  expect(npm).toMatch(/--tag=next$/);
  expect(github).toContain(' --prerelease ');
});

test('npm gets the tarball with provenance', () => {
  expect(commandsOf(['npm:publish'])).toEqual([
    'npm publish build/npm/cloudflare-tunnel-exporter-1.2.3.tgz --provenance --access=public',
  ]);
});

test('the release on GitHub carries the archives, and notes with the digests', () => {
  const commands = commandsOf(['image:publish', 'chart:publish', 'github']);
  expect(commands.at(-1)).toBe(
    'gh release create v1.2.3 --verify-tag --title=1.2.3 --notes-file=build/notes.md build/bundle/cloudflare-tunnel-exporter-1.2.3-monitoring.tar.gz build/chart/cloudflare-tunnel-exporter-1.2.3.tgz',
  );
  const notes = readFileSync(join(BUILD, 'notes.md'), 'utf8');
  expect(notes).toContain(`\`ghcr.io/owner/cloudflare-tunnel-exporter:1.2.3@${digest('a')}\``);
  expect(notes).toContain(digest('d'));
});

test('a program that prints no digest ends the release', () => {
  const context: Context = { project, env: {}, execute: () => 'unauthorized' };
  expect(() => STEPS['chart:publish'](context)).toThrow('no digest after Digest: in: unauthorized');
});

test('before anything is published, all that does not fit is said at once', () => {
  const env = { GITHUB_REF_NAME: 'v1.2.4', GITHUB_REPOSITORY: 'fork/cloudflare-tunnel-exporter' };
  expect(() => STEPS.check({ project, env, execute: () => '' })).toThrow(
    `the tag is v1.2.4, and package.json has version 1.2.3: tag v1.2.3, or change the version
this is fork/cloudflare-tunnel-exporter, and package.json names owner/cloudflare-tunnel-exporter: change repository.url there, then npm run owner
CHANGELOG.md has no section "## 1.2.3": name "Unreleased" so`,
  );
});
