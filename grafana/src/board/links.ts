import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { inSight } from './in-sight.ts';

export type Link = Builder<DashboardLink>;

/** The dashboards, in the order of the links between them. */
export const BOARDS = {
  overview: { uid: 'cloudflare-tunnel-overview', title: 'Overview' },
  tunnel: { uid: 'cloudflare-tunnel-tunnel', title: 'Tunnel' },
  warpHa: { uid: 'cloudflare-tunnel-warp-ha', title: 'WARP HA' },
  exporter: { uid: 'cloudflare-tunnel-exporter', title: 'Exporter' },
} as const;

export type Board = keyof typeof BOARDS;

/** Links to the other dashboards, which keep variables and time range. */
export function linksFrom(board: Board): readonly Link[] {
  return Object.values(BOARDS)
    .filter(({ uid }) => uid !== BOARDS[board].uid)
    .map(({ uid, title }) =>
      inSight(
        new DashboardLinkBuilder(title)
          .type(DashboardLinkType.Link)
          .icon('dashboard')
          .url(`/d/${uid}`)
          .includeVars(true)
          .keepTime(true),
      ),
    );
}

/** How a link tells the tunnel that was clicked: by the columns of a table, or by the labels of a series. */
export const TUNNEL_OF_ROW = {
  account: '${__data.fields.Account:percentencode}',
  tunnel: '${__data.fields.Tunnel:percentencode}',
} as const;
export const TUNNEL_OF_SERIES = {
  account: '${__field.labels.account_id:percentencode}',
  tunnel: '${__field.labels.tunnel_name:percentencode}',
} as const;

export type TunnelOf = typeof TUNNEL_OF_ROW | typeof TUNNEL_OF_SERIES;

/** From a tunnel's name to a dashboard about that tunnel, time range and other variables kept. */
export function tunnelLink({ account, tunnel }: TunnelOf, board: Board = 'tunnel'): Link {
  const kept = ['datasource', 'job', 'instance'].map((name) => `\${${name}:queryparam}`);
  const query = [
    ...kept,
    `var-account_id=${account}`,
    `var-tunnel_name=${tunnel}`,
    '${__url_time_range}',
  ].join('&');
  const title = board === 'tunnel' ? 'Show this tunnel' : 'Show its high availability';
  return inSight(
    new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(`/d/${BOARDS[board].uid}?${query}`),
  );
}

/** As a field's configuration holds it: title and address only. */
export function dataLink(link: Link): Pick<DashboardLink, 'title'> & { readonly url: string } {
  const { title, url = '' } = link.build();
  return { title, url };
}
