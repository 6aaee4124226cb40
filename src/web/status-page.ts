import { createHash } from 'node:crypto';
import { servingConnections } from '../core/serving.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import {
  STATUSES_WORST_FIRST,
  accountProblems,
  allTunnels,
  countByStatus,
  hasPolled,
  oldestListedAt,
  troubledTunnels,
} from './fleet.ts';
import { NOTHING, SEPARATOR, html, joined, visible } from './html.ts';
import type { Html } from './html.ts';
import { STATUS_STYLE } from './status-style.ts';
import { accountParts } from './tunnel-table.ts';
import { anchorOf, nameOf, sinceWordsInFull, statusChip } from './tunnel-words.ts';
import { counted, durationWords, minuteWords } from './words.ts';

export interface StatusPageOptions {
  readonly version: string;
  readonly telemetryPath: string;
  readonly readiness: { readonly ready: boolean; readonly reason: string };
  /** A list of tunnels older than this is called late. */
  readonly lateAfterMs: number;
}

/** Not by the template: the hash below is of exactly these characters. */
const STYLE: Html = { markup: `<style>${STATUS_STYLE}</style>` };
const styleHash = createHash('sha256').update(STATUS_STYLE).digest('base64');

/** Nothing but the page's own style: no script, image, font, form or frame. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const REFRESH_SECONDS = 30;
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
  if (polled) for (const account of snapshot.accounts.values()) yield* accountParts(account, now);
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
  return html`${tiles(allTunnels(snapshot))} ${problemSection(snapshot, now, options)}`;
}

function tiles(tunnels: readonly TunnelState[]): Html {
  const counts = countByStatus(tunnels);
  return html`<dl class="tiles">
    ${STATUSES_WORST_FIRST.map((status) => tile(status, counts[status]))}${tile('all', tunnels.length)}
  </dl>`;
}

function tile(label: string, count: number): Html {
  return html`<div class="tile ${count === 0 ? 'none' : 'some'} ${label}">
    <dt>${label}</dt>
    <dd>${count}</dd>
  </div>`;
}

function problemSection(snapshot: Snapshot, now: number, { lateAfterMs }: StatusPageOptions): Html {
  const accounts = [...snapshot.accounts.values()].flatMap((account) =>
    accountProblems(account, { now, lateAfterMs }).map((problem) => accountProblem(account, problem)),
  );
  const troubled = troubledTunnels(snapshot);
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

function tunnelProblem({ tunnel, connectors }: TunnelState, now: number, { accounts }: Snapshot): Html {
  const left =
    tunnel.status === 'degraded' && connectors.value !== undefined
      ? [html`${counted(connectors.value.flatMap(servingConnections).length, 'connection')} left`]
      : [];
  const account = accounts.size > 1 ? [accountName(accounts.get(tunnel.accountId), tunnel.accountId)] : [];
  const facts = [html`${sinceWordsInFull(tunnel, now)}`, ...left, ...account].filter(
    ({ markup }) => markup !== '',
  );
  return html`<li>
    ${statusChip(tunnel.status)}
    <span><a href="#${anchorOf(tunnel)}">${nameOf(tunnel.name)}</a> ${joined(facts, SEPARATOR)}</span>
  </li>`;
}

function accountName(account: AccountState | undefined, id: string): Html {
  const name = account?.name ?? '';
  return html`<bdi class="quiet">${visible(name === '' ? id : name)}</bdi>`;
}

function pageFooter({ telemetryPath }: StatusPageOptions, refreshSeconds: number): Html {
  const links = [telemetryPath, '/api/v1/tunnels', '/livez', '/readyz'].map(
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
