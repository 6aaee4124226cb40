/**
 * Makes the package for npm: `npm run package` writes
 * build/npm/cloudflare-tunnel-exporter-<version>.tgz.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, type Manifest, type Project, readProject } from './project.ts';

const FOLDER = join(BUILD, 'npm', 'package');

const BESIDE = ['README.md', 'CHANGELOG.md', 'LICENSE'];
const SHRINKWRAP = 'npm-shrinkwrap.json';

/** Fields that npm's page of the package, or its installation, needs. Scripts are none of them. */
const PUBLISHED = [
  'name',
  'version',
  'description',
  'keywords',
  'homepage',
  'bugs',
  'repository',
  'license',
  'type',
  'bin',
  'engines',
  'dependencies',
];

interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
  readonly [field: string]: unknown;
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * Without what only the checkout needs: tools, scripts, and Node.js itself as an optional
 * dependency.
 */
export function manifestForNpm(manifest: Manifest): Readonly<Record<string, unknown>> {
  return {
    ...Object.fromEntries(PUBLISHED.map((field) => [field, manifest[field]])),
    files: ['dist', ...BESIDE, SHRINKWRAP],
  };
}

/** Pins what the dependencies depend on, as package-lock.json does for the checkout. */
export function shrinkwrapOf(lockfile: Lockfile, manifest: Manifest): Lockfile {
  const { name, version, license, dependencies, bin, engines } = manifest;
  const root = { name, version, license, dependencies, bin, engines };
  const reached = new Set<string>();
  const reach = (names: Readonly<Record<string, string>> | undefined, from: string): void => {
    for (const each of Object.keys(names ?? {})) {
      const path = resolveIn(lockfile, { name: each, from });
      if (path === undefined || reached.has(path)) continue;
      reached.add(path);
      reach(lockfile.packages[path]?.dependencies, path);
      reach(lockfile.packages[path]?.optionalDependencies, path);
    }
  };
  reach(dependencies, '');
  const locked = Object.entries(lockfile.packages).filter(([path]) => reached.has(path));
  return { ...lockfile, packages: { '': root, ...Object.fromEntries(locked) } };
}

/** The package that a name means in another, looked for as Node.js does: nearest node_modules first. */
function resolveIn(
  { packages }: Lockfile,
  { name, from }: { readonly name: string; readonly from: string },
): string | undefined {
  const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (packages[path] !== undefined || from === '') return packages[path] && path;
  return resolveIn(
    { packages },
    { name, from: from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))) },
  );
}

export function npmPackagePath({ name, version }: Manifest): string {
  return join(BUILD, 'npm', `${name}-${version}.tgz`);
}

/** The tarball's path. */
export function makeNpmPackage({ manifest }: Project): string {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const compiler = 'node_modules/typescript/bin/tsc';
  execFileSync(process.execPath, [
    compiler,
    '--project',
    'src/tsconfig.json',
    '--outDir',
    join(FOLDER, 'dist'),
  ]);
  writeFileSync(join(FOLDER, 'dist', 'REVISION'), `${revision()}\n`);
  for (const file of BESIDE) cpSync(file, join(FOLDER, file));
  writeJson('package.json', manifestForNpm(manifest));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm's own
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;
  writeJson(SHRINKWRAP, shrinkwrapOf(lockfile, manifest));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', '..'], { cwd: FOLDER, stdio: 'pipe' });
  return npmPackagePath(manifest);
}

/** The commit that is packed; '' outside a git checkout. */
function revision(): string {
  try {
    return execFileSync('git', ['-c', 'safe.directory=*', 'rev-parse', 'HEAD'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return '';
  }
}

function writeJson(name: string, content: unknown): void {
  writeFileSync(join(FOLDER, name), `${JSON.stringify(content, undefined, 2)}\n`);
}

if (import.meta.main) process.stdout.write(`${makeNpmPackage(readProject())}\n`);
