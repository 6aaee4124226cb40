import { behind } from '../core/behind.ts';
import type { TunnelEvent } from '../core/events.ts';
import type { Connector } from '../core/model.ts';
import { hasNoConnections, servingConnections } from '../core/serving.ts';
import type { AccountState, Snapshot, TunnelState } from '../core/snapshot.ts';
import { eventList } from './event-list.ts';
import { NOTHING, SEPARATOR, html, joined, visible } from './html.ts';
import type { Html } from './html.ts';
import { pageOf, type PageFrame } from './page-frame.ts';
import { tally } from './tunnel-table.ts';
import { filterPath, EVERY_TUNNEL } from './tunnel-filter.ts';
import { nameOf, sinceWordsInFull, statusChip } from './tunnel-words.ts';
import { counted, durationWords, minuteWords } from './words.ts';

export interface TunnelPageOptions extends PageFrame {
  readonly events: readonly TunnelEvent[];
  /** Whether addresses of origins are shown at all. */
  readonly showsOriginIps: boolean;
}

const MOST_EVENTS = 100;
const MOST_TARGETS = 200;

/** A tunnel by id, with its account; `undefined` if none of that id is shown. */
export function findTunnel(
  snapshot: Snapshot,
  id: string,
): { readonly account: AccountState; readonly state: TunnelState } | undefined {
  for (const account of snapshot.accounts.values()) {
    const state = account.tunnels.get(id);
    if (state !== undefined) return { account, state };
  }
  return undefined;
}

/**
 * One tunnel for a person: how it is, what is behind it, what was last observed of it, and what changed. `undefined` if
 * nothing is known of such a tunnel; one that is no longer listed still has its changes.
 */
export function tunnelPage(snapshot: Snapshot, id: string, options: TunnelPageOptions): string | undefined {
  const found = findTunnel(snapshot, id);
  const events = options.events.filter(({ tunnelId }) => tunnelId === id);
  const name = found?.state.tunnel.name ?? events.at(-1)?.tunnelName;
  if (name === undefined) return undefined;
  const changes = changesSection(id, events, options.now);
  const body =
    found === undefined
      ? html`<section class="notice"><p>This tunnel is not listed. It was deleted, or its account cannot be listed now.</p></section>${changes}`
      : html`${factsSection(found.account, found.state, options.now)}${behindSection(found.state)}
        ${connectorsSection(found.state, options)}${changes}`;
  const title = name === '' ? id : name;
  return pageOf({ title: `${title} · Cloudflare tunnels`, heading: nameOf(name), body }, options);
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

function factsSection(account: AccountState, { tunnel, configured }: TunnelState, now: number): Html {
  const accountName = account.name === '' ? account.id : account.name;
  const accountPath = filterPath({ ...EVERY_TUNNEL, accountIds: [account.id] });
  const version = configured?.version;
  return section(
    'now',
    'Now',
    facts([
      ['Status', html`${statusChip(tunnel.status)} ${sinceWordsInFull(tunnel, now)}`],
      ['Account', html`<a href="${accountPath}"><bdi>${visible(accountName)}</bdi></a>`],
      ['Tunnel id', html`<code>${visible(tunnel.id)}</code>`],
      ['Type', html`${tunnel.type}`],
      ['Created', tunnel.createdAt === undefined ? NOTHING : html`${minuteWords(tunnel.createdAt)}`],
      ['Configured', tunnel.configSource === '' ? NOTHING : html`${visible(tunnel.configSource)}`],
      ['Configuration', version === undefined ? NOTHING : html`version ${version}`],
    ]),
  );
}

function behindSection(state: TunnelState): Html {
  const { hostnames, privateHostnames, networks } = behind(state);
  const isKnown =
    state.configured !== undefined ||
    state.routes.network !== undefined ||
    state.routes.hostname !== undefined;
  if (hostnames.length + privateHostnames.length + networks.length === 0) {
    const words = isKnown
      ? 'No public host name of a remote configuration, and no private route.'
      : 'Not known yet.';
    return section('behind', 'Behind it', html`<p class="quiet">${words}</p>`);
  }
  return section(
    'behind',
    'Behind it',
    facts([
      ['Public host names', targetList(hostnames)],
      ['Private host names', targetList(privateHostnames)],
      ['Networks', targetList(networks)],
    ]),
  );
}

function targetList(targets: readonly string[]): Html {
  const more = targets.length - MOST_TARGETS;
  const named = joined(
    targets.slice(0, MOST_TARGETS).map((target) => html`<code>${visible(target)}</code>`),
    SEPARATOR,
  );
  return more > 0 ? html`${named} and ${more} more` : named;
}

function connectorsSection({ tunnel, connectors, last }: TunnelState, options: TunnelPageOptions): Html {
  const { now } = options;
  if (hasNoConnections(tunnel.status)) {
    if (last === undefined) {
      const words =
        tunnel.status === 'down'
          ? 'None. What it had before is not known: it was down when the exporter started.'
          : 'None.';
      return section('connectors', 'Connectors', html`<p class="quiet">${words}</p>`);
    }
    const words = `Last observed ${durationWords(now - last.at)} ago, at ${minuteWords(last.at)}. None of this is there now.`;
    return section(
      'connectors',
      'Connectors, as last seen',
      html`<p class="past">${words}</p>${connectorTable(last.connectors, options)}`,
    );
  }
  if (connectors.value === undefined || connectors.at === undefined)
    return section('connectors', 'Connectors', html`<p class="quiet">Not observed yet.</p>`);
  const words = `${counted(connectors.value.length, 'connector')}, observed ${durationWords(now - connectors.at)} ago.`;
  return section(
    'connectors',
    'Connectors',
    html`<p class="quiet">${words}</p>${connectorTable(connectors.value, options)}`,
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
  const serving = servingConnections(connector);
  const origins = [...new Set(connector.connections.flatMap(({ originIp }) => originIp ?? []))];
  const cells: Readonly<Record<string, Html>> = {
    Version: version === undefined ? NONE : html`<code>${visible(version)}</code>`,
    Platform: arch === undefined ? NONE : html`${visible(arch)}`,
    Started: startedAt === undefined ? NONE : html`${durationWords(now - startedAt)} ago`,
    Connections:
      serving.length === 0
        ? html`none`
        : joined(tally(serving.map(({ colo }) => colo ?? 'unknown')), SEPARATOR),
    HA: haStatus === undefined ? NONE : html`${haStatus}`,
    Origin: origins.length === 0 ? NONE : html`${visible(origins.join(', '))}`,
  };
  return html`<tr>
    <th scope="row"><code>${visible(id === '' ? '(no id)' : id)}</code></th>
    ${headings.map((heading) => html`<td data-label="${heading}"><div>${cells[heading] ?? NONE}</div></td>`)}
  </tr>`;
}

const NONE = html`<span class="quiet nothing">–</span>`;

function changesSection(id: string, events: readonly TunnelEvent[], now: number): Html {
  const newest = events.slice(-MOST_EVENTS).toReversed();
  const path = `/api/v1/events?tunnel_id=${encodeURIComponent(id.toWellFormed())}`;
  return section(
    'events',
    'What changed',
    newest.length === 0
      ? html`<p class="quiet">Nothing since the exporter started, as far as it remembers.</p>`
      : html`${eventList(newest, { now, linked: false })}
          <p class="small folded"><a href="${path}">These as JSON</a></p>`,
  );
}
