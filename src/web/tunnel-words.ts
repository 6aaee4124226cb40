import type { ListedTunnel, TunnelStatus } from '../core/model.ts';
import { html, visible } from './html.ts';
import type { Html } from './html.ts';
import { durationWords, minuteWords } from './words.ts';

/** A word in a colour, never a colour alone. */
export function statusChip(status: TunnelStatus): Html {
  return html`<span class="status ${status}">${status}</span>`;
}

/** An untrusted name: isolated, so that its direction reorders nothing around it. */
export function nameOf(name: string): Html {
  return name === ''
    ? html`<span class="quiet">(no name)</span>`
    : html`<bdi class="name">${visible(name)}</bdi>`;
}

/** The first group of a UUID; the whole one when pointed at. */
export function shortId(id: string): Html {
  return html`<code title="${visible(id)}">${visible(id.slice(0, 8))}</code>`;
}

/** What a link to the tunnel's row names; good for an attribute as it is. */
export function anchorOf({ id }: ListedTunnel): string {
  return `tunnel-${encodeURIComponent(id.toWellFormed())}`;
}

/** The page of one tunnel; good for an attribute as it is. */
export function tunnelPath(id: string): string {
  return `/tunnels/${encodeURIComponent(id.toWellFormed())}`;
}

/** Since when a tunnel is up or down; `undefined` where the API does not say, and for one that was never connected. */
function sinceOf({ status, activeAt, inactiveAt }: ListedTunnel): { word: string; at: number } | undefined {
  const isUp =
    status === 'healthy' || status === 'degraded' || (status === 'unknown' && activeAt !== undefined);
  const at = isUp ? activeAt : inactiveAt;
  return at === undefined || status === 'inactive' ? undefined : { word: isUp ? 'up' : 'down', at };
}

/** `down for 2 h 13 min`; '' where nothing is known. */
export function sinceWords(tunnel: ListedTunnel, now: number): string {
  if (tunnel.status === 'inactive') return 'never connected';
  const since = sinceOf(tunnel);
  return since === undefined ? '' : `${since.word} for ${durationWords(now - since.at)}`;
}

/** `down for 2 h 13 min, since 2026-03-01 09:47 UTC`: what other records can be compared with. */
export function sinceWordsInFull(tunnel: ListedTunnel, now: number): string {
  const since = sinceOf(tunnel);
  return since === undefined
    ? sinceWords(tunnel, now)
    : `${sinceWords(tunnel, now)}, since ${minuteWords(since.at)}`;
}
