import { behind, targetsOf } from '../core/routes.ts';
import {
  UNKNOWN_COLO,
  type Connector,
  type ListedTunnel,
  type TunnelStatus,
  servingConnections,
} from '../core/model.ts';
import type { Severity, TunnelEvent } from '../core/events.ts';
import type { TunnelState } from '../core/snapshot.ts';
import { formatDuration, formatTime } from './format.ts';
import { html, joined, NOTHING, SEPARATOR, visible, type Html } from './html.ts';

// HTML that several pages share.

/** An empty table cell, which narrow screens leave out. */
export const NONE = html`<span class="quiet nothing">–</span>`;

/** The word as well as its colour, for people who cannot tell the colours apart. */
export function statusChip(status: TunnelStatus): Html {
  return html`<span class="status ${status}">${status}</span>`;
}

/** An untrusted name, isolated so that its text direction does not reorder the text around it. */
export function isolatedName(name: string): Html {
  return name === ''
    ? html`<span class="quiet">(no name)</span>`
    : html`<bdi class="name">${visible(name)}</bdi>`;
}

/** The first group of a UUID. The whole id is the tooltip. */
export function shortId(id: string): Html {
  return html`<code title="${visible(id)}">${visible(id.slice(0, 8))}</code>`;
}

/** Safe in an attribute as it is. */
export function tunnelPath(id: string): string {
  return `/tunnels/${encodeURIComponent(id.toWellFormed())}`;
}

/** Undefined if the API gives no time, and for a tunnel that was never connected. */
function sinceOf({ status, activeAt, inactiveAt }: ListedTunnel): { word: string; at: number } | undefined {
  const isUp =
    status === 'healthy' || status === 'degraded' || (status === 'unknown' && activeAt !== undefined);
  const at = isUp ? activeAt : inactiveAt;
  return at === undefined || status === 'inactive' ? undefined : { word: isUp ? 'up' : 'down', at };
}

/** `down for 2 h 13 min`; '' if unknown. */
export function upOrDownFor(tunnel: ListedTunnel, now: number): string {
  if (tunnel.status === 'inactive') return 'never connected';
  const since = sinceOf(tunnel);
  return since === undefined ? '' : `${since.word} for ${formatDuration(now - since.at)}`;
}

/** `down for 2 h 13 min, since 2026-03-01 09:47 UTC`, to compare with other records; '' if unknown. */
export function upOrDownForAndSince(tunnel: ListedTunnel, now: number): string {
  const since = sinceOf(tunnel);
  const duration = upOrDownFor(tunnel, now);
  return since === undefined ? duration : `${duration}, since ${formatTime(since.at)}`;
}

const MAX_TARGETS_IN_LINE = 5;

/** A line with the host names and networks behind a tunnel; NOTHING if none is known. */
export function targetsLine(state: TunnelState, label: string): Html {
  const targets = targetsOf(behind(state));
  return targets.length === 0
    ? NOTHING
    : html` <span class="small behind">${label} ${targetList(targets, MAX_TARGETS_IN_LINE)}</span>`;
}

export function targetList(targets: readonly string[], max: number): Html {
  const more = targets.length - max;
  const named = joined(
    targets.slice(0, max).map((target) => html`<code>${visible(target)}</code>`),
    SEPARATOR,
  );
  return more > 0 ? html`${named} and ${more} more` : named;
}

/** `fra08 ×2`, `ams06 ×1`: how often each value occurs, the most frequent first. */
export function tally(values: readonly string[]): readonly Html[] {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({
    value,
    count: all.length,
  }));
  return counts
    .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .map(({ value, count }) => html`<span class="tally"><code>${visible(value)}</code> ×${count}</span>`);
}

/** Serving connections by data center. */
export function coloTally(connectors: readonly Connector[]): readonly Html[] {
  return tally(connectors.flatMap(servingConnections).map(({ colo }) => colo ?? UNKNOWN_COLO));
}

/** A severity has the colour of the status that it mostly reports. */
const SEVERITY_CLASSES: Readonly<Record<Severity, string>> = {
  error: 'down',
  warning: 'degraded',
  info: 'inactive',
};

export interface EventListOptions {
  readonly now: number;
  /** Whether to link to the tunnels and name the accounts; false on the page of one tunnel. */
  readonly linked: boolean;
}

export function eventList(events: readonly TunnelEvent[], options: EventListOptions): Html {
  return html`<ul class="problems events">
    ${events.map((event) => eventItem(event, options))}
  </ul>`;
}

function eventItem(event: TunnelEvent, { now, linked }: EventListOptions): Html {
  const { kind, severity, message, tunnelId, accountName } = event;
  const link =
    linked && tunnelId !== undefined
      ? html` <a class="small keep" href="${tunnelPath(tunnelId)}">details</a>`
      : NOTHING;
  const account =
    linked && accountName !== '' ? html` <bdi class="quiet small">${visible(accountName)}</bdi>` : NOTHING;
  return html`<li>
    <span class="status ${SEVERITY_CLASSES[severity]}" title="${kind}">${severity}</span>
    <span
      ><span class="quiet keep" title="${formatTime(event.at)}">${formatDuration(now - event.at)} ago</span>
      <bdi>${visible(message)}</bdi>${link}${account}</span
    >
  </li>`;
}
