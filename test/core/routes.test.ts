import { expect, test } from 'vitest';
import type { FailureReason } from '../../src/core/model.ts';
import { dueRouteKinds, isRoutesDue, routePages } from '../../src/core/plan-lists.ts';
import {
  aListed,
  aRoute,
  aStory,
  failedList,
  fleetLines,
  routes,
  s,
  STALE_AFTER_MS,
  tunnelLines,
  list,
} from '../support/core-builders.ts';

const WEB = aListed('web');
const MESH = aListed('mesh', { type: 'warp_connector' });
const networks = routes('network', [
  aRoute('10.0.0.0/16', 'web', { tunnelType: 'cfd_tunnel', virtualNetwork: 'default' }),
  aRoute('10.1.0.0/16', 'gone', { tunnelType: 'cfd_tunnel', virtualNetwork: 'default' }),
  aRoute('fd00::/64', 'web', { tunnelType: 'cfd_tunnel', virtualNetwork: 'staging' }),
]);
const hostnames = routes('hostname', [aRoute('wiki.corp', 'mesh')]);

const lines = (story: ReturnType<typeof aStory>, id: string, name: string): readonly string[] | undefined => {
  const state = story.tunnel(id);
  return state && tunnelLines(name, state, { routes: true });
};
const orphans = (story: ReturnType<typeof aStory>, context = {}): readonly string[] =>
  fleetLines('cloudflare_tunnel_orphan_routes', story.snapshot(), context);

test('routes are counted for each tunnel and kind; a kind that is not known is absent', () => {
  const story = aStory();
  story.poll(s(0), list([WEB, MESH]));
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual([]);
  story.poll(s(1), networks);
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 2']);
  expect(lines(story, 'mesh', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 0']);
  story.poll(s(2), hostnames);
  expect(lines(story, 'mesh', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 0', 'kind="hostname" 1']);
  expect(lines(story, 'web', 'cloudflare_tunnel_route_info')).toEqual([
    'kind="network",route="10.0.0.0/16",virtual_network="default" 1',
    'kind="network",route="fd00::/64",virtual_network="staging" 1',
  ]);
});

test('a tunnel that is listed after the routes were read has its routes; one that is listed again keeps its state', () => {
  const story = aStory();
  story.poll(s(0), list([WEB]), networks, hostnames);
  story.poll(s(30), list([WEB, MESH]));
  expect(lines(story, 'mesh', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 0', 'kind="hostname" 1']);
  const before = story.tunnel('web');
  story.poll(s(600), list([WEB, MESH]), networks, hostnames);
  expect(story.tunnel('web')).toBe(before);
  story.poll(s(1200), list([WEB, MESH]), routes('network', [aRoute('10.0.0.0/16', 'mesh')]));
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 0', 'kind="hostname" 0']);
  expect(lines(story, 'mesh', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 1', 'kind="hostname" 1']);
});

test('routes stay while their lists fail, until that has lasted --poll.stale-after', () => {
  const story = aStory();
  story.poll(s(0), list([WEB]), networks);
  const staleAfter = STALE_AFTER_MS / 1000;
  story.poll(s(600), list([WEB]), routes('network', 'server'));
  expect(story.account().collectors.routes.success).toBe(false);
  expect(story.account().collectors.tunnels.success).toBe(true);
  story.poll(s(600 + staleAfter - 1), list([WEB]));
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 2']);
  story.poll(s(600 + staleAfter), list([WEB]));
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual([]);
  expect(orphans(story)).toEqual([]);
  story.poll(s(1200), list([WEB]), networks);
  expect(lines(story, 'web', 'cloudflare_tunnel_routes')).toEqual(['kind="network" 2']);
  expect(story.account().collectors.routes.success).toBe(true);
});

test('the collector fails while one of its two lists does', () => {
  const story = aStory();
  story.poll(s(0), list([WEB]), routes('network', 'permission'));
  story.poll(s(1), hostnames);
  expect(story.account().collectors.routes).toMatchObject({ success: false, failedFor: 'permission' });
  story.poll(s(2), networks);
  expect(story.account().collectors.routes).toEqual({ success: true, lastSuccessAt: s(2) });
});

test('routes to tunnels that are not listed are orphans, if every list is known', () => {
  const story = aStory();
  story.poll(s(0), networks, hostnames);
  expect(orphans(story)).toEqual([]);
  story.poll(s(1), list([WEB], { types: ['cfd_tunnel'] }));
  expect(orphans(story)).toEqual([]);
  story.poll(s(2), list([WEB, MESH]));
  expect(orphans(story)).toEqual(['account_id="acc" 1']);
  story.poll(s(3), list([WEB]));
  expect(orphans(story)).toEqual(['account_id="acc" 2']);
  expect(orphans(story, { selectsAll: false })).toEqual([]);
  // A host name does not say which type its tunnel has.
  expect(orphans(story, { types: ['cfd_tunnel'] })).toEqual(['account_id="acc" 1']);
  expect(orphans(story, { types: ['warp_connector'] })).toEqual(['account_id="acc" 0']);
  story.poll(s(3 + STALE_AFTER_MS / 1000), failedList());
  expect(orphans(story)).toEqual([]);
});

test('each list is due at once, then every ten minutes, also while it fails', () => {
  const story = aStory();
  expect(dueRouteKinds(story.account(), s(0))).toEqual(['network', 'hostname']);
  story.poll(s(0), networks);
  story.poll(s(60), routes('hostname', 'server'));
  expect(isRoutesDue(story.account(), s(599))).toBe(false);
  expect(dueRouteKinds(story.account(), s(600))).toEqual(['network']);
  expect(dueRouteKinds(story.account(), s(660))).toEqual(['network', 'hostname']);
  // A clock that was set back.
  expect(dueRouteKinds(story.account(), s(-10))).toEqual(['network', 'hostname']);
});

test.each<readonly [FailureReason, readonly number[]]>([
  ['permission', [600, 600, 1200, 2400, 3600, 3600]],
  ['auth', [600, 600, 1200]],
  ['timeout', [600, 600, 600]],
])('after %s, the list is due again after %j seconds', (reason, waits) => {
  const story = aStory();
  let at = 0;
  for (const wait of waits) {
    story.poll(s(at), routes('network', reason), routes('hostname', reason));
    expect(isRoutesDue(story.account(), s(at + wait - 1))).toBe(false);
    expect(isRoutesDue(story.account(), s(at + wait))).toBe(true);
    at += wait;
  }
});

test('a refused list is due when the token is replaced', () => {
  const story = aStory();
  story.poll(s(0), networks, routes('hostname', 'permission'));
  expect(dueRouteKinds(story.account(), s(10), { renewedAt: s(-1) })).toEqual([]);
  expect(dueRouteKinds(story.account(), s(10), { renewedAt: s(5) })).toEqual(['hostname']);
});

test('a list is expected to take as many pages as the last one', () => {
  const story = aStory();
  expect(routePages(story.account(), 'network')).toBe(1);
  const many = Array.from({ length: 1001 }, (_, index) => aRoute(`10.0.${index}.0/24`, 'web'));
  story.poll(s(0), routes('network', many));
  expect(routePages(story.account(), 'network')).toBe(2);
});
