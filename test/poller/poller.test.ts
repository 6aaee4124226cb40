import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createPoller, type Poller } from '../../src/poller/poller.ts';
import { SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';
import { aConfig, type ConfigParts } from '../support/config.ts';
import { ACCOUNT, aRig, fleetOf, OTHER_ACCOUNT, specOf, type Rig, type RigOptions } from './support.ts';

const NEW_TOKEN = 'another-token-with-every-permission';

interface PollerRig extends Rig {
  readonly poller: Poller;
  readonly logged: readonly string[];
  readonly secrets: readonly string[];
  /** success, failure or skipped. */
  readonly polls: readonly string[];
}

async function aPoller(
  options: RigOptions & { readonly poll?: ConfigParts['poll'] } = {},
): Promise<PollerRig> {
  const rig = await aRig(options);
  const logged: string[] = [];
  const secrets: string[] = [];
  const polls: string[] = [];
  const write =
    (level: string) =>
    (...entry: readonly unknown[]): void =>
      void logged.push(`${level}: ${String(entry.at(-1))}`);
  const poller = createPoller({
    config: aConfig({ ...options.config, poll: { ...options.poll } }),
    groups: [rig.group],
    store: rig.store,
    clock: rig.clock.now,
    offsetMs: 0,
    log: { warn: write('warn'), info: write('info'), error: write('error'), debug: () => undefined },
    secrets: { add: (secret) => void secrets.push(secret) },
    telemetry: {
      pollFinished: ({ failed }) => void polls.push(failed ? 'failure' : 'success'),
      pollSkipped: () => void polls.push('skipped'),
      waiting: () => undefined,
    },
  });
  onTestFinished(() => poller.stop());
  return { ...rig, poller, logged, secrets, polls };
}

/** A token file that lives as long as the test. */
function aTokenFile(content: string): { readonly path: string; readonly write: (content: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  const write = (text: string): void => writeFileSync(path, text);
  write(content);
  return { path, write };
}

test('the first poll is at once, and counted', async () => {
  const { poller, polls, names } = await aPoller({ simulator: fleetOf('a') });
  expect(polls).toEqual([]);
  poller.start();
  await vi.waitUntil(() => polls.length > 0);
  expect(polls).toEqual(['success']);
  expect(names()).toEqual(['a']);
});

test('polls follow the schedule, one at a time: those that cannot begin are counted and logged', async () => {
  const { poller, simulator, polls, logged } = await aPoller({
    simulator: fleetOf('a'),
    poll: { schedule: '*/1 * * * * *' },
  });
  const fault = simulator.faults.add({ endpoint: 'tunnels', times: 1, effect: { kind: 'silence' } });
  poller.start();
  await vi.waitUntil(() => polls.includes('skipped'), 10_000);
  expect(simulator.requests.count({ endpoint: 'tunnels' })).toBe(1);
  expect(polls).not.toContain('success');
  expect(logged).toContainEqual(expect.stringMatching(/^warn: poll skipped/));
  fault.remove();
});

test('stopping abandons a poll that hangs', async () => {
  const { poller, simulator, polls, store } = await aPoller({
    simulator: fleetOf('a'),
    config: { cloudflare: { requestTimeoutMs: 300_000 } },
  });
  simulator.faults.add({ effect: { kind: 'silence' } });
  poller.start();
  await vi.waitUntil(() => simulator.requests.count() === 1);
  const before = store.current();
  await poller.stop();
  expect(polls).toEqual([]);
  expect(store.current()).toBe(before);
});

test('one poll of everything says whether every account answered', async () => {
  const accounts = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, name: id, tunnels: [specOf('a')] }));
  const rig = await aPoller({ simulator: { accounts }, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  expect(await rig.poller.pollOnce()).toBe(true);
  rig.simulator.faults.add({ accountId: OTHER_ACCOUNT, effect: { kind: 'status', status: 403 } });
  expect(await rig.poller.pollOnce()).toBe(false);
  expect(rig.names()).toEqual(['a']);
  expect(rig.polls).toEqual(['success', 'failure']);
});

test('a connections endpoint that fails makes the poll a failure', async () => {
  const { poller, simulator } = await aPoller({ simulator: fleetOf('a') });
  simulator.faults.add({ endpoint: 'cfd_tunnel_connections', effect: { kind: 'status', status: 403 } });
  expect(await poller.pollOnce()).toBe(false);
});

test('a token that its file replaces is used from the next poll on, and is a secret before that', async () => {
  const file = aTokenFile(SIMULATOR_TOKEN);
  const rig = await aPoller({
    simulator: { ...fleetOf('a'), tokens: [{ value: SIMULATOR_TOKEN }, { value: NEW_TOKEN }] },
    token: { kind: 'file', path: file.path },
  });
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.secrets).toEqual([]);
  rig.simulator.tokens.revoke(SIMULATOR_TOKEN);
  expect(await rig.poller.pollOnce()).toBe(false);

  file.write(`${NEW_TOKEN}\n`);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.secrets).toEqual([NEW_TOKEN]);
  expect(rig.logged).toContain('info: API token replaced from its file');
  expect(rig.logged.join('\n')).not.toContain(NEW_TOKEN);
});

test('while a token file is empty or missing the token read before stays in use, which is told once', async () => {
  const file = aTokenFile(SIMULATOR_TOKEN);
  const rig = await aPoller({ simulator: fleetOf('a'), token: { kind: 'file', path: file.path } });
  file.write('\n');
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toEqual([
    `warn: API token file ${file.path} is empty; the token read before stays in use`,
  ]);
  rmSync(file.path);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toHaveLength(2);
  expect(rig.logged[1]).toContain('ENOENT');
  file.write(SIMULATOR_TOKEN);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toHaveLength(2);
  expect(rig.secrets).toEqual([]);
});

test('failures and their end are logged', async () => {
  const { poller, simulator, logged } = await aPoller({ simulator: fleetOf('a') });
  const fault = simulator.faults.add({ endpoint: 'tunnels', effect: { kind: 'status', status: 500 } });
  await poller.pollOnce();
  await poller.pollOnce();
  fault.remove();
  await poller.pollOnce();
  expect(logged).toEqual([
    expect.stringMatching(/^warn: Cloudflare has a problem: GET .*\/tunnels answered 500/),
    'info: recovered',
  ]);
});
