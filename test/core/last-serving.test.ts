import { expect, test } from 'vitest';
import {
  aListed,
  aStory,
  connections,
  failedList,
  s,
  STALE_AFTER_MS,
  tunnelLines,
  list,
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

test('a tunnel that is down keeps its last serving observation until it serves again', () => {
  const story = aStory();
  story.poll(s(0), list([UP]), connections('web', [CONNECTOR]));
  expect(story.tunnel('web')?.lastServing).toBeUndefined();
  expect(lastObserved(story)).toEqual([]);
  story.poll(s(60), list([DOWN]));
  expect(story.tunnel('web')?.lastServing).toEqual({ connectors: [CONNECTOR], at: s(0) });
  expect(lastObserved(story)).toEqual([inSeconds(s(0))]);
  expect(story.tunnel('web')?.connectors.value).toBeUndefined();
  story.poll(s(3600), list([DOWN]));
  expect(story.tunnel('web')?.lastServing?.at).toBe(s(0));
  story.poll(s(3630), list([UP]));
  expect(lastObserved(story)).toEqual([]);
  story.poll(s(3660), connections('web', [aConnector({ id: 'two' })]));
  expect(story.tunnel('web')?.lastServing).toBeUndefined();
});

test('an empty observation before the list shows the tunnel down does not replace the last serving one', () => {
  const story = aStory();
  story.poll(s(0), list([UP]), connections('web', [CONNECTOR]));
  story.poll(s(30), connections('web', []));
  story.poll(s(60), list([DOWN]));
  expect(story.tunnel('web')?.lastServing).toEqual({ connectors: [CONNECTOR], at: s(0) });
});

test('the last serving observation survives failed connections and lists', () => {
  const story = aStory();
  const stale = STALE_AFTER_MS / 1000;
  story.poll(s(0), list([UP]), connections('web', [CONNECTOR]));
  story.poll(s(30), list([UP]), connections('web', 'server'));
  story.poll(s(stale + 1), list([UP]));
  expect(story.tunnel('web')?.connectors.value).toBeUndefined();
  story.poll(s(stale + 2), failedList());
  story.poll(s(3 * stale), failedList());
  expect(story.names()).toEqual([]);
  story.poll(s(4 * stale), list([DOWN]));
  expect(story.tunnel('web')?.lastServing).toEqual({ connectors: [CONNECTOR], at: s(0) });
});

test('a tunnel that was down before the exporter started has no last serving observation', () => {
  const story = aStory();
  story.poll(s(0), list([DOWN]));
  expect(story.tunnel('web')?.lastServing).toBeUndefined();
  expect(lastObserved(story)).toEqual([]);
});
