import { nameOfAccount } from '../core/event-text.ts';
import { behind } from '../core/routes.ts';
import type { TunnelEvent } from '../core/events.ts';
import { type Connector, hasNoConnections } from '../core/model.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import { formatCount, formatDuration, formatTime } from './format.ts';
import {
  coloTally,
  eventList,
  isolatedName,
  NONE,
  statusChip,
  targetList,
  upOrDownForAndSince,
} from './fragments.ts';
import { NOTHING, SEPARATOR, html, joined, visible, type Html } from './html.ts';
import { pageParts } from './page-frame.ts';
import { filterPath, EVERY_TUNNEL } from './tunnel-filter.ts';

export interface TunnelPageOptions {
  readonly version: string;
  readonly now: number;
  readonly events: readonly TunnelEvent[];
  readonly showsOriginIps: boolean;
}

const MAX_EVENTS = 100;
const MAX_TARGETS = 200;

/**
 * The page of one tunnel, in parts. Undefined if no listed tunnel and no event has the id; a tunnel that
 * is no longer listed still has its events.
 */
export function tunnelPageParts(
  snapshot: Snapshot,
  id: string,
  options: TunnelPageOptions,
): Iterable<string> | undefined {
  const { version, now } = options;
  const account = [...snapshot.accounts.values()].find(({ tunnels }) => tunnels.has(id));
  const state = account?.tunnels.get(id);
  const events = options.events.filter(({ tunnelId }) => tunnelId === id);
  const name = state?.tunnel.name ?? events.at(-1)?.tunnelName;
  if (name === undefined) return undefined;
  const content =
    account === undefined || state === undefined
      ? html`<section class="notice"><p>This tunnel is not listed. It was deleted, or its account cannot be listed now.</p></section>`
      : html`${factsSection(account, state, now)}${behindSection(state)}${connectorsSection(state, options)}`;
  return pageParts(
    {
      title: `${name === '' ? id : name} · Cloudflare tunnels`,
      heading: isolatedName(name),
      headerLink: html`<a href="/">All tunnels</a>`,
      version,
      now,
    },
    [content.markup, changesSection(id, events, now).markup],
  );
}

function section(id: string, heading: string, body: Html): Html {
  return html`<section aria-labelledby="${id}">
    <div class="title"><h2 id="${id}">${heading}</h2></div>
    ${body}
  </section>`;
}

function facts(entries: readonly (readonly [string, Html])[]): Html {
  const shown = entries.filter(([, { markup }]) => markup !== '');
  return html`<dl class="facts-list">${shown.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}

function factsSection(account: AccountState, { tunnel, knownConfiguration }: TunnelState, now: number): Html {
  const accountPath = filterPath({ ...EVERY_TUNNEL, accountIds: [account.id] });
  const configuration = [
    ...(tunnel.configSource === '' ? [] : [html`${visible(tunnel.configSource)}`]),
    ...(knownConfiguration?.version === undefined ? [] : [html`version ${knownConfiguration.version}`]),
  ];
  return section(
    'now',
    'Now',
    facts([
      ['Status', html`${statusChip(tunnel.status)} ${upOrDownForAndSince(tunnel, now)}`],
      ['Account', html`<a href="${accountPath}"><bdi>${visible(nameOfAccount(account))}</bdi></a>`],
      ['Tunnel id', html`<code>${visible(tunnel.id)}</code>`],
      ['Type', html`${tunnel.type}`],
      ['Created', tunnel.createdAt === undefined ? NOTHING : html`${formatTime(tunnel.createdAt)}`],
      ['Configuration', joined(configuration, html`, `)],
    ]),
  );
}

function behindSection(state: TunnelState): Html {
  const { hostnames, privateHostnames, networks } = behind(state);
  const isKnown =
    state.knownConfiguration !== undefined ||
    state.routes.network !== undefined ||
    state.routes.hostname !== undefined;
  if (hostnames.length + privateHostnames.length + networks.length === 0) {
    const text = isKnown
      ? 'No public host name in a remote configuration, and no private route.'
      : 'Not known yet.';
    return section('behind', 'Behind it', html`<p class="quiet">${text}</p>`);
  }
  return section(
    'behind',
    'Behind it',
    facts([
      ['Public host names', targetList(hostnames, MAX_TARGETS)],
      ['Private host names', targetList(privateHostnames, MAX_TARGETS)],
      ['Networks', targetList(networks, MAX_TARGETS)],
    ]),
  );
}

function connectorsSection(
  { tunnel, connectors, lastServing }: TunnelState,
  options: TunnelPageOptions,
): Html {
  const { now } = options;
  if (hasNoConnections(tunnel.status)) {
    if (lastServing === undefined) {
      const text =
        tunnel.status === 'down'
          ? 'None. Its last connectors are unknown: the tunnel was already down when the exporter started.'
          : 'None.';
      return section('connectors', 'Connectors', html`<p class="quiet">${text}</p>`);
    }
    const text = `Observed ${formatDuration(now - lastServing.at)} ago, at ${formatTime(lastServing.at)}. None of these is connected now.`;
    return section(
      'connectors',
      'Last observed connectors',
      html`<p class="past">${text}</p>${connectorTable(lastServing.connectors, options)}`,
    );
  }
  if (connectors.value === undefined || connectors.at === undefined)
    return section('connectors', 'Connectors', html`<p class="quiet">Not observed yet.</p>`);
  const text = `${formatCount(connectors.value.length, 'connector')}, observed ${formatDuration(now - connectors.at)} ago.`;
  return section(
    'connectors',
    'Connectors',
    html`<p class="quiet">${text}</p>${connectorTable(connectors.value, options)}`,
  );
}

function connectorTable(connectors: readonly Connector[], { now, showsOriginIps }: TunnelPageOptions): Html {
  const hasHa = connectors.some(({ haStatus }) => haStatus !== undefined);
  const headings = [
    'Version',
    'Platform',
    'Started',
    'Connections',
    ...(hasHa ? ['HA'] : []),
    ...(showsOriginIps ? ['Origin'] : []),
  ];
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Connector</th>
        ${headings.map((heading) => html`<th scope="col">${heading}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${connectors.map((connector) => connectorRow(connector, { headings, now }))}
    </tbody>
  </table>`;
}

function connectorRow(
  connector: Connector,
  { headings, now }: { readonly headings: readonly string[]; readonly now: number },
): Html {
  const { id, version, arch, startedAt, haStatus } = connector;
  const colos = coloTally([connector]);
  const origins = [...new Set(connector.connections.flatMap(({ originIp }) => originIp ?? []))];
  const cells: Readonly<Record<string, Html>> = {
    Version: version === undefined ? NONE : html`<code>${visible(version)}</code>`,
    Platform: arch === undefined ? NONE : html`${visible(arch)}`,
    Started: startedAt === undefined ? NONE : html`${formatDuration(now - startedAt)} ago`,
    Connections: colos.length === 0 ? html`none` : joined(colos, SEPARATOR),
    HA: haStatus === undefined ? NONE : html`${haStatus}`,
    Origin: origins.length === 0 ? NONE : html`${visible(origins.join(', '))}`,
  };
  return html`<tr>
    <th scope="row"><code>${visible(id === '' ? '(no id)' : id)}</code></th>
    ${headings.map((heading) => html`<td data-label="${heading}"><div>${cells[heading] ?? NONE}</div></td>`)}
  </tr>`;
}

function changesSection(id: string, events: readonly TunnelEvent[], now: number): Html {
  const newest = events.slice(-MAX_EVENTS).toReversed();
  const path = `/api/v1/events?tunnel_id=${encodeURIComponent(id.toWellFormed())}`;
  return section(
    'events',
    'What changed',
    newest.length === 0
      ? html`<p class="quiet">No changes in the event history of the exporter.</p>`
      : html`${eventList(newest, { now, linked: false })}
          <p class="small folded"><a href="${path}">These changes as JSON</a></p>`,
  );
}
