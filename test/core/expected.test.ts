import { expect, test } from 'vitest';
import { presenceIn, type ExpectedTunnel } from '../../src/core/expected.ts';
import type { KnownTunnelType, TunnelType } from '../../src/core/model.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { anAccount, aSnapshot, aTunnel, NOW } from '../support/snapshots.ts';

const TYPES = ['cfd_tunnel', 'warp_connector'] as const;

function declared(tunnel: string, accountId?: string): ExpectedTunnel {
  return { tunnel, accountId, minConnectors: undefined };
}

const isPresent = (
  snapshot: Snapshot,
  expected: ExpectedTunnel,
  types: readonly KnownTunnelType[],
): boolean | undefined => presenceIn(snapshot, types)(expected);

const listing = (...types: readonly TunnelType[]) => new Map(types.map((type) => [type, NOW]));
const web = aTunnel({ id: 'id-of-web', name: 'web' });

test('a listed tunnel matches by name or by id, down or not', () => {
  const snapshot = aSnapshot(
    anAccount({ tunnels: [web, aTunnel({ id: 'd', name: 'gone', status: 'down' })] }),
  );
  expect(isPresent(snapshot, declared('web'), TYPES)).toBe(true);
  expect(isPresent(snapshot, declared('id-of-web'), TYPES)).toBe(true);
  expect(isPresent(snapshot, declared('gone'), TYPES)).toBe(true);
});

test('part of a name, or another case, does not match', () => {
  const snapshot = aSnapshot(anAccount({ tunnels: [web] }));
  expect(isPresent(snapshot, declared('we'), TYPES)).toBe(false);
  expect(isPresent(snapshot, declared('WEB'), TYPES)).toBe(false);
});

test('only the declared account is searched', () => {
  const snapshot = aSnapshot(anAccount({ id: 'one', tunnels: [web] }), anAccount({ id: 'two' }));
  expect(isPresent(snapshot, declared('web', 'one'), TYPES)).toBe(true);
  expect(isPresent(snapshot, declared('web', 'two'), TYPES)).toBe(false);
  expect(isPresent(snapshot, declared('web'), TYPES)).toBe(true);
});

test('absence is unknown without a fresh list of every type', () => {
  const halfListed = aSnapshot(anAccount({ listedAt: listing('cfd_tunnel'), tunnels: [web] }));
  expect(isPresent(halfListed, declared('api'), TYPES)).toBeUndefined();
  expect(isPresent(halfListed, declared('web'), TYPES)).toBe(true);
  expect(isPresent(halfListed, declared('api'), ['cfd_tunnel'])).toBe(false);
  const unlisted = aSnapshot(anAccount({ listedAt: listing() }));
  expect(isPresent(unlisted, declared('api'), TYPES)).toBeUndefined();
});

test('absence is unknown if another account that may have the tunnel is not listed', () => {
  const snapshot = aSnapshot(anAccount({ id: 'one' }), anAccount({ id: 'two', listedAt: listing() }));
  expect(isPresent(snapshot, declared('api'), TYPES)).toBeUndefined();
  expect(isPresent(snapshot, declared('api', 'one'), TYPES)).toBe(false);
});

test('a hidden tunnel is not listed', () => {
  const snapshot = aSnapshot(anAccount({ listedAt: listing('warp_connector'), hidden: [web] }));
  expect(isPresent(snapshot, declared('web'), TYPES)).toBeUndefined();
});

test('presence in an account that is not polled is unknown', () => {
  expect(isPresent(aSnapshot(anAccount({ id: 'one' })), declared('web', 'stranger'), TYPES)).toBeUndefined();
});

test('5,000 declared tunnels read a fleet of 10,000 once', () => {
  let reads = 0;
  const tunnels = Array.from({ length: 10_000 }, (_, index) => {
    const state = aTunnel({ id: `id-${index}`, name: `tunnel-${index}` });
    const { tunnel } = state;
    return {
      ...state,
      get tunnel() {
        reads += 1;
        return tunnel;
      },
    };
  });
  const snapshot = aSnapshot(anAccount({ tunnels }));
  reads = 0;
  const found = presenceIn(snapshot, TYPES);
  const wanted = Array.from({ length: 5_000 }, (_, index) => declared(`tunnel-${index * 3}`));
  expect(wanted.filter((expected) => found(expected) === true)).toHaveLength(3_334);
  expect(wanted.filter((expected) => found(expected) === false)).toHaveLength(1_666);
  expect(reads).toBeLessThanOrEqual(10_000);
});
