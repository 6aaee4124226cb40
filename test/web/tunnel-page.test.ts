import { expect, test } from 'vitest';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { CONTENT_SECURITY_POLICY } from '../../src/web/page-frame.ts';
import { tunnelPageParts, type TunnelPageOptions } from '../../src/web/tunnel-page.ts';
import { aRoute } from '../support/core-builders.ts';
import { anEvent } from '../support/events.ts';
import {
  aConnection,
  aConnector,
  aDownTunnel,
  anAccount,
  aSnapshot,
  aTunnel,
  NOW,
} from '../support/snapshots.ts';
import { hostileNames } from './sample-fleets.ts';
import { ask, serving } from './serving.ts';

const ID = 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415';
const MINUTE = 60_000;

function render(snapshot: Snapshot, options: Partial<TunnelPageOptions> = {}, id = ID): string | undefined {
  const parts = tunnelPageParts(snapshot, id, {
    version: '1.2.3',
    now: NOW,
    events: [],
    showsOriginIps: false,
    ...options,
  });
  return parts && [...parts].join('');
}

const read = (page: string | undefined): string =>
  (page ?? '')
    .replace(/<style>[^]*<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

const down = aSnapshot(
  anAccount({
    name: 'Production',
    tunnels: [
      aDownTunnel({
        name: 'shop',
        configuration: {
          version: 7,
          haMode: undefined,
          ingress: [
            { hostname: 'shop.example.com', service: 'http://localhost', path: '' },
            { hostname: '', service: 'http_status:404', path: '' },
          ],
        },
        routes: { network: [aRoute('10.0.0.0/16', ID)], hostname: [aRoute('wiki.corp', ID)] },
        lastServing: { connectors: [aConnector()], at: NOW - 134 * MINUTE },
      }),
    ],
  }),
);

test('the page of a tunnel that is down has its start, targets, last connectors and changes', () => {
  const events = [
    anEvent({ id: 1, at: NOW - 133 * MINUTE, message: 'shop is down' }),
    anEvent({ id: 2, tunnelId: 'other', message: 'other is down' }),
    anEvent({
      id: 3,
      at: NOW - MINUTE,
      kind: 'tunnel_renamed',
      severity: 'info',
      message: 'shop was renamed',
    }),
  ];
  const page = render(down, { events });
  const text = read(page);
  expect(text).toMatch(/^shop · Cloudflare tunnels shop All tunnels cloudflare-tunnel-exporter 1\.2\.3 /);
  expect(text).toContain('Status down down for 2 h 13 min, since 2026-03-01 09:47 UTC Account Production');
  expect(text).toContain('Configuration cloudflare, version 7');
  expect(text).toContain(
    'Behind it Public host names shop.example.com Private host names wiki.corp Networks 10.0.0.0/16',
  );
  expect(text).toContain(
    'Last observed connectors Observed 2 h 14 min ago, at 2026-03-01 09:46 UTC. None of these is connected now.',
  );
  expect(text).toContain(
    '7d2f9b1e-6a55-4b0e-9c3e-2f3c0f2f8a01 2026.2.0 linux_amd64 1 h 30 min ago ams06 ×2 · fra08 ×2',
  );
  expect(text).toMatch(
    /What changed info 1 min ago shop was renamed error 2 h 13 min ago shop is down These changes as JSON$/,
  );
  expect(page).toContain(`href="/api/v1/events?tunnel_id=${ID}"`);
  expect(text).not.toContain('other is down');
});

test('addresses of origins are shown only if the option is on', () => {
  expect(read(render(down))).not.toContain('203.0.113.10');
  expect(read(render(down, { showsOriginIps: true }))).toContain('Origin');
  expect(read(render(down, { showsOriginIps: true }))).toContain('203.0.113.10');
});

test('a tunnel that is up shows its current connectors', () => {
  const healthy = aSnapshot(
    anAccount({
      tunnels: [
        aTunnel({
          type: 'warp_connector',
          connectors: [
            aConnector({
              id: '',
              version: undefined,
              arch: undefined,
              startedAt: undefined,
              haStatus: 'active',
              connections: [aConnection({ colo: undefined })],
            }),
            aConnector({ id: 'two', haStatus: 'offline', connections: [] }),
          ],
        }),
      ],
    }),
  );
  const text = read(render(healthy));
  expect(text).toContain('Behind it Not known yet.');
  expect(text).toContain('Connectors 2 connectors, observed 12 s ago.');
  expect(text).toContain(
    '(no id) – – – unknown ×1 active two 2026.2.0 linux_amd64 1 h 30 min ago none offline',
  );
  expect(text).toContain('What changed No changes in the event history');
});

test.each([
  ['observed', aTunnel({ connectors: undefined }), 'Connectors Not observed yet.'],
  ['seen to serve', aDownTunnel(), 'the tunnel was already down when the exporter started'],
  ['run', aDownTunnel({ status: 'inactive' }), 'Connectors None.'],
])('a tunnel that was never %s says so', (_, state, words) => {
  expect(read(render(aSnapshot(anAccount({ tunnels: [state] }))))).toContain(words);
});

test('a tunnel with nothing behind it says so', () => {
  const state = aTunnel({ routes: { network: [], hostname: undefined } });
  expect(read(render(aSnapshot(anAccount({ tunnels: [state] }))))).toContain('and no private route');
});

test('a tunnel that is no longer listed still has its changes; an unknown id has no page', () => {
  const gone = read(render(aSnapshot(anAccount()), { events: [anEvent({ message: 'shop was deleted' })] }));
  expect(gone).toContain('This tunnel is not listed.');
  expect(gone).toContain('shop was deleted');
  expect(render(aSnapshot(anAccount()))).toBeUndefined();
});

test.each(hostileNames)('the name %j does no harm', (name) => {
  const state = aDownTunnel({ name, routes: { network: [aRoute(name, ID)], hostname: undefined } });
  const page = render(aSnapshot(anAccount({ name, tunnels: [state] })), {
    events: [anEvent({ message: name })],
  });
  expect(page).not.toMatch(/<script|<img/i);
});

test('the web server serves the page with its policy, and 404 for others', async () => {
  const { url } = await serving({ snapshot: () => down });
  expect(await ask(`${url}/tunnels/${ID}`)).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
    },
  });
  for (const path of ['/tunnels/', '/tunnels/none', '/tunnels/%', '/tunnels/a/b'])
    expect(await ask(`${url}${path}`)).toMatchObject({
      status: 404,
      text: expect.stringContaining('Not found'),
    });
  expect(await ask(`${url}/tunnels`)).toMatchObject({ status: 404 });
  expect(await ask(`${url}/?status=bad`)).toMatchObject({ status: 400 });
});
