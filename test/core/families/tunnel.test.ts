import { expect, test } from 'vitest';
import { TUNNEL_STATUSES } from '../../../src/core/model.ts';
import { tunnelLines } from '../../support/core-builders.ts';
import { aTunnel } from '../../support/snapshots.ts';

const AT = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const AT_SECONDS = '1770091506.789';

test('the info of a tunnel names its type and where its configuration lives', () => {
  expect(tunnelLines('cloudflare_tunnel_info', aTunnel())).toEqual([
    'tunnel_type="cfd_tunnel",config_src="cloudflare" 1',
  ]);
  expect(tunnelLines('cloudflare_tunnel_info', aTunnel({ type: 'unknown', configSource: '' }))).toEqual([
    'tunnel_type="unknown",config_src="" 1',
  ]);
});

test.each(TUNNEL_STATUSES)('the status %s is one of five, the others are 0', (status) => {
  expect(tunnelLines('cloudflare_tunnel_status', aTunnel({ status }))).toEqual(
    ['healthy', 'degraded', 'down', 'inactive', 'unknown'].map(
      (state) => `status="${state}" ${state === status ? 1 : 0}`,
    ),
  );
});

test.each([
  ['cloudflare_tunnel_created_timestamp_seconds', 'createdAt'],
  ['cloudflare_tunnel_active_since_timestamp_seconds', 'activeAt'],
  ['cloudflare_tunnel_inactive_since_timestamp_seconds', 'inactiveAt'],
] as const)('%s is in seconds, and absent where the API does not tell', (name, key) => {
  const untold = { createdAt: undefined, activeAt: undefined, inactiveAt: undefined };
  expect(tunnelLines(name, aTunnel({ ...untold, [key]: AT }))).toEqual([AT_SECONDS]);
  expect(tunnelLines(name, aTunnel(untold))).toEqual([]);
});

test('a tunnel is intermittent if an expression matches, anywhere in its name', () => {
  const laptop = aTunnel({ name: 'dev-ada' });
  expect(tunnelLines('cloudflare_tunnel_intermittent', laptop)).toEqual([]);
  expect(tunnelLines('cloudflare_tunnel_intermittent', laptop, { intermittent: [/x/u, /^dev-/u] })).toEqual([
    '1',
  ]);
  expect(
    tunnelLines('cloudflare_tunnel_intermittent', aTunnel({ name: 'shop' }), { intermittent: [/^dev-/u] }),
  ).toEqual([]);
});

test('transitions start at 0 for every status', () => {
  const transitions = { healthy: 2, degraded: 0, down: 1, inactive: 0, unknown: 0 };
  expect(tunnelLines('cloudflare_tunnel_status_transitions_total', aTunnel())).toEqual(
    TUNNEL_STATUSES.map((status) => `status="${status}" 0`),
  );
  expect(
    tunnelLines('cloudflare_tunnel_status_transitions_total', aTunnel({ counters: { transitions } })),
  ).toEqual([
    'status="healthy" 2',
    'status="degraded" 0',
    'status="down" 1',
    'status="inactive" 0',
    'status="unknown" 0',
  ]);
});
