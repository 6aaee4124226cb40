import { rmSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SIMULATOR_TOKEN } from '../../src/simulator/index.ts';
import { aMountedToken, aPoller, aTokenFile } from './poller-rig.ts';
import { ACCOUNT, fleetOf, OTHER_ACCOUNT, specOf } from './support.ts';

const NEW_TOKEN = 'another-token-with-every-permission';

test('the first poll is at once, and counted', async () => {
  const { poller, polls, names } = await aPoller({ simulator: fleetOf('a') });
  expect(polls).toEqual([]);
  poller.start();
  await vi.waitUntil(() => polls.length > 0);
  expect(polls).toEqual(['success']);
  expect(names()).toEqual(['a']);
});

test('polls follow the schedule without overlap; skipped ones are counted and logged', async () => {
  const { poller, simulator, polls, logged } = await aPoller({
    simulator: fleetOf('a'),
    poll: { schedule: '*/1 * * * * *' },
  });
  const fault = simulator.faults.add({ endpoint: 'tunnels', times: 1, effect: { kind: 'silence' } });
  poller.start();
  await vi.waitUntil(() => polls.includes('skipped') && simulator.requests.count() > 0, 10_000);
  expect(simulator.requests.count({ endpoint: 'tunnels' })).toBe(1);
  expect(polls).not.toContain('success');
  expect(logged).toContainEqual(expect.stringMatching(/^warn: poll skipped/));
  fault.remove();
});

test('stopping aborts a poll that hangs', async () => {
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

test('pollOnce reports whether every account answered', async () => {
  const accounts = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, name: id, tunnels: [specOf('a')] }));
  const rig = await aPoller({ simulator: { accounts }, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  expect(await rig.poller.pollOnce()).toBe(true);
  rig.simulator.faults.add({ accountId: OTHER_ACCOUNT, effect: { kind: 'status', status: 403 } });
  expect(await rig.poller.pollOnce()).toBe(false);
  expect(rig.names()).toEqual(['a']);
  expect(rig.polls).toEqual(['success', 'failure']);
});

test('accounts that wait for the budget neither fail nor skip a poll', async () => {
  const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
  const accounts = ids.map((id) => ({ id, name: id, tunnels: [specOf('t')] }));
  const rig = await aPoller({
    simulator: { accounts },
    accounts: ids,
    // One request at once.
    config: { cloudflare: { requestBudget: 4 } },
  });
  rig.poller.start();
  await vi.waitUntil(() => rig.polls.length > 0);
  expect(rig.polls).toEqual(['success']);
  expect(ids.map((id) => rig.account(id).up)).toEqual([true, undefined, undefined]);
});

test('a connections endpoint that fails makes the poll a failure', async () => {
  const { poller, simulator } = await aPoller({ simulator: fleetOf('a') });
  simulator.faults.add({ endpoint: 'cfd_tunnel_connections', effect: { kind: 'status', status: 403 } });
  expect(await poller.pollOnce()).toBe(false);
});

test('a replaced token is used from the next poll, and redacted before that', async () => {
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

test('while a token file is empty or missing, the previous token stays in use, and one warning is logged', async () => {
  const file = aTokenFile(SIMULATOR_TOKEN);
  const rig = await aPoller({ simulator: fleetOf('a'), token: { kind: 'file', path: file.path } });
  file.write('\n');
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toEqual([
    `warn: API token file ${file.path} is empty; put the API token there; the previous token stays in use`,
  ]);
  rmSync(file.path);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toHaveLength(2);
  expect(rig.logged[1]).toContain('no such file');
  file.write(SIMULATOR_TOKEN);
  expect(await rig.poller.pollOnce()).toBe(true);
  expect(rig.logged).toHaveLength(2);
  expect(rig.secrets).toEqual([]);
});

test('failures and recoveries are logged', async () => {
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

test('a token that Kubernetes replaces is used within seconds, and refused requests are retried at once', async () => {
  const mounted = aMountedToken(SIMULATOR_TOKEN);
  const rig = await aPoller({
    simulator: { ...fleetOf('a'), tokens: [{ value: SIMULATOR_TOKEN }, { value: NEW_TOKEN }] },
    token: { kind: 'file', path: mounted.path },
  });
  const refused = { kind: 'status', status: 403 } as const;
  rig.simulator.faults.add({ token: SIMULATOR_TOKEN, endpoint: 'cfd_tunnel_connections', effect: refused });
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  rig.poller.start();
  await vi.waitUntil(() => rig.polls.length === 1);
  expect(rig.tunnel('a').connectors.failedFor).toBe('permission');
  rig.simulator.tokens.revoke(SIMULATOR_TOKEN);
  mounted.unmount();
  await vi.advanceTimersByTimeAsync(5_000);
  await vi.waitUntil(() => rig.logged.some((line) => line.includes('the previous token stays in use')));

  // The schedule itself comes again in months.
  mounted.swap(`${NEW_TOKEN}\n`);
  await vi.advanceTimersByTimeAsync(5_000);
  await vi.waitUntil(() => rig.polls.length === 2);
  expect(rig.polls).toEqual(['failure', 'success']);
  expect(rig.account().up).toBe(true);
  expect(rig.tunnel('a').connectors.value).toHaveLength(1);
});

test('exporters that watch single tunnels start at different times', async () => {
  // Longer than the test, so a poll that waits for it never runs.
  const offsetMs = 100_000;
  const whole = await aPoller({ simulator: fleetOf('a'), offsetMs });
  const id = whole.simulator.fleet.tunnelNamed(ACCOUNT, 'a')?.id ?? '';
  const sidecar = await aPoller({ simulator: fleetOf('a'), offsetMs, config: { tunnels: { ids: [id] } } });
  sidecar.poller.start();
  whole.poller.start();
  await vi.waitUntil(() => whole.polls.length === 1);
  expect(sidecar.simulator.requests.count()).toBe(0);
});

test('a refused token does not affect the poll of another', async () => {
  const accounts = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, name: id, tunnels: [specOf('a')] }));
  const rig = await aPoller({
    simulator: { accounts, tokens: [{ value: SIMULATOR_TOKEN }, { value: NEW_TOKEN }] },
    accounts: [ACCOUNT, OTHER_ACCOUNT],
    other: { accounts: [OTHER_ACCOUNT], token: NEW_TOKEN },
  });
  rig.simulator.faults.add({ token: SIMULATOR_TOKEN, effect: { kind: 'status', status: 429 } });
  expect(await rig.poller.pollOnce()).toBe(false);
  expect(rig.account()).toMatchObject({ up: false });
  expect(rig.account(OTHER_ACCOUNT)).toMatchObject({
    up: true,
    collectors: { connections: { success: true }, configurations: { success: true } },
  });
  const refused = rig.simulator.requests.entries().filter(({ accountId }) => accountId === ACCOUNT);
  expect(refused).toHaveLength(1);
});
