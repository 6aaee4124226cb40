import { expect, onTestFinished, test, vi } from 'vitest';
import type { Connector, Result } from '../../src/core/model.ts';
import { sidecarAfter, type SidecarState } from '../../src/core/sidecar-state.ts';
import { createCloudflared } from '../../src/sidecar/cloudflared.ts';
import { createSidecar, type Sidecar, type SidecarOptions } from '../../src/sidecar/sidecar.ts';
import { aConnection, aConnector } from '../support/snapshots.ts';
import { type FakeCloudflared, fakeCloudflared } from './support.ts';

interface Rig {
  readonly fake: FakeCloudflared;
  readonly sidecar: Sidecar;
  readonly state: () => SidecarState | undefined;
  /** Ids that were checked at the edge. */
  readonly asked: readonly string[];
  readonly log: readonly string[];
  /** What the edge sees from now on. */
  readonly edgeSees: (answer: Result<Connector | undefined>) => void;
}

async function aRig(options: Partial<SidecarOptions> = {}): Promise<Rig> {
  const fake = await fakeCloudflared({ readyConnections: 4, connectorId: 'a' });
  let state: SidecarState | undefined;
  let edge: Result<Connector | undefined> = { ok: true, value: aConnector() };
  const asked: string[] = [];
  const log: string[] = [];
  const sidecar = createSidecar({
    cloudflared: createCloudflared(fake.url),
    connector: (id) => {
      asked.push(id);
      return Promise.resolve(edge);
    },
    state: () => state,
    observe: (observation) => {
      state = sidecarAfter(state, observation);
    },
    minConnections: 1,
    clock: () => 1_000,
    log: {
      warn: (message: unknown) => void log.push(`warn: ${String(message)}`),
      info: (message: unknown) => void log.push(`info: ${String(message)}`),
    } as SidecarOptions['log'],
    ...options,
  });
  onTestFinished(() => sidecar.stop());
  return { fake, sidecar, state: () => state, asked, log, edgeSees: (answer) => void (edge = answer) };
}

test('a connector that becomes ready is checked at the edge at once', async () => {
  const { sidecar, state, asked } = await aRig();
  await sidecar.checkCloudflared();
  await vi.waitFor(() => expect(state()?.edge).toEqual({ connections: 4, at: 1_000 }));
  await sidecar.checkCloudflared();
  expect(asked).toEqual(['a']);
});

test('a connector that the edge does not see is checked three times, and then only at polls', async () => {
  const { sidecar, asked, edgeSees } = await aRig();
  edgeSees({ ok: true, value: undefined });
  for (let looks = 0; looks < 6; looks += 1) {
    await sidecar.checkCloudflared();
    await vi.waitFor(() => expect(asked).toHaveLength(Math.min(looks + 1, 3)));
  }
  expect(asked).toEqual(['a', 'a', 'a']);
  await sidecar.checkEdge();
  expect(asked).toHaveLength(4);
});

test('a new process is a new connector', async () => {
  const { fake, sidecar, state, asked } = await aRig();
  await sidecar.checkCloudflared();
  await vi.waitFor(() => expect(state()?.edge).toBeDefined());
  fake.says({ readyConnections: 1, connectorId: 'b' });
  await sidecar.checkCloudflared();
  expect(state()).toMatchObject({ connectorId: 'b', readyConnections: 1 });
  await vi.waitFor(() => expect(asked).toEqual(['a', 'b']));
});

test('a connector that Cloudflare does not know has no connections; pending ones do not count', async () => {
  const { sidecar, state, edgeSees } = await aRig();
  edgeSees({ ok: true, value: undefined });
  await sidecar.checkCloudflared();
  await vi.waitFor(() => expect(state()?.edge?.connections).toBe(0));
  const connections = [aConnection(), aConnection({ pendingReconnect: true })];
  edgeSees({ ok: true, value: aConnector({ connections }) });
  await sidecar.checkEdge();
  expect(state()?.edge?.connections).toBe(1);
});

test('if the edge check fails, the last answer stays, and one warning is logged', async () => {
  const { sidecar, state, edgeSees, log } = await aRig();
  await sidecar.checkCloudflared();
  await vi.waitFor(() => expect(state()?.edge?.connections).toBe(4));
  edgeSees({ ok: false, failure: { reason: 'server', message: 'Cloudflare has a problem' } });
  await sidecar.checkEdge();
  await sidecar.checkEdge();
  expect(state()?.edge?.connections).toBe(4);
  edgeSees({ ok: true, value: aConnector() });
  await sidecar.checkEdge();
  expect(log).toEqual([
    "warn: Cloudflare's view of connector a is not known: Cloudflare has a problem",
    "info: recovered: Cloudflare's view of the connector is known",
  ]);
});

test('a cloudflared that stops is logged once, is still checked at the edge, and recovers', async () => {
  const { fake, sidecar, state, asked, log } = await aRig();
  await sidecar.checkCloudflared();
  await vi.waitFor(() => expect(asked).toEqual(['a']));
  await fake.end();
  await sidecar.checkCloudflared();
  await sidecar.checkCloudflared();
  expect(state()).toMatchObject({ connectorId: 'a', ready: false, readyConnections: undefined });
  await sidecar.checkEdge();
  expect(asked).toEqual(['a', 'a']);
  await fake.restart();
  await sidecar.checkCloudflared();
  expect(state()).toMatchObject({ ready: true });
  expect(log).toEqual([
    `warn: cloudflared at ${fake.url}/ready does not answer: connection refused`,
    'info: recovered: cloudflared answers',
  ]);
});

test('the edge is not checked before cloudflared reports its id', async () => {
  const { fake, sidecar, state, asked } = await aRig();
  await sidecar.checkEdge();
  await fake.end();
  await sidecar.checkCloudflared();
  await sidecar.checkEdge();
  expect(asked).toEqual([]);
  expect(state()).toMatchObject({ connectorId: '', ready: false });
});

test('cloudflared is checked until stop', async () => {
  const { fake, sidecar, state } = await aRig({ intervalMs: 1 });
  sidecar.start();
  await vi.waitFor(() => expect(fake.asked()).toBeGreaterThan(3));
  await sidecar.stop();
  const before = state();
  fake.says({ readyConnections: 1, connectorId: 'z' });
  await sidecar.checkCloudflared();
  expect(state()).toBe(before);
});
