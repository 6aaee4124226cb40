import { expect, test } from 'vitest';
import type { ListedTunnel, Observation } from '../../src/core/model.ts';
import { createDetails } from '../../src/poller/details.ts';
import { createSnapshotStore } from '../../src/poller/store.ts';
import { aListed } from '../support/core-builders.ts';
import { NOW } from '../support/snapshots.ts';

function unobserved({ id, accountId }: Pick<ListedTunnel, 'id' | 'accountId'>) {
  const failure = { reason: 'server', message: 'none here' } as const;
  return { accountId, tunnelId: id, at: NOW, result: { ok: false, failure } } as const;
}

test('accounts whose lists keep failing, more than the bucket holds requests, do not keep another from being observed', async () => {
  const accounts = [
    { id: 'acc', name: '' },
    ...Array.from({ length: 200 }, (_, i) => ({ id: `bad-${i}`, name: '' })),
  ];
  const store = createSnapshotStore({
    accounts,
    staleAfterMs: 300_000,
    clock: () => NOW,
    onChange: () => undefined,
  });
  const value = [{ tunnel: aListed('a'), embedded: undefined }];
  store.apply([
    { kind: 'tunnels', accountId: 'acc', types: ['cfd_tunnel'], at: NOW, result: { ok: true, value } },
  ]);
  const details = createDetails({
    accounts,
    client: {
      budget: { requests: 600, capacity: 150, available: () => 150, blockedUntil: () => undefined },
      connections: (tunnel) => Promise.resolve({ kind: 'connections', ...unobserved(tunnel) }),
      configuration: (tunnel) => Promise.resolve({ kind: 'configuration', ...unobserved(tunnel) }),
    },
    store,
    clock: () => NOW,
    concurrency: 8,
    pollIntervalMs: 300_000,
    tunnels: {
      types: ['cfd_tunnel'],
      include: [],
      exclude: [],
      intermittent: [],
      ids: [],
      configurations: true,
    },
  });
  const { observations } = await details.round({ signal: new AbortController().signal });
  store.stop();
  expect(observations.map(({ kind }: Observation) => kind)).toContain('connections');
});
