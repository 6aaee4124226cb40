import type { Severity, TunnelEvent } from '../core/events.ts';
import { html, NOTHING, visible } from './html.ts';
import type { Html } from './html.ts';
import { tunnelPath } from './tunnel-words.ts';
import { durationWords, minuteWords } from './words.ts';

/** Severities have the colours of the statuses that they are about. */
const CLASSES: Readonly<Record<Severity, string>> = { error: 'down', warning: 'degraded', info: 'inactive' };

export interface EventListOptions {
  readonly now: number;
  /** Whether to link to the tunnels and to name the accounts: not on the page of one tunnel. */
  readonly linked: boolean;
}

/** Events for a person, in the order given. */
export function eventList(events: readonly TunnelEvent[], options: EventListOptions): Html {
  return html`<ul class="problems events">
    ${events.map((event) => eventItem(event, options))}
  </ul>`;
}

function eventItem(event: TunnelEvent, { now, linked }: EventListOptions): Html {
  const { kind, severity, message, tunnelId, accountName } = event;
  const link =
    linked && tunnelId !== undefined
      ? html` <a class="small keep" href="${tunnelPath(tunnelId)}">its page</a>`
      : NOTHING;
  const account =
    linked && accountName !== '' ? html` <bdi class="quiet small">${visible(accountName)}</bdi>` : NOTHING;
  return html`<li>
    <span class="status ${CLASSES[severity]}" title="${kind}">${severity}</span>
    <span
      ><span class="quiet keep" title="${minuteWords(event.at)}">${durationWords(now - event.at)} ago</span>
      <bdi>${visible(message)}</bdi>${link}${account}</span
    >
  </li>`;
}
