import { advance } from '../../../src/core/advance.ts';
import type { Connector, ListedTunnel, Observation } from '../../../src/core/model.ts';
import { emptySnapshot, type Snapshot } from '../../../src/core/snapshot.ts';

/**
 * The fleet that the figures are about: running tunnels of two connectors, eight connections in
 * four data centers.
 */

export const ACCOUNT_ID = '023e105f4ecef8ad9ca31a8372d0c353';
const COLOS = [
  'fra08',
  'fra14',
  'ams06',
  'ams01',
  'lhr16',
  'lhr01',
  'cdg07',
  'cdg02',
  'iad02',
  'iad07',
  'ord02',
];
const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

/** A number for an index that looks like none: the same for the same index. */
function scatter(index: number, salt: number): number {
  let value = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  value = Math.imul(value ^ (value >>> 12), 0x297a2d39);
  return (value ^ (value >>> 15)) >>> 0;
}

function uuid(index: number, salt: number): string {
  const hex = [0, 1, 2, 3]
    .map((part) =>
      scatter(index, salt * 4 + part)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
  // Joined, it is one flat string, as those that come out of JSON are.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-');
}

export function aListedTunnel(index: number): ListedTunnel {
  return {
    id: uuid(index, 0),
    accountId: ACCOUNT_ID,
    name: `tunnel-${String(index + 1).padStart(5, '0')}`,
    type: 'cfd_tunnel',
    status: 'healthy',
    configSource: 'cloudflare',
    createdAt: START + (scatter(index, 90) % (500 * HOUR)) + 0.123,
    activeAt: START + (scatter(index, 91) % (500 * HOUR)) + 0.456,
    inactiveAt: undefined,
  };
}

export function connectorsOf(index: number, generation = 0): readonly Connector[] {
  const colos = [0, 1, 2, 3].map((part) => COLOS[(scatter(index, 50) + part * 3) % COLOS.length] ?? '');
  return [0, 1].map((replica) => ({
    id: uuid(index, 1 + replica),
    version: `2026.${1 + (scatter(index, 60) % 9)}.${scatter(index, 61) % 3}`,
    arch: 'linux_amd64',
    features: ['allow_remote_config', 'serialized_headers', 'support_datagram_v2', 'support_quic_eof'],
    startedAt: START + (scatter(index, 70 + replica) % (500 * HOUR)),
    configVersion: scatter(index, 62) % 20,
    haStatus: undefined,
    connections: colos.map((colo, position) => ({
      id: uuid(index, 10 + replica * 4 + position + generation * 100),
      colo,
      pendingReconnect: false,
      openedAt: START + (scatter(index, 80 + position) % (500 * HOUR)) + 0.789,
      originIp: `198.51.100.${scatter(index, 63) % 250}`,
    })),
  }));
}

export function listOf(tunnels: readonly ListedTunnel[], at: number): Observation {
  return {
    kind: 'tunnels',
    accountId: ACCOUNT_ID,
    types: ['cfd_tunnel'],
    at,
    result: { ok: true, value: tunnels.map((tunnel) => ({ tunnel, embedded: undefined })) },
  };
}

export function detailsOf(index: number, at: number, generation = 0): readonly Observation[] {
  const about = { accountId: ACCOUNT_ID, tunnelId: uuid(index, 0), at };
  return [
    { kind: 'connections', ...about, result: { ok: true, value: connectorsOf(index, generation) } },
    {
      kind: 'configuration',
      ...about,
      result: {
        ok: true,
        value: { version: scatter(index, 64) % 20, ingress: [], haMode: undefined },
      },
    },
  ];
}

/** Everything observed. */
export function aFleet(size: number, at = START + 600 * HOUR): Snapshot {
  const indexes = Array.from({ length: size }, (_, index) => index);
  const empty = emptySnapshot([{ id: ACCOUNT_ID, name: 'bench' }], at);
  const options = { now: at, staleAfterMs: 300_000 };
  const listed = advance(empty, [listOf(indexes.map(aListedTunnel), at)], options);
  return advance(
    listed,
    indexes.flatMap((index) => detailsOf(index, at)),
    options,
  );
}

const POLL_MS = 30_000;
let generation = 0;

/** A poll in which this many tunnels changed, each with a new status and new connections. */
export function changeSome(before: Snapshot, count: number): Snapshot {
  generation += 1;
  const at = before.takenAt + POLL_MS;
  const [account] = before.accounts.values();
  const indexes = Array.from({ length: account?.tunnels.size ?? 0 }, (_, index) => index);
  const chosen = new Set(
    Array.from({ length: count }, (_, part) => scatter(part, generation) % indexes.length),
  );
  const listed = [...(account?.tunnels.values() ?? [])].map(({ tunnel }, index): ListedTunnel => {
    const status = tunnel.status === 'healthy' ? 'degraded' : 'healthy';
    return { ...tunnel, status: chosen.has(index) ? status : tunnel.status };
  });
  const observations = [
    listOf(listed, at),
    ...[...chosen].flatMap((index) => detailsOf(index, at, generation)),
  ];
  return advance(before, observations, { now: at, staleAfterMs: 300_000 });
}

let newest = 0;

/** A poll in which this many tunnels are gone, and as many new ones are observed at once. */
export function replaceSome(before: Snapshot, count: number): Snapshot {
  generation += 1;
  const at = before.takenAt + POLL_MS;
  const [account] = before.accounts.values();
  const listed = [...(account?.tunnels.values() ?? [])].map(({ tunnel }) => tunnel);
  newest = Math.max(newest, listed.length);
  const added = Array.from({ length: count }, () => newest++);
  for (const [part, index] of added.entries())
    listed[scatter(part, generation) % listed.length] = aListedTunnel(index);
  const observations = [listOf(listed, at), ...added.flatMap((index) => detailsOf(index, at))];
  return advance(before, observations, { now: at, staleAfterMs: 300_000 });
}
