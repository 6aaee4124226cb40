import { nameOfAccount } from '../core/event-text.ts';
import type { EventHistory, TunnelEvent } from '../core/events.ts';
import { servingConnections } from '../core/model.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import { accountProblems, listedAtOf } from './account-problems.ts';
import { formatCount, formatDuration } from './format.ts';
import {
  eventList,
  isolatedName,
  statusChip,
  targetsLine,
  tunnelPath,
  upOrDownForAndSince,
} from './fragments.ts';
import { NOTHING, SEPARATOR, html, joined, visible, type Html } from './html.ts';
import { pageParts, REFRESH_SECONDS } from './page-frame.ts';
import { STATUSES_WORST_FIRST, countByStatus, shownTunnels, troubledTunnels } from './shown-tunnels.ts';
import { filterPath, selectsAccount, selectsAll, selectsTunnel, type TunnelFilter } from './tunnel-filter.ts';
import { accountParts } from './tunnel-table.ts';

export interface StatusPageOptions {
  readonly version: string;
  readonly telemetryPath: string;
  readonly readiness: { readonly ready: boolean; readonly reason: string };
  /** A list of tunnels older than this is late. */
  readonly lateAfterMs: number;
  readonly events: EventHistory;
  readonly filter: TunnelFilter;
}

const FIRST_POLL_REFRESH_SECONDS = 5;
/** Others are only in the tables. */
const MAX_TROUBLED = 20;
const MAX_CHANGES = 10;

/**
 * The page of all accounts: first what needs attention, then every tunnel, worst first. Made in parts,
 * because the page of a large fleet would block the event loop.
 */
export function statusPageParts(
  snapshot: Snapshot,
  now: number,
  options: StatusPageOptions,
): Generator<string> {
  const refreshSeconds = hasPolled(snapshot) ? REFRESH_SECONDS : FIRST_POLL_REFRESH_SECONDS;
  return pageParts(
    {
      title: titleOf(snapshot),
      heading: html`Cloudflare tunnels`,
      facts: headerFacts(snapshot, now, options),
      footer: pageFooter(options, refreshSeconds),
      refreshSeconds,
      version: options.version,
      now,
    },
    contentParts(snapshot, now, options),
  );
}

function* contentParts(snapshot: Snapshot, now: number, options: StatusPageOptions): Generator<string> {
  if (!hasPolled(snapshot)) {
    yield html`<section class="notice"><p>The first poll has not finished yet.</p></section>`.markup;
    return;
  }
  yield overview(snapshot, now, options).markup;
  const isFiltered = !selectsAll(options.filter);
  for (const [id, shown] of shownTunnels(snapshot, options.filter)) {
    const account = snapshot.accounts.get(id);
    if (account !== undefined) yield* accountParts(account, now, { shown, isFiltered });
  }
}

/** Whether any account was listed, or any attempt has failed. */
function hasPolled(snapshot: Snapshot): boolean {
  return [...snapshot.accounts.values()].some(({ up }) => up !== undefined);
}

function allTunnels(snapshot: Snapshot): readonly TunnelState[] {
  return [...snapshot.accounts.values()].flatMap((account) => [...account.tunnels.values()]);
}

function titleOf(snapshot: Snapshot): string {
  const counts = countByStatus(allTunnels(snapshot));
  const problems = (['down', 'degraded', 'unknown'] as const).filter((status) => counts.has(status));
  return [...problems.map((status) => `${counts.get(status)} ${status}`), 'Cloudflare tunnels'].join(' · ');
}

function headerFacts(snapshot: Snapshot, now: number, { readiness }: StatusPageOptions): Html {
  const times = [...snapshot.accounts.values()].map(listedAtOf).filter((at) => at !== undefined);
  const age = times.length === 0 ? 'no data yet' : `data ${formatDuration(now - Math.min(...times))} old`;
  const ready = readiness.ready
    ? html`<span class="status healthy">ready</span>`
    : html`<span><span class="status down">not ready</span> ${visible(readiness.reason)}</span>`;
  return html`${ready}<span>${age}</span>`;
}

function overview(snapshot: Snapshot, now: number, options: StatusPageOptions): Html {
  const { filter } = options;
  return html`${tiles(selectedTunnels(snapshot, { ...filter, statuses: [] }), filter)}
  ${selectsAll(filter) ? NOTHING : filterNotice(filter)} ${problemSection(snapshot, now, options)}
  ${recentChanges(now, options)}`;
}

function selectedTunnels(snapshot: Snapshot, filter: TunnelFilter): readonly TunnelState[] {
  return allTunnels(snapshot).filter(
    ({ tunnel }) => selectsAccount(filter, tunnel.accountId) && selectsTunnel(filter, tunnel),
  );
}

function tiles(tunnels: readonly TunnelState[], filter: TunnelFilter): Html {
  const counts = countByStatus(tunnels);
  const all = { count: tunnels.length, path: filterPath({ ...filter, statuses: [] }) };
  return html`<dl class="tiles">
    ${STATUSES_WORST_FIRST.map((status) =>
      tile(status, { count: counts.get(status) ?? 0, path: filterPath({ ...filter, statuses: [status] }) }),
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
  const conditions = [
    ...statuses.map((status) => html`status ${status}`),
    ...accountIds.map((id) => html`account <code>${visible(id)}</code>`),
    ...names.map((name) => html`name ${isolatedName(name)}`),
  ];
  return html`<section class="notice">
    <p>Only tunnels with ${joined(conditions, SEPARATOR)} are shown. <a href="/">Show all</a></p>
  </section>`;
}

function recentChanges(now: number, { events, filter }: StatusPageOptions): Html {
  const selected = events.events.filter((event) => selectsEvent(event, filter));
  const newest = selected.slice(-MAX_CHANGES).toReversed();
  const more = selected.length - newest.length;
  const rest =
    more === 0
      ? NOTHING
      : html`<span class="quiet small"
          >and ${more} earlier ones in <a href="/api/v1/events">/api/v1/events</a></span
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

/** Ignores the statuses of the filter, because they are about the present and events are about the past. */
function selectsEvent({ accountId, tunnelName }: TunnelEvent, { accountIds, names }: TunnelFilter): boolean {
  if (accountIds.length > 0 && !accountIds.includes(accountId ?? '')) return false;
  return names.length === 0 || (tunnelName !== undefined && names.includes(tunnelName.toWellFormed()));
}

function problemSection(snapshot: Snapshot, now: number, { lateAfterMs, filter }: StatusPageOptions): Html {
  const selected = [...snapshot.accounts.values()].filter(({ id }) => selectsAccount(filter, id));
  const accounts = selected.flatMap((account) =>
    accountProblems(account, { now, lateAfterMs }).map((problem) => accountProblem(account, problem)),
  );
  const troubled = troubledTunnels(selectedTunnels(snapshot, filter));
  const tunnels = troubled.slice(0, MAX_TROUBLED).map((state) => tunnelProblem(state, now, snapshot));
  if (accounts.length + tunnels.length === 0)
    return html`<section class="notice calm">
      <p>Nothing ${selectsAll(filter) ? '' : 'in this selection '}needs attention.</p>
    </section>`;
  const more =
    troubled.length > tunnels.length
      ? html`<li>
          <span></span><span>and ${formatCount(troubled.length - tunnels.length, 'more tunnel')} below</span>
        </li>`
      : NOTHING;
  const hint =
    accounts.length > 0
      ? html`<span class="quiet small">the exporter's log gives the reasons</span>`
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

function accountProblem(account: AccountState, problem: string): Html {
  return html`<li>
    <span class="status down">account</span><span>${isolatedName(nameOfAccount(account))} ${problem}</span>
  </li>`;
}

function tunnelProblem(state: TunnelState, now: number, { accounts }: Snapshot): Html {
  const { tunnel, connectors } = state;
  const left =
    tunnel.status === 'degraded' && connectors.value !== undefined
      ? [html`${formatCount(connectors.value.flatMap(servingConnections).length, 'connection')} left`]
      : [];
  const account = accounts.size > 1 ? accounts.get(tunnel.accountId) : undefined;
  const accountName = account ? [html`<bdi class="quiet">${visible(nameOfAccount(account))}</bdi>`] : [];
  const facts = [html`${upOrDownForAndSince(tunnel, now)}`, ...left, ...accountName].filter(
    ({ markup }) => markup !== '',
  );
  return html`<li>
    ${statusChip(tunnel.status)}
    <span
      ><a href="${tunnelPath(tunnel.id)}">${isolatedName(tunnel.name)}</a> ${joined(facts, SEPARATOR)}${targetsLine(state, 'behind it:')}</span
    >
  </li>`;
}

function pageFooter({ telemetryPath }: StatusPageOptions, refreshSeconds: number): Html {
  const links = [telemetryPath, '/api/v1/tunnels', '/api/v1/events', '/livez', '/readyz'].map(
    (path) => html`<a href="${path}">${path}</a>`,
  );
  return html`<footer>
    <nav class="links" aria-label="Other pages">${links}</nav>
    <span class="quiet small"
      >This page refreshes every ${refreshSeconds} seconds. Loading it sends no request to Cloudflare.</span
    >
  </footer>`;
}
