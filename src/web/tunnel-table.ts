import { UNKNOWN_COLO } from '../core/colo.ts';
import { HA_STATUSES } from '../core/model.ts';
import type { Connector } from '../core/model.ts';
import { hasDetails, hasNoConnections, servingConnections, servingConnectors } from '../core/serving.ts';
import type { AccountState, TunnelState } from '../core/snapshot.ts';
import { listedAtOf, worstFirst } from './fleet.ts';
import { NOTHING, SEPARATOR, html, joined, visible } from './html.ts';
import type { Html } from './html.ts';
import { anchorOf, nameOf, shortId, sinceWords, statusChip } from './tunnel-words.ts';
import { counted, durationWords } from './words.ts';

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

const NONE = html`<span class="quiet nothing">–</span>`;

/** An account with all its tunnels in a table, a row at a time. */
export function* accountParts(account: AccountState, now: number): Generator<string> {
  const heading = `account-${encodeURIComponent(account.id.toWellFormed())}`;
  yield html`<section aria-labelledby="${heading}">
    <div class="title">
      <h2 id="${heading}">${accountTitle(account)}</h2>
      <span class="quiet small">${accountFacts(account, now)}</span>
    </div>`.markup;
  if (account.tunnels.size === 0) yield noTunnels(account).markup;
  else yield* tableParts(account, now);
  yield '</section> ';
}

function accountTitle({ id, name }: AccountState): Html {
  return name === '' ? html`Account <code>${visible(id)}</code>` : nameOf(name);
}

function accountFacts(account: AccountState, now: number): Html {
  const listedAt = listedAtOf(account);
  const id = account.name === '' ? [] : [html`<code>${visible(account.id)}</code>`];
  const listed =
    listedAt === undefined
      ? []
      : [html`${counted(account.tunnels.size, 'tunnel')}`, html`listed ${durationWords(now - listedAt)} ago`];
  return joined([...id, ...listed], SEPARATOR);
}

function noTunnels(account: AccountState): Html {
  return listedAtOf(account) === undefined
    ? html`<p class="quiet">No list of tunnels to show.</p>`
    : html`<p class="quiet">No tunnels: the account has none, or the settings select none.</p>`;
}

function* tableParts(account: AccountState, now: number): Generator<string> {
  const tunnels = worstFirst(account.tunnels.values());
  const columns = [...COLUMNS, ...(tunnels.some(hasHa) ? [HA_COLUMN] : []), AGE_COLUMN];
  const headings = columns.map(
    ({ label, className = '' }) => html`<th scope="col" class="${className}">${label}</th>`,
  );
  yield html`<table>
    <caption>
      Tunnels of account ${visible(account.name === '' ? account.id : account.name)}, worst first
    </caption>
    <thead>
      <tr>
        <th scope="col">Tunnel</th>
        ${headings}
      </tr>
    </thead>
    <tbody>`.markup;
  for (const state of tunnels) yield tunnelRow(state, now, { columns }).markup;
  yield '</tbody></table>';
}

function tunnelRow(
  state: TunnelState,
  now: number,
  { columns }: { readonly columns: readonly Column[] },
): Html {
  const { tunnel } = state;
  const cells = columns.map(
    ({ label, cell, className = '' }) =>
      html`<td data-label="${label}" class="${className}"><div>${cell(state, now)}</div></td>`,
  );
  return html`<tr id="${anchorOf(tunnel)}">
    <th scope="row">
      ${nameOf(tunnel.name)} <span class="quiet small keep">${shortId(tunnel.id)} ${tunnel.type}</span>
    </th>
    ${cells}
  </tr> `;
}

function statusCell({ tunnel }: TunnelState, now: number): Html {
  return html`${statusChip(tunnel.status)} <span class="small keep">${sinceWords(tunnel, now)}</span>`;
}

/** A tunnel listed without connections has no connectors; one never observed may have any number. */
function connectorsCell({ tunnel, connectors }: TunnelState): Html {
  if (connectors.value === undefined) return hasNoConnections(tunnel.status) ? html`0` : NONE;
  const serving = servingConnectors(connectors.value).length;
  const idle = connectors.value.length - serving;
  return idle === 0
    ? html`${serving}`
    : html`${serving} <span class="small quiet keep">+ ${idle} idle</span>`;
}

function connectionsCell({ connectors }: TunnelState): Html {
  if (connectors.value === undefined) return NONE;
  const colos = connectors.value.flatMap(servingConnections).map(({ colo }) => colo ?? UNKNOWN_COLO);
  const pending = connectors.value.flatMap(({ connections }) => connections).length - colos.length;
  const parts = [
    ...tally(colos),
    ...(pending === 0 ? [] : [html`<span class="late keep">${pending} reconnecting</span>`]),
  ];
  return parts.length === 0 ? html`none` : joined(parts, SEPARATOR);
}

function versionsCell({ connectors }: TunnelState): Html {
  const versions = (connectors.value ?? []).map(({ version }) => version ?? 'unknown');
  return versions.length === 0 ? NONE : joined(tally(versions), SEPARATOR);
}

/** `fra08 ×2`, the most frequent first. */
function tally(values: readonly string[]): readonly Html[] {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({
    value,
    count: all.length,
  }));
  return counts
    .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .map(({ value, count }) => html`<span class="tally"><code>${visible(value)}</code> ×${count}</span>`);
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

/** The active ones by id, for they carry the traffic; the others are counted. */
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

function ageCell({ tunnel, connectors }: TunnelState, now: number): Html {
  const { at, failingSince } = connectors;
  const failing =
    failingSince === undefined
      ? NOTHING
      : html` <span class="small late keep">failing for ${durationWords(now - failingSince)}</span>`;
  if (connectors.value !== undefined && at !== undefined)
    return html`${durationWords(now - at)} ago${failing}`;
  if (!hasDetails(tunnel.type) || hasNoConnections(tunnel.status)) return NONE;
  return html`<span class="quiet">not yet</span>${failing}`;
}
