import { expect, test } from 'vitest';
import { reconfigured, type Scope } from '../../src/core/reconfigure.ts';
import { emptySnapshot, type Snapshot } from '../../src/core/snapshot.ts';
import { aDownTunnel, anAccount, aSnapshot, aTunnel, NOW } from '../support/snapshots.ts';

const fleet = (): Snapshot =>
  aSnapshot(
    anAccount({
      id: 'one',
      name: 'One',
      tunnels: [
        aTunnel({
          id: 'web',
          name: 'web',
          configuration: { version: 3, ingress: [], haMode: undefined },
          counters: { opened: 7 },
        }),
        aTunnel({ id: 'warp', name: 'office', type: 'warp_connector' }),
        aTunnel({ id: 'odd', name: 'odd', type: 'unknown' }),
      ],
      hidden: [aDownTunnel({ id: 'hidden', name: 'hidden', counters: { closed: 3 } })],
    }),
    anAccount({ id: 'two' }),
  );

const scope = (parts: Partial<Scope> = {}): Scope => ({
  accounts: [
    { id: 'one', name: 'One' },
    { id: 'two', name: '' },
  ],
  types: ['cfd_tunnel', 'warp_connector'],
  selection: { include: [], exclude: [], ids: [] },
  configurations: true,
  routes: true,
  selectsOthers: false,
  hasSidecar: false,
  ...parts,
});

const tunnelsOf = (snapshot: Snapshot, account = 'one'): readonly string[] => [
  ...(snapshot.accounts.get(account)?.tunnels.keys() ?? []),
];

test('equal settings keep all tunnels, including hidden ones', () => {
  const before = fleet();
  const after = reconfigured(before, scope());
  expect(after).toEqual(before);
  expect(after.accounts.get('one')?.tunnels.get('web')).toBe(before.accounts.get('one')?.tunnels.get('web'));
});

test('accounts are added, removed, renamed and reordered; those that stay keep their counters', () => {
  const after = reconfigured(
    fleet(),
    scope({
      accounts: [
        { id: 'three', name: 'new' },
        { id: 'one', name: 'renamed' },
      ],
    }),
  );
  expect([...after.accounts.keys()]).toEqual(['three', 'one']);
  expect(after.accounts.get('three')).toEqual(
    emptySnapshot([{ id: 'three', name: 'new' }], NOW).accounts.get('three'),
  );
  expect(after.accounts.get('one')).toMatchObject({ name: 'renamed', up: true });
  expect(after.accounts.get('one')?.tunnels.get('web')?.counters.opened).toBe(7);
});

test('tunnels that are no longer selected are removed at once', () => {
  const selection = { include: [], exclude: [/^(web|hidden)$/u], ids: [] };
  const after = reconfigured(fleet(), scope({ selection }));
  expect(tunnelsOf(after)).toEqual(['warp', 'odd']);
  expect(after.accounts.get('one')?.hidden.size).toBe(0);
});

test('types that are no longer asked for are removed at once, with their list and collector', () => {
  const after = reconfigured(fleet(), scope({ types: ['cfd_tunnel'] })).accounts.get('one');
  expect([...(after?.tunnels.keys() ?? [])]).toEqual(['web', 'odd']);
  expect([...(after?.listedAt.keys() ?? [])]).toEqual(['cfd_tunnel']);
  expect(after?.collectors).toMatchObject({
    connections: { success: true },
    warp_connections: { success: undefined, lastSuccessAt: undefined },
  });
});

test('configurations that are no longer polled are removed', () => {
  const after = reconfigured(fleet(), scope({ configurations: false })).accounts.get('one');
  expect(after?.tunnels.get('web')?.configuration.value).toBeUndefined();
  expect(after?.tunnels.get('web')?.counters.opened).toBe(7);
  expect(after?.collectors.configurations.success).toBeUndefined();
});

test('the sidecar stays if it is the same', () => {
  const sidecar = { connectorId: 'a', ready: true, readyConnections: 4, edge: undefined };
  expect(reconfigured({ ...fleet(), sidecar }, scope({ hasSidecar: true })).sidecar).toBe(sidecar);
  expect(reconfigured({ ...fleet(), sidecar }, scope()).sidecar).toBeUndefined();
});
