import { nameOfAccount } from '../core/event-text.ts';
import {
  HA_STATUSES,
  type Connector,
  hasConnectionsEndpoint,
  hasNoConnections,
  servingConnectors,
} from '../core/model.ts';
import type { AccountState, LastServing, TunnelState } from '../core/snapshot.ts';
import { listedAtOf } from './account-problems.ts';
import { formatCount, formatDuration } from './format.ts';
import {
  coloTally,
  isolatedName,
  NONE,
  shortId,
  statusChip,
  tally,
  targetsLine,
  tunnelPath,
  upOrDownFor,
} from './fragments.ts';
import { NOTHING, SEPARATOR, html, joined, visible, type Html } from './html.ts';
import { STATUSES_WORST_FIRST, type ShownTunnels } from './shown-tunnels.ts';
import { EVERY_TUNNEL, filterPath } from './tunnel-filter.ts';

interface Column {
  readonly label: string;
  readonly cell: (state: TunnelState, now: number) => Html;
  readonly className?: string;
}

const COLUMNS: readonly Column[] = [
  { label: 'Status', cell: statusCell },
  { label: 'Connectors', cell: connectorsCell, className: 'count' },
  { label: 'Connections', cell: connectionsCell },
  { label: 'Versions', cell: versionsCell },
];
const HA_COLUMN: Column = { label: 'HA', cell: haCell };
const AGE_COLUMN: Column = { label: 'Observed', cell: ageCell };

/** The section of an account with the table of its tunnels, in parts. */
export function* accountParts(
  account: AccountState,
  now: number,
  { shown, isFiltered }: { readonly shown: ShownTunnels; readonly isFiltered: boolean },
): Generator<string> {
  const heading = `account-${encodeURIComponent(account.id.toWellFormed())}`;
  yield html`<section aria-labelledby="${heading}">
    <div class="title">
      <h2 id="${heading}">${accountTitle(account)}</h2>
      <span class="quiet small">${accountFacts(account, now)}</span>
    </div>`.markup;
  if (shown.rows.length > 0) yield* tableParts(account, now, shown.rows);
  if (shown.folded.size > 0) yield foldedTunnels(account, shown.folded).markup;
  if (shown.rows.length + shown.folded.size === 0) yield noTunnels(account, isFiltered).markup;
  yield '</section> ';
}

function accountTitle({ id, name }: AccountState): Html {
  return name === '' ? html`Account <code>${visible(id)}</code>` : isolatedName(name);
}

function accountFacts(account: AccountState, now: number): Html {
  const listedAt = listedAtOf(account);
  const id = account.name === '' ? [] : [html`<code>${visible(account.id)}</code>`];
  const listed =
    listedAt === undefined
      ? []
      : [
          html`${formatCount(account.tunnels.size, 'tunnel')}`,
          html`listed ${formatDuration(now - listedAt)} ago`,
        ];
  return joined([...id, ...listed], SEPARATOR);
}

/** Counts of the tunnels that have no row. Each is a link to a page that has their rows. */
function foldedTunnels({ id }: AccountState, folded: ShownTunnels['folded']): Html {
  const links = STATUSES_WORST_FIRST.flatMap((status) => {
    const count = folded.get(status);
    if (count === undefined) return [];
    const path = filterPath({ ...EVERY_TUNNEL, accountIds: [id], statuses: [status] });
    return [html`<a class="keep" href="${path}">${count} ${status}</a>`];
  });
  return html`<p class="folded">Not shown: ${joined(links, SEPARATOR)}</p>`;
}

function noTunnels(account: AccountState, isFiltered: boolean): Html {
  if (isFiltered && account.tunnels.size > 0)
    return html`<p class="quiet">No tunnel matches the filter. The account has ${formatCount(account.tunnels.size, 'tunnel')}.</p>`;
  return listedAtOf(account) === undefined
    ? html`<p class="quiet">No list of tunnels yet, or it is too old to show.</p>`
    : html`<p class="quiet">No tunnels: the account has none, or the settings select none.</p>`;
}

function* tableParts(account: AccountState, now: number, tunnels: readonly TunnelState[]): Generator<string> {
  const columns = [...COLUMNS, ...(tunnels.some(hasHa) ? [HA_COLUMN] : []), AGE_COLUMN];
  const headings = columns.map(
    ({ label, className = '' }) => html`<th scope="col" class="${className}">${label}</th>`,
  );
  yield html`<table>
    <caption>
      Tunnels of account ${visible(nameOfAccount(account))}, worst first
    </caption>
    <thead>
      <tr>
        <th scope="col">Tunnel</th>
        ${headings}
      </tr>
    </thead>
    <tbody>`.markup;
  for (const state of tunnels) yield tunnelRow(state, now, columns).markup;
  yield '</tbody></table>';
}

function tunnelRow(state: TunnelState, now: number, columns: readonly Column[]): Html {
  const { tunnel } = state;
  const cells = columns.map(
    ({ label, cell, className = '' }) =>
      html`<td data-label="${label}" class="${className}"><div>${cell(state, now)}</div></td>`,
  );
  return html`<tr id="tunnel-${encodeURIComponent(tunnel.id.toWellFormed())}">
    <th scope="row">
      <a href="${tunnelPath(tunnel.id)}">${isolatedName(tunnel.name)}</a>
      <span class="quiet small keep">${shortId(tunnel.id)} ${tunnel.type}</span>${targetsLine(state, 'leads to')}
    </th>
    ${cells}
  </tr> `;
}

function statusCell({ tunnel }: TunnelState, now: number): Html {
  return html`${statusChip(tunnel.status)} <span class="small keep">${upOrDownFor(tunnel, now)}</span>`;
}

/** 0 for a tunnel listed without connections; a dash for one whose connectors are unknown. */
function connectorsCell(state: TunnelState): Html {
  const { tunnel, connectors } = state;
  if (connectors.value === undefined) {
    const past = pastOf(state);
    if (past !== undefined)
      return html`0 <span class="small quiet keep">before ${past.connectors.length}</span>`;
    return hasNoConnections(tunnel.status) ? html`0` : NONE;
  }
  const serving = servingConnectors(connectors.value).length;
  const idle = connectors.value.length - serving;
  return idle === 0
    ? html`${serving}`
    : html`${serving} <span class="small quiet keep">+ ${idle} idle</span>`;
}

/** The last connectors of a tunnel that is down. */
function pastOf({ tunnel, lastServing }: TunnelState): LastServing | undefined {
  return hasNoConnections(tunnel.status) ? lastServing : undefined;
}

function connectionsCell(state: TunnelState): Html {
  const { connectors } = state;
  const past = pastOf(state);
  if (past !== undefined)
    return html`<span class="past">before ${joined(coloTally(past.connectors), SEPARATOR)}</span>`;
  if (connectors.value === undefined) return NONE;
  const all = connectors.value.flatMap(({ connections }) => connections);
  const pending = all.filter(({ pendingReconnect }) => pendingReconnect).length;
  const parts = [
    ...coloTally(connectors.value),
    ...(pending === 0 ? [] : [html`<span class="late keep">${pending} reconnecting</span>`]),
  ];
  return parts.length === 0 ? html`none` : joined(parts, SEPARATOR);
}

function versionsCell(state: TunnelState): Html {
  const past = pastOf(state);
  const connectors = past?.connectors ?? state.connectors.value ?? [];
  const versions = tally(connectors.map(({ version }) => version ?? 'unknown'));
  if (versions.length === 0) return NONE;
  const list = joined(versions, SEPARATOR);
  return past === undefined ? list : html`<span class="past">before ${list}</span>`;
}

function hasHa({ configuration, connectors }: TunnelState): boolean {
  return (
    configuration.value?.haMode !== undefined ||
    (connectors.value ?? []).some(({ haStatus }) => haStatus !== undefined)
  );
}

function haCell(state: TunnelState): Html {
  if (!hasHa(state)) return NONE;
  const mode = state.configuration.value?.haMode;
  const connectors = state.connectors.value ?? [];
  const parts = HA_STATUSES.flatMap((status) => {
    const matching = connectors.filter(({ haStatus }) => haStatus === status);
    return matching.length === 0 ? [] : [haPart(status, matching)];
  });
  const modePart = mode === undefined ? [] : [html`<span class="keep">mode ${mode}</span>`];
  return joined([...modePart, ...parts], SEPARATOR);
}

/** Active connectors carry the traffic, so they are named; others are counted. */
function haPart(status: string, connectors: readonly Connector[]): Html {
  if (status !== 'active') return html`<span class="keep">${connectors.length} ${status}</span>`;
  return html`<span
    >active
    ${joined(
      connectors.map(({ id }) => shortId(id)),
      html``,
    )}</span
  >`;
}

function ageCell(state: TunnelState, now: number): Html {
  const { tunnel, connectors } = state;
  const { at, failingSince } = connectors;
  const past = pastOf(state);
  if (past !== undefined) return html`<span class="past">last ${formatDuration(now - past.at)} ago</span>`;
  const failing =
    failingSince === undefined
      ? NOTHING
      : html` <span class="small late keep">failing for ${formatDuration(now - failingSince)}</span>`;
  if (connectors.value !== undefined && at !== undefined)
    return html`${formatDuration(now - at)} ago${failing}`;
  if (!hasConnectionsEndpoint(tunnel.type) || hasNoConnections(tunnel.status)) return NONE;
  return html`<span class="quiet">not yet</span>${failing}`;
}
