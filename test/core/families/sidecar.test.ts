import { expect, test } from 'vitest';
import { sidecarFamilies } from '../../../src/core/families/sidecar.ts';
import type { SidecarState } from '../../../src/core/sidecar.ts';
import { aSnapshot } from '../../support/snapshots.ts';

function samplesOf(sidecar: SidecarState | undefined): readonly string[] {
  const samples: string[] = [];
  for (const { name, samples: emitFrom } of sidecarFamilies) {
    const short = name.replace('cloudflare_tunnel_sidecar_', '');
    emitFrom(
      { ...aSnapshot(), sidecar },
      (value, ...labels) => void samples.push(`${short} ${labels.join()} ${value}`),
      { types: [], selectsAll: true, expected: [], intermittent: [] },
    );
  }
  return samples;
}

test('without a sidecar there is nothing', () => {
  expect(samplesOf(undefined)).toEqual([]);
});

test('both sides, by connector', () => {
  const state = { connectorId: 'a', ready: true, readyConnections: 4, edge: { connections: 0, at: 0 } };
  expect(samplesOf(state)).toEqual(['ready a 1', 'ready_connections a 4', 'edge_connections a 0']);
});

test('what is not known is absent, and a cloudflared that does not answer is not ready', () => {
  const silent = { connectorId: 'a', ready: false, readyConnections: undefined, edge: undefined };
  expect(samplesOf(silent)).toEqual(['ready a 0']);
});
