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

const RUNBOOKS =
  'https://github.com/cloudflare-tunnel-exporter/cloudflare-tunnel-exporter/blob/main/docs/runbooks';

/** Links to the other dashboards. They keep variables and time range. */
export function linksFrom(board: Board): readonly Link[] {
  return boardNames()
    .filter((other) => other !== board)
    .map((other) =>
      inSight(
        new DashboardLinkBuilder(BOARDS[other].title)
          .type(DashboardLinkType.Link)
          .icon('dashboard')
          .url(boardUrl(other, { keepTunnel: keepsTunnel(board, other) }))
          .keepTime(true),
      ),
    );
}

/**
 * How a link names the tunnel that was clicked: by the columns of a table, or by the labels of a
 * series.
 */
export const TUNNEL_OF_ROW = {
  account: '${__data.fields.account_id:percentencode}',
  tunnel: '${__data.fields.Tunnel:percentencode}',
} as const;
export const TUNNEL_OF_SERIES = {
  account: '${__field.labels.account_id:percentencode}',
  tunnel: '${__field.labels.tunnel_name:percentencode}',
} as const;

export type TunnelOf = typeof TUNNEL_OF_ROW | typeof TUNNEL_OF_SERIES;

/**
 * Links a tunnel's name to a dashboard about that tunnel. Keeps the time range and the other
 * variables.
 */
export function tunnelLink({ account, tunnel }: TunnelOf, board: Board = 'tunnel'): Link {
  const kept = ['datasource', 'job', 'instance'].map(passedOn);
  const query = [
    ...kept,
    `var-account_id=${account}`,
    `var-tunnel_name=${tunnel}`,
    '${__url_time_range}',
  ].join('&');
  const title = board === 'tunnel' ? 'Show this tunnel' : 'Show its high availability';
  return link(title, `/d/${BOARDS[board].uid}?${query}`);
}

/** Links a figure to the dashboard that explains it. */
export function boardLink(board: Board, { from }: { readonly from: Board }): Link {
  const url = boardUrl(board, { keepTunnel: keepsTunnel(from, board) });
  return link(`Show the dashboard ${BOARDS[board].title}`, `${url}&\${__url_time_range}`);
}

/** Links a row to the runbook of the alert that `column` names. */
export function runbookLink(column: string): Link {
  return link('Show the runbook: what to do', `${RUNBOOKS}/\${__data.fields.${column}}.md`);
}

/** Links a figure to the runbook of an alert, which is named without its prefix. */
export function runbook(alert: string): Link {
  return link('Show the runbook: what to do', `${RUNBOOKS}/CloudflareTunnel${alert}.md`);
}

/**
 * Links a row to its account at Cloudflare. The title can show the whole id if the row shows the
 * start.
 */
export function cloudflareLink(title: string): Link {
  return link(
    title,
    'https://one.dash.cloudflare.com/${__data.fields.account_id:percentencode}/networks/tunnels',
  );
}

/** A link in a field's configuration has a title and an address only. */
export function dataLink(built: Link): Pick<DashboardLink, 'title'> & { readonly url: string } {
  const { title, url = '' } = built.build();
  return { title, url };
}

function link(title: string, url: string): Link {
  return inSight(new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url));
}

/**
 * The Tunnel dashboard shows one tunnel. It does not take "all", and its choice does not narrow the
 * other dashboards.
 */
function keepsTunnel(from: Board, to: Board): boolean {
  return from !== 'tunnel' && to !== 'tunnel';
}

function boardUrl(board: Board, { keepTunnel }: { readonly keepTunnel: boolean }): string {
  const kept = ['datasource', 'job', 'instance', 'account_id', ...(keepTunnel ? ['tunnel_name'] : [])];
  return `/d/${BOARDS[board].uid}?${kept.map(passedOn).join('&')}`;
}

function passedOn(variable: string): string {
  return `\${${variable}:queryparam}`;
}

function boardNames(): readonly Board[] {
  return ['overview', 'tunnel', 'warpHa', 'exporter'];
}
