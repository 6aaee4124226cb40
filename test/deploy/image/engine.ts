import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from '../../support/debian.ts';
import { type StandIn, standInFiles } from './stand-in.ts';

const programs = (['buildah', 'podman', 'runc', 'catatonit'] as const).map((name) => debianProgram(name));
const isRoot = process.getuid?.() === 0;

/** Images cannot be built and run here: test.skipIf(containers.missing)(`…${containers.needs}`, …). */
export const containers = {
  missing: !isRoot || programs.some(({ missing }) => missing),
  needs: isRoot ? (programs.find(({ missing }) => missing)?.needs ?? '') : ' (needs root)',
} as const;

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Buildah and podman with a storage of their own, which goes with it. */
export interface Engine {
  readonly folder: string;
  readonly podman: (args: readonly string[]) => Output;
  /** Returns its output; throws if it fails. */
  readonly mustPodman: (args: readonly string[]) => string;
  /** For a program that runs containers itself: its words, and what its environment needs. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly importStandIn: (kind: StandIn, tag: string) => void;
  /** Builds the Dockerfile of this checkout. */
  readonly build: (buildArgs: Readonly<Record<string, string>>, tag: string) => void;
  readonly remove: () => void;
}

export function createEngine(): Engine {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-image-'));
  const configuration = join(folder, 'containers.conf');
  writeFileSync(configuration, CONTAINERS_CONF);
  const storage = [
    '--root',
    join(folder, 'storage'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  const env = { ...process.env, CONTAINERS_CONF: configuration };

  const podman = (args: readonly string[]): Output => {
    const { status, stdout, stderr } = spawnSync('podman', [...storage, ...args], { encoding: 'utf8', env });
    return { code: status, stdout, stderr };
  };
  const mustPodman = (args: readonly string[]): string => {
    const { code, stdout, stderr } = podman(args);
    if (code !== 0) throw new Error(`podman ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  return {
    folder,
    podman,
    mustPodman,
    command: ['podman', ...storage],
    env,
    importStandIn: (kind, tag) => {
      const files = join(folder, kind);
      standInFiles(kind, files);
      const archive = join(folder, `${kind}.tar`);
      execFileSync('tar', ['--create', '--file', archive, '--directory', files, '.']);
      mustPodman(['import', '--quiet', archive, tag]);
      rmSync(archive);
      rmSync(files, { recursive: true });
    },
    build: (buildArgs, tag) => {
      const given = Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
      // Docker's format, for OCI's has no HEALTHCHECK; chroot, for a container within a container
      // needs more rights than root may have.
      const how = [
        '--isolation',
        'chroot',
        '--network',
        'host',
        '--format',
        'docker',
        ...npmSettings(folder),
      ];
      const { status, stdout, stderr } = spawnSync(
        'buildah',
        [...storage, 'build', ...how, ...given, '--tag', tag, '.'],
        { encoding: 'utf8', env },
      );
      if (status !== 0) throw new Error(`Cannot build the image: ${stdout.slice(-2000)}${stderr}`);
    },
    remove: () => {
      podman(['pod', 'rm', '--all', '--force', '--time', '0']);
      podman(['rm', '--all', '--force', '--time', '0']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** No systemd, so nothing of it; limits that root without all rights may set. */
const CONTAINERS_CONF = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
`;

/** Has npm in the build ask the same registry, and use the packages that this machine has already. */
function npmSettings(folder: string): readonly string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm's own
  const npm = JSON.parse(execFileSync('npm', ['config', 'list', '--json'], { encoding: 'utf8' })) as {
    readonly registry: string;
    readonly cache: string;
    readonly cafile: string | null;
  };
  mkdirSync(npm.cache, { recursive: true });
  const npmrc = join(folder, 'npmrc');
  const lines = [
    `registry=${npm.registry}`,
    'cache=/npm-cache',
    'prefer-offline=true',
    'update-notifier=false',
  ];
  const volumes = [`${npm.cache}:/npm-cache:rw`, `${npmrc}:/root/.npmrc:ro`];
  if (npm.cafile !== null && npm.cafile !== '') {
    lines.push('cafile=/npm-ca.crt');
    volumes.push(`${npm.cafile}:/npm-ca.crt:ro`);
  }
  writeFileSync(npmrc, `${lines.join('\n')}\n`);
  return volumes.flatMap((volume) => ['--volume', volume]);
}
