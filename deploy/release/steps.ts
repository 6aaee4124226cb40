/**
 * The steps of a release, each a list of commands. Nothing here runs one: `execute` does, and
 * returns what it prints.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePath, makeBundle } from './bundle.ts';
import { chartPath, makeChart } from './chart.ts';
import { notesOf } from './notes.ts';
import { makeNpmPackage, npmPackagePath } from './npm-package.ts';
import { BUILD, type Project } from './project.ts';

export interface Context {
  readonly project: Project;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execute: (command: readonly string[]) => string;
}

type Step = (context: Context) => void;

const BASE = 'docker.io/library/node:24-slim';
const PLATFORMS = 'linux/amd64,linux/arm64';
const NOTES = join(BUILD, 'notes.md');
const IMAGE_DIGEST = join(BUILD, 'image-digest');
const CHART_DIGEST = join(BUILD, 'chart-digest');

export const STEPS = {
  check,
  'image:local': (context) => {
    context.execute(imageBuild(context, ['--load']));
  },
  'image:publish': (context) => {
    const metadata = join(BUILD, 'image.json');
    mkdirSync(BUILD, { recursive: true });
    context.execute(
      imageBuild(context, [
        `--platform=${PLATFORMS}`,
        '--provenance=mode=max',
        '--sbom=true',
        `--annotation=index,manifest:org.opencontainers.image.description=${context.project.manifest.description}`,
        `--metadata-file=${metadata}`,
        '--push',
      ]),
    );
    keep(IMAGE_DIGEST, digestAfter('"containerimage.digest":', readFileSync(metadata, 'utf8')));
  },
  'image:sign': ({ project, execute }) => {
    execute(signature(`${project.image}@${readFileSync(IMAGE_DIGEST, 'utf8')}`));
  },
  'chart:package': ({ project }) => {
    makeChart(project);
  },
  'chart:publish': ({ project, execute }) => {
    keep(CHART_DIGEST, digestAfter('Digest:', execute(['helm', 'push', chartPath(project), project.charts])));
  },
  'chart:sign': ({ project, execute }) => {
    const chart = `${project.charts.replace('oci://', '')}/${project.manifest.name}`;
    execute(signature(`${chart}@${readFileSync(CHART_DIGEST, 'utf8')}`));
  },
  'npm:package': ({ project }) => {
    makeNpmPackage(project);
  },
  // npm takes the identity of the workflow (trusted publishing) where it has one; no token is needed.
  'npm:publish': ({ project, execute }) => {
    execute([
      'npm',
      'publish',
      npmPackagePath(project.manifest),
      '--provenance',
      '--access=public',
      ...(isPrerelease(project) ? ['--tag=next'] : []),
    ]);
  },
  bundle: ({ project }) => {
    makeBundle(project);
  },
  github: ({ project, execute }) => {
    const notes = notesOf(readFileSync('CHANGELOG.md', 'utf8'), project.version);
    keep(NOTES, `${notes ?? ''}\n\n${whatIsPublished(project)}`);
    execute([
      'gh',
      'release',
      'create',
      `v${project.version}`,
      '--verify-tag',
      `--title=${project.version}`,
      `--notes-file=${NOTES}`,
      ...(isPrerelease(project) ? ['--prerelease'] : []),
      bundlePath(project),
      chartPath(project),
    ]);
  },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;

/** What must be true before anything is published. One error names all that is not. */
function check({ project, env }: Context): void {
  const { version, repository } = project;
  const { GITHUB_REF_NAME: tag, GITHUB_REPOSITORY: here } = env;
  const problems = [
    ...(tag === undefined || tag === `v${version}`
      ? []
      : [
          `the tag is ${tag}, and package.json has version ${version}: tag v${version}, or change the version`,
        ]),
    ...(here === undefined || here === repository
      ? []
      : [
          `this is ${here}, and package.json names ${repository}: change repository.url there, then npm run owner`,
        ]),
    ...(notesOf(readFileSync('CHANGELOG.md', 'utf8'), version) === undefined
      ? [`CHANGELOG.md has no section "## ${version}": name "Unreleased" so`]
      : []),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function imageBuild({ project, env, execute }: Context, how: readonly string[]): readonly string[] {
  const { version, repository, image } = project;
  // The base that is built on is pinned by what its tag means now, and recorded.
  const inspected = execute(['docker', 'buildx', 'imagetools', 'inspect', BASE]);
  const digest = digestAfter('\nDigest:', inspected);
  const [major, minor] = version.split('.');
  const tags = isPrerelease(project) ? [version] : [version, `${major}.${minor}`, 'latest'];
  const labels = {
    'org.opencontainers.image.source': `https://github.com/${repository}`,
    'org.opencontainers.image.base.name': BASE,
    'org.opencontainers.image.base.digest': digest,
  };
  return [
    'docker',
    'buildx',
    'build',
    ...how,
    `--build-arg=BASE=${BASE}@${digest}`,
    `--build-arg=VERSION=${version}`,
    `--build-arg=REVISION=${env['GITHUB_SHA'] ?? ''}`,
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
    ...tags.map((tag) => `--tag=${image}:${tag}`),
    '.',
  ];
}

function signature(reference: string): readonly string[] {
  return ['cosign', 'sign', '--yes', reference];
}

function whatIsPublished({ manifest, version, image, charts }: Project): string {
  return `- Image: \`${image}:${version}@${readFileSync(IMAGE_DIGEST, 'utf8')}\`
- Chart: \`${charts}/${manifest.name}\`, version ${version}, \`${readFileSync(CHART_DIGEST, 'utf8')}\`
- npm: \`${manifest.name}@${version}\`
`;
}

function isPrerelease({ version }: Project): boolean {
  return version.includes('-');
}

/** The digest that follows a field's name; others in the text belong to something else. */
function digestAfter(field: string, text: string): string {
  const [, after = ''] = text.split(field);
  const digest = /^[\s"]*(sha256:[0-9a-f]{64})/.exec(after)?.[1];
  if (digest === undefined) throw new Error(`no digest after ${field.trim()} in: ${text.slice(0, 500)}`);
  return digest;
}

function keep(file: string, text: string): void {
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(file, text);
}
