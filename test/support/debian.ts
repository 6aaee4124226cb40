import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface MissingProgram {
  readonly name: string;
  readonly package: string;
}

interface Program {
  /** The Debian package that brings it. */
  readonly package: string;
  /** The command that runs it; `undefined` if it is missing. */
  readonly find: () => string | undefined;
}

/** The programs that tests need. */
const PROGRAMS = {
  promtool: { package: 'prometheus', find: () => onPath('promtool') },
  prometheus: { package: 'prometheus', find: () => onPath('prometheus') },
  'prometheus-alertmanager': {
    package: 'prometheus-alertmanager',
    find: () => onPath('prometheus-alertmanager'),
  },
  amtool: { package: 'prometheus-alertmanager', find: () => onPath('amtool') },
  chromium: { package: 'chromium', find: () => onPath('chromium') },
  curl: { package: 'curl', find: () => onPath('curl') },
  tinyproxy: { package: 'tinyproxy', find: () => onPath('tinyproxy') },
  openssl: { package: 'openssl', find: () => onPath('openssl') },
  htpasswd: { package: 'apache2-utils', find: () => onPath('htpasswd') },
  unzip: { package: 'unzip', find: () => onPath('unzip') },
  'systemd-analyze': { package: 'systemd', find: () => onPath('systemd-analyze') },
  buildah: { package: 'buildah', find: () => onPath('buildah') },
  podman: { package: 'podman', find: () => onPath('podman') },
  // What podman runs containers with, and what it makes a pod's pause image of.
  runc: { package: 'runc', find: () => onPath('runc') },
  catatonit: { package: 'catatonit', find: () => onPath('catatonit') },
  // Debian's module belongs to Debian's Python, which need not be the first on the path.
  'prometheus_client of Python': { package: 'python3-prometheus-client', find: pythonWithPrometheusClient },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

export interface DebianProgram {
  /** What to spawn. */
  readonly command: string;
  readonly missing: boolean;
  /** The end of a test's title: what to install if the program is missing, else ''. */
  readonly needs: string;
}

/**
 * Looks for a program; test.skipIf(promtool.missing)(`…${promtool.needs}`, …) skips its tests in
 * sight of all.
 */
export function debianProgram(name: ProgramName): DebianProgram {
  const program: Program = PROGRAMS[name];
  const command = program.find();
  return {
    command: command ?? name,
    missing: command === undefined,
    needs: command === undefined ? ` (needs ${name}: apt-get install ${program.package})` : '',
  };
}

/**
 * Installs the packages of missing programs as root on Debian, unless TEST_INSTALL=0. Else does
 * nothing.
 */
export function installMissing(): void {
  const missing = missingPrograms();
  const packages = [...new Set(missing.map((program) => program.package))];
  const apt = onPath('apt-get');
  if (packages.length === 0 || apt === undefined || process.getuid?.() !== 0) return;
  process.stderr.write(installNotice(missing, process.env['TEST_INSTALL']));
  if (process.env['TEST_INSTALL'] === '0') return;
  const run = (...args: readonly string[]): boolean => {
    // Another process may use apt at the same time.
    const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::http::Timeout=30'];
    const { status, stderr } = spawnSync(apt, [...patience, ...args], {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status !== 0) process.stderr.write(stderr);
    return status === 0;
  };
  // If the lists of one source fail, the packages may still be available.
  run('update');
  if (!run('install', '-y', '--no-install-recommends', ...packages)) {
    process.stderr.write('Cannot install them; the tests that need them are skipped\n');
  }
}

/** The message before an installation: what, why, and how to prevent it. */
export function installNotice(missing: readonly MissingProgram[], testInstall: string | undefined): string {
  const packages = [...new Set(missing.map((program) => program.package))].join(' ');
  const names = missing.map(({ name }) => name).join(', ');
  const needed = `Tests run programs that are not on this machine: ${names}\n`;
  return testInstall === '0'
    ? `${needed}TEST_INSTALL=0: nothing is installed, and the tests that need them are skipped; to install them: apt-get install ${packages}\n`
    : `${needed}Installing them as root: apt-get install ${packages} (TEST_INSTALL=0 prevents this and skips those tests)\n`;
}

function missingPrograms(): readonly MissingProgram[] {
  return Object.entries(PROGRAMS).flatMap(([name, program]) =>
    program.find() === undefined ? [{ name, package: program.package }] : [],
  );
}

function onPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pythonWithPrometheusClient(): string | undefined {
  return ['/usr/bin/python3', 'python3'].find(
    (python) =>
      spawnSync(python, ['-c', 'import prometheus_client.openmetrics.parser'], { stdio: 'ignore' }).status ===
      0,
  );
}
