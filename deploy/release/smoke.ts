/**
 * Tries an image as a user would: npm run smoke, or npm run smoke -- <image> for one of another
 * name. It must know its version, serve the demo's metrics without rights, find itself healthy, and
 * end by itself when it is told to. CONTAINER_ENGINE is docker, or podman with its options.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProject } from './project.ts';

const CONFINED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=host'];
const START_MS = 60_000;

const project = readProject();
const [program = 'docker', ...options] = (process.env['CONTAINER_ENGINE'] ?? 'docker').split(' ');

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

function engine(...args: readonly string[]): Output {
  const { status, stdout, stderr } = spawnSync(program, [...options, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${stderr}`);
  return { stdout: stdout.trim(), stderr };
}

/** What an attempt gives, tried until it gives something. */
async function eventually<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  problem: string,
): Promise<T> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(problem);
    await sleep(200);
  }
}

function addressIn({ stdout, stderr }: Output): string | undefined {
  return /"addresses":\["http:\/\/([^"]+)"\]/.exec(stdout + stderr)?.[1];
}

function assert(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
}

async function smoke(image: string): Promise<void> {
  const said = engine('run', '--rm', ...CONFINED, image, '--version').stdout;
  assert(
    said === `cloudflare-tunnel-exporter ${project.version}`,
    `--version says ${said}, and package.json ${project.version}`,
  );
  const flags = ['demo', '--web.listen-address=127.0.0.1:0', '--log.format=json'];
  const container = engine('run', '--detach', ...CONFINED, image, ...flags).stdout;
  try {
    const address = await eventually(() => addressIn(engine('logs', container)), 'the demo does not serve');
    await eventually(async () => {
      const { ok } = await fetch(`http://${address}/readyz`);
      return ok ? ok : undefined;
    }, '/readyz is not 200');
    const page = await (await fetch(`http://${address}/metrics`)).text();
    assert(/^cloudflare_tunnel_status\{/m.test(page), `/metrics has no tunnel: ${page.slice(0, 500)}`);
    engine('exec', container, 'node', '/app/dist/main.js', 'healthcheck', `--web.listen-address=${address}`);
    engine('stop', '--time=30', container);
    const code = engine('inspect', '--format={{.State.ExitCode}}', container).stdout;
    assert(code === '0', `it ended with ${code} on SIGTERM`);
  } finally {
    engine('rm', '--force', container);
  }
}

const [image = `${project.image}:${project.version}`] = process.argv.slice(2);
try {
  await smoke(image);
  process.stdout.write(`${image} runs\n`);
} catch (error) {
  process.stderr.write(`${image}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
