import { expect, test } from 'vitest';
import {
  aListed,
  aStory,
  connections,
  failedWalk,
  s,
  STALE_AFTER_MS,
  tunnelLines,
  walk,
} from '../support/core-builders.ts';
import { aConnector } from '../support/snapshots.ts';

const UP = aListed('web');
const DOWN = aListed('web', { status: 'down', activeAt: undefined, inactiveAt: s(40) });
const CONNECTOR = aConnector({ id: 'one' });

const lastObserved = (story: ReturnType<typeof aStory>): readonly string[] => {
  const state = story.tunnel('web') ?? expect.fail('the tunnel is gone');
  return tunnelLines('cloudflare_tunnel_last_observed_timestamp_seconds', state);
};
const inSeconds = (at: number): string => String(at / 1000);

test('a tunnel that is down keeps what was last observed of it, and forgets it when it serves again', () => {
  const story = aStory();
  story.pass(s(0), walk([UP]), connections('web', [CONNECTOR]));
  expect(story.tunnel('web')?.last).toBeUndefined();
  expect(lastObserved(story)).toEqual([]);
  story.pass(s(60), walk([DOWN]));
  expect(story.tunnel('web')?.last).toEqual({ connectors: [CONNECTOR], at: s(0) });
  expect(lastObserved(story)).toEqual([inSeconds(s(0))]);
  expect(story.tunnel('web')?.connectors.value).toBeUndefined();
  story.pass(s(3600), walk([DOWN]));
  expect(story.tunnel('web')?.last?.at).toBe(s(0));
  story.pass(s(3630), walk([UP]));
  expect(lastObserved(story)).toEqual([]);
  story.pass(s(3660), connections('web', [aConnector({ id: 'two' })]));
  expect(story.tunnel('web')?.last).toBeUndefined();
});

test('connections that were observed to be gone before the list said so do not replace what was last observed', () => {
  const story = aStory();
  story.pass(s(0), walk([UP]), connections('web', [CONNECTOR]));
  story.pass(s(30), connections('web', []));
  story.pass(s(60), walk([DOWN]));
  expect(story.tunnel('web')?.last).toEqual({ connectors: [CONNECTOR], at: s(0) });
});

test('what was last observed survives connections and lists that could not be read', () => {
  const story = aStory();
  const stale = STALE_AFTER_MS / 1000;
  story.pass(s(0), walk([UP]), connections('web', [CONNECTOR]));
  story.pass(s(30), walk([UP]), connections('web', 'server'));
  story.pass(s(stale + 1), walk([UP]));
  expect(story.tunnel('web')?.connectors.value).toBeUndefined();
  story.pass(s(stale + 2), failedWalk());
  story.pass(s(3 * stale), failedWalk());
  expect(story.names()).toEqual([]);
  story.pass(s(4 * stale), walk([DOWN]));
  expect(story.tunnel('web')?.last).toEqual({ connectors: [CONNECTOR], at: s(0) });
});

test('a tunnel that was down before the exporter started has nothing that was last observed', () => {
  const story = aStory();
  story.pass(s(0), walk([DOWN]));
  expect(story.tunnel('web')?.last).toBeUndefined();
  expect(lastObserved(story)).toEqual([]);
});
