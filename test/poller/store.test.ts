import { expect, onTestFinished, test, vi } from 'vitest';
import type { Observation } from '../../src/core/model.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { createSnapshotStore } from '../../src/poller/store.ts';
import { connections, list, aListed } from '../support/core-builders.ts';

/** A store under the machine's clock. */
function aStore(staleAfterMs: number) {
  const published: Snapshot[] = [];
  const store = createSnapshotStore({
    accounts: [{ id: 'acc', name: 'One' }],
    staleAfterMs,
    clock: Date.now,
    onChange: (snapshot) => void published.push(snapshot),
  });
  onTestFinished(() => store.stop());
  const observe = (...acts: readonly ((at: number) => Observation)[]): void =>
    store.apply(acts.map((act) => act(Date.now())));
  return { ...store, observe, published, tunnels: () => store.current().accounts.get('acc')?.tunnels };
}

test('starts with every account, all empty', () => {
  const store = aStore(1_000);
  expect([...store.current().accounts.values()]).toMatchObject([{ id: 'acc', name: 'One', up: undefined }]);
  expect(store.published).toEqual([]);
});

test('every change is published as the current snapshot', () => {
  const store = aStore(60_000);
  store.observe(list([aListed('web')]));
  expect(store.tunnels()?.has('web')).toBe(true);
  store.observe(list([]));
  expect(store.tunnels()?.size).toBe(0);
  expect(store.published).toHaveLength(2);
  expect(store.published.at(-1)).toBe(store.current());
});

test('stale data is hidden and published without any poll', async () => {
  const store = aStore(80);
  store.observe(list([aListed('web')]));
  expect(store.tunnels()?.has('web')).toBe(true);
  await vi.waitUntil(() => store.tunnels()?.size === 0, 10_000);
  expect(store.published.at(-1)).toBe(store.current());
  expect(store.current().accounts.get('acc')?.hidden.has('web')).toBe(true);
});

test('connectors whose renewal fails are hidden while the list of their tunnel is fresh', async () => {
  const store = aStore(1_000);
  store.observe(list([aListed('web')]), connections('web', []));
  const observedAt = store.tunnels()?.get('web')?.connectors.at ?? 0;
  store.observe(connections('web', 'server'));
  const renewing = setInterval(() => store.observe(list([aListed('web')])), 200);
  onTestFinished(() => clearInterval(renewing));
  expect(store.tunnels()?.get('web')?.connectors.value).toEqual([]);
  await vi.waitUntil(() => {
    const web = store.tunnels()?.get('web');
    return web !== undefined && web.connectors.value === undefined;
  }, 10_000);
  expect(Date.now() - observedAt).toBeGreaterThanOrEqual(1_000);
});

test('a stopped store hides nothing by itself', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const store = aStore(1_000);
  store.observe(list([aListed('web')]));
  store.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(store.tunnels()?.has('web')).toBe(true);
});

test('an expiry beyond the maximum of a timer does not fire at once', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const store = aStore(2 ** 40);
  store.observe(list([aListed('web')]));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(store.published).toHaveLength(1);
});
