import type { EventHistory, TunnelEvent } from '../core/events.ts';
import { servingConnections } from '../core/serving.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import { behindWords } from './behind-words.ts';
import { eventList } from './event-list.ts';
import {
  STATUSES_WORST_FIRST,
  accountProblems,
  allTunnels,
  countByStatus,
  hasPolled,
  oldestListedAt,
  troubledTunnels,
} from './fleet.ts';
import { shownTunnels } from './folding.ts';
import { NOTHING, SEPARATOR, html, joined, visible } from './html.ts';
import type { Html } from './html.ts';
import { REFRESH_SECONDS, STYLE } from './page-frame.ts';
import { filterPath, isAccountAsked, isTunnelAsked, isWhole, type TunnelFilter } from './tunnel-filter.ts';
import { accountParts } from './tunnel-table.ts';
import { nameOf, sinceWordsInFull, statusChip, tunnelPath } from './tunnel-words.ts';
import { counted, durationWords, minuteWords } from './words.ts';

export interface StatusPageOptions {
  readonly version: string;
  readonly telemetryPath: string;
  readonly readiness: { readonly ready: boolean; readonly reason: string };
  /** A list of tunnels older than this is called late. */
  readonly lateAfterMs: number;
  readonly events: EventHistory;
  readonly filter: TunnelFilter;
}

const FIRST_POLL_REFRESH_SECONDS = 5;
/** In a great outage the tables below tell the rest. */
const MOST_TROUBLED_SHOWN = 20;

/**
 * The fleet for a person: what is wrong first, then every tunnel, worst first. Needs no script. In parts, for a fleet of
 * thousands is too much for one go.
 */
export function* statusPageParts(
  snapshot: Snapshot,
  now: number,
  options: StatusPageOptions,
): Generator<string> {
  const polled = hasPolled(snapshot);
  const refreshSeconds = polled ? REFRESH_SECONDS : FIRST_POLL_REFRESH_SECONDS;
  yield html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${refreshSeconds}" />
        <title>${titleOf(snapshot)}</title>
        ${STYLE}
      </head>
      <body>
        ${pageHeader(snapshot, now, options)}
        <main>${polled ? overview(snapshot, now, options) : firstPoll()}`.markup;
  if (polled) {
    const isFiltered = !isWhole(options.filter);
    for (const [id, shown] of shownTunnels(snapshot, options.filter)) {
      const account = snapshot.accounts.get(id);
      if (account !== undefined) yield* accountParts(account, now, { shown, isFiltered });
    }
  }
  yield html`</main>
        ${pageFooter(options, refreshSeconds)}
      </body>
    </html> `.markup;
}

function titleOf(snapshot: Snapshot): string {
  const counts = countByStatus(allTunnels(snapshot));
  const troubles = (['down', 'degraded', 'unknown'] as const).filter((status) => counts[status] > 0);
  return [...troubles.map((status) => `${counts[status]} ${status}`), 'Cloudflare tunnels'].join(' · ');
}

function pageHeader(snapshot: Snapshot, now: number, { version, readiness }: StatusPageOptions): Html {
  const listedAt = oldestListedAt(snapshot);
  const age = listedAt === undefined ? 'no data yet' : `data ${durationWords(now - listedAt)} old`;
  const ready = readiness.ready
    ? html`<span class="status healthy">ready</span>`
    : html`<span><span class="status down">not ready</span> ${visible(readiness.reason)}</span>`;
  return html`<header>
    <h1>Cloudflare tunnels</h1>
    <span class="quiet small">cloudflare-tunnel-exporter ${visible(version)}</span>
    <div class="facts">${ready}<span>${age}</span><span class="quiet small">${minuteWords(now)}</span></div>
  </header>`;
}

function firstPoll(): Html {
  return html`<section class="notice">
    <p>The first poll has not finished yet.</p>
  </section>`;
}

function overview(snapshot: Snapshot, now: number, options: StatusPageOptions): Html {
  const { filter } = options;
  return html`${tiles(askedTunnels(snapshot, { ...filter, statuses: [] }), filter)}
  ${isWhole(filter) ? NOTHING : filterNotice(filter)} ${problemSection(snapshot, now, options)}
  ${recentChanges(now, options)}`;
}

function askedTunnels(snapshot: Snapshot, filter: TunnelFilter): readonly TunnelState[] {
  return allTunnels(snapshot).filter(
    ({ tunnel }) => isAccountAsked(filter, tunnel.accountId) && isTunnelAsked(filter, tunnel),
  );
}

function tiles(tunnels: readonly TunnelState[], filter: TunnelFilter): Html {
  const counts = countByStatus(tunnels);
  const all = { count: tunnels.length, path: filterPath({ ...filter, statuses: [] }) };
  return html`<dl class="tiles">
    ${STATUSES_WORST_FIRST.map((status) =>
      tile(status, { count: counts[status], path: filterPath({ ...filter, statuses: [status] }) }),
    )}${tile('all', all)}
  </dl>`;
}

function tile(label: string, { count, path }: { readonly count: number; readonly path: string }): Html {
  return html`<div class="tile ${count === 0 ? 'none' : 'some'} ${label}">
    <dt>${label}</dt>
    <dd>${count === 0 ? html`0` : html`<a href="${path}">${count}</a>`}</dd>
  </div>`;
}

function filterNotice({ statuses, accountIds, names }: TunnelFilter): Html {
  const asked = [
    ...statuses.map((status) => html`status ${status}`),
    ...accountIds.map((id) => html`account <code>${visible(id)}</code>`),
    ...names.map((name) => html`name ${nameOf(name)}`),
  ];
  return html`<section class="notice">
    <p>Only tunnels with ${joined(asked, SEPARATOR)} are shown. <a href="/">Show all</a></p>
  </section>`;
}

const MOST_CHANGES_SHOWN = 10;

function recentChanges(now: number, { events, filter }: StatusPageOptions): Html {
  const asked = events.events.filter((event) => isEventAsked(event, filter));
  const newest = asked.slice(-MOST_CHANGES_SHOWN).toReversed();
  const more = asked.length - newest.length;
  const rest =
    more === 0
      ? NOTHING
      : html`<span class="quiet small"
          >and ${more} before, in <a href="/api/v1/events">/api/v1/events</a></span
        >`;
  return html`<section aria-labelledby="changes">
    <div class="title">
      <h2 id="changes">Recent changes</h2>
      ${rest}
    </div>
    ${
      newest.length === 0
        ? html`<p class="quiet">None since the exporter started.</p>`
        : eventList(newest, { now, linked: true })
    }
  </section>`;
}

/** A status is what a tunnel has now; what changed before is shown whatever it was. */
function isEventAsked({ accountId, tunnelName }: TunnelEvent, { accountIds, names }: TunnelFilter): boolean {
  if (accountIds.length > 0 && !accountIds.includes(accountId ?? '')) return false;
  return names.length === 0 || (tunnelName !== undefined && names.includes(tunnelName.toWellFormed()));
}

function problemSection(snapshot: Snapshot, now: number, { lateAfterMs, filter }: StatusPageOptions): Html {
  const asked = [...snapshot.accounts.values()].filter(({ id }) => isAccountAsked(filter, id));
  const accounts = asked.flatMap((account) =>
    accountProblems(account, { now, lateAfterMs }).map((problem) => accountProblem(account, problem)),
  );
  const troubled = troubledTunnels(askedTunnels(snapshot, filter));
  const tunnels = troubled.slice(0, MOST_TROUBLED_SHOWN).map((state) => tunnelProblem(state, now, snapshot));
  if (accounts.length + tunnels.length === 0)
    return html`<section class="notice calm"><p>Nothing needs attention.</p></section>`;
  const more =
    troubled.length > tunnels.length
      ? html`<li>
          <span></span><span>and ${counted(troubled.length - tunnels.length, 'tunnel')} more, below</span>
        </li>`
      : NOTHING;
  const hint =
    accounts.length > 0
      ? html`<span class="quiet small">the log of the exporter names the reasons</span>`
      : NOTHING;
  return html`<section class="troubled" aria-labelledby="problems">
    <div class="title">
      <h2 id="problems">Needs attention</h2>
      ${hint}
    </div>
    <ul class="problems">
      ${[...accounts, ...tunnels]}${more}
    </ul>
  </section>`;
}

function accountProblem({ id, name }: AccountState, problem: string): Html {
  return html`<li>
    <span class="status down">account</span><span>${nameOf(name === '' ? id : name)} ${problem}</span>
  </li>`;
}

function tunnelProblem(state: TunnelState, now: number, { accounts }: Snapshot): Html {
  const { tunnel, connectors } = state;
  const left =
    tunnel.status === 'degraded' && connectors.value !== undefined
      ? [html`${counted(connectors.value.flatMap(servingConnections).length, 'connection')} left`]
      : [];
  const account = accounts.size > 1 ? [accountName(accounts.get(tunnel.accountId), tunnel.accountId)] : [];
  const facts = [html`${sinceWordsInFull(tunnel, now)}`, ...left, ...account].filter(
    ({ markup }) => markup !== '',
  );
  const targets = behindWords(state);
  const leadsTo =
    targets === NOTHING ? NOTHING : html`<span class="small behind">behind it: ${targets}</span>`;
  return html`<li>
    ${statusChip(tunnel.status)}
    <span
      ><a href="${tunnelPath(tunnel.id)}">${nameOf(tunnel.name)}</a> ${joined(facts, SEPARATOR)}${leadsTo}</span
    >
  </li>`;
}

function accountName(account: AccountState | undefined, id: string): Html {
  const name = account?.name ?? '';
  return html`<bdi class="quiet">${visible(name === '' ? id : name)}</bdi>`;
}

function pageFooter({ telemetryPath }: StatusPageOptions, refreshSeconds: number): Html {
  const links = [telemetryPath, '/api/v1/tunnels', '/api/v1/events', '/livez', '/readyz'].map(
    (path) => html`<a href="${path}">${path}</a>`,
  );
  return html`<footer>
    <nav class="links" aria-label="Other pages">${links}</nav>
    <span class="quiet small"
      >This page refreshes itself every ${refreshSeconds} seconds; loading it asks Cloudflare for
      nothing.</span
    >
  </footer>`;
}
