import { behind, targetsOf } from './routes.ts';
import { hasFailedOver, hasNewStatus, connectorMoves } from './changes.ts';
import { affecting, type Change, type EventKind, remembering, type Severity } from './events.ts';
import { nameOfAccount, nameOfTunnel, shortId, sinceOf, firstFew, formatSpan } from './event-text.ts';
import { type ExpectedTunnel, isKnownPresent } from './expected.ts';
import {
  type Connector,
  type HaStatus,
  type KnownTunnelType,
  type TunnelStatus,
  hasNoConnections,
} from './model.ts';
import type { AccountState, Snapshot, TunnelState } from './snapshot.ts';

export interface EventContext {
  readonly expected: readonly ExpectedTunnel[];
  /** The tunnel types asked for. */
  readonly types: readonly KnownTunnelType[];
}

/**
 * What changed between two snapshots that follow each other, in order. Compares with what was known before, shown or
 * not: a list that failed, or data that became too old to show and came back, is no change. What is observed for the
 * first time is none either.
 */
export function eventsBetween(
  before: Snapshot,
  after: Snapshot,
  { expected, types }: EventContext,
): readonly Change[] {
  const changes: Change[] = [];
  for (const account of after.accounts.values()) {
    const known = before.accounts.get(account.id);
    if (known !== undefined && known !== account)
      changes.push(...accountChanges(known, account, after.takenAt));
  }
  if (expected.length > 0 && before.accounts !== after.accounts) {
    for (const declared of expected) changes.push(...expectedChanges(declared, { before, after, types }));
  }
  return changes;
}

function accountChanges(before: AccountState, after: AccountState, at: number): readonly Change[] {
  const changes: Change[] = [...lossChanges(before, after, at)];
  let created = 0;
  // What was observed in the step that hid a tunnel counts, too.
  for (const [id, state] of after.hidden.size === 0 ? after.tunnels : [...after.tunnels, ...after.hidden]) {
    const known = before.tunnels.get(id) ?? before.hidden.get(id);
    if (known === state) continue;
    const about = aboutTunnel(after, state, at);
    if (known !== undefined) {
      changes.push(...tunnelChanges(known, state, about));
      continue;
    }
    created += 1;
    if (before.everListed.has(state.tunnel.type)) changes.push(creation(state, about));
  }
  const remembered = after.tunnels.size + after.hidden.size - created;
  if (remembered === before.tunnels.size + before.hidden.size) return changes;
  for (const [id, state] of [...before.tunnels, ...before.hidden]) {
    if (after.tunnels.has(id) || after.hidden.has(id)) continue;
    changes.push(deletion(state, aboutTunnel(before, state, at)));
  }
  return changes;
}

/** An event from what makes it differ from others. */
type About = (
  kind: EventKind,
  severity: Severity,
  parts: Pick<Change, 'message'> & Partial<Change>,
) => Change;

const NOTHING_MORE = {
  from: undefined,
  to: undefined,
  affected: [],
  affectedCount: 0,
  lastConnectors: undefined,
  lastObservedAt: undefined,
} as const;

function aboutAccount({ id, name }: AccountState, at: number): About {
  const common = { at, accountId: id, accountName: name, tunnelId: undefined, tunnelName: undefined };
  return (kind, severity, parts) => ({ ...NOTHING_MORE, ...common, ...parts, kind, severity });
}

function aboutTunnel(account: AccountState, { tunnel }: TunnelState, at: number): About {
  const ofAccount = aboutAccount(account, at);
  const common = { tunnelId: tunnel.id, tunnelName: tunnel.name };
  return (kind, severity, parts) => ofAccount(kind, severity, { ...common, ...parts });
}

/** Whether a list that was once complete is now too old to show. */
function isLost({ everListed, listedAt }: AccountState): boolean {
  for (const type of everListed) if (!listedAt.has(type)) return true;
  return false;
}

function lossChanges(before: AccountState, after: AccountState, at: number): readonly Change[] {
  if (before.listedAt === after.listedAt || isLost(before) === isLost(after)) return [];
  const about = aboutAccount(after, at);
  const name = `account ${nameOfAccount(after)}`;
  if (!isLost(after)) return [about('account_recovered', 'info', { message: `${name} is listed again` })];
  const age = at - Math.min(...before.listedAt.values());
  return [
    about('account_lost', 'error', {
      message: `${name} is lost: its last complete list is ${formatSpan(age)} old, its tunnels are no longer shown`,
    }),
  ];
}

/** Created longer ago than this, a tunnel was not created just now: it was renamed, or has become visible to the token. */
const NEW_MS = 3_600_000;

function creation({ tunnel }: TunnelState, about: About): Change {
  const name = nameOfTunnel(tunnel);
  const event = about('tunnel_created', 'info', { to: tunnel.status, message: `${name} was created` });
  const ageMs = event.at - (tunnel.createdAt ?? event.at);
  return ageMs < NEW_MS
    ? event
    : { ...event, message: `${name} is listed now; it was created ${formatSpan(ageMs)} ago` };
}

function deletion(state: TunnelState, about: About): Change {
  const { tunnel } = state;
  const targets = targetsOf(behind(state));
  return about('tunnel_deleted', 'warning', {
    from: tunnel.status,
    message: `${nameOfTunnel(tunnel)} was deleted (was ${tunnel.status})${behindWords(targets)}`,
    ...affecting(targets),
  });
}

function tunnelChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  return [
    ...nameChanges(before, after, about),
    ...statusChanges(before, after, about),
    ...connectorChanges(before, after, about),
    ...haChanges(before, after, about),
    ...configurationChanges(before, after, about),
  ];
}

function nameChanges(before: TunnelState, { tunnel }: TunnelState, about: About): readonly Change[] {
  const from = before.tunnel.name;
  if (from === tunnel.name) return [];
  const message = `${nameOfTunnel(before.tunnel)} was renamed to ${nameOfTunnel(tunnel)}`;
  return [about('tunnel_renamed', 'info', { from, to: tunnel.name, message })];
}

const STATUS_SEVERITY: Readonly<Record<TunnelStatus, Severity>> = {
  healthy: 'info',
  inactive: 'info',
  degraded: 'warning',
  unknown: 'warning',
  down: 'error',
};

function statusChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  if (!hasNewStatus(before.tunnel, after.tunnel)) return [];
  const from = before.tunnel.status;
  const to = after.tunnel.status;
  const severity = STATUS_SEVERITY[to];
  const targets = targetsOf(behind(after));
  const event = about('status_changed', severity, {
    from,
    to,
    message: '',
    ...affecting(targets),
    ...(to === 'down' ? remembering(after.lastServing) : {}),
  });
  const since = sinceOf(before);
  const lasted = since === undefined || since > event.at ? '' : ` for ${formatSpan(event.at - since)}`;
  const affected = severity === 'info' ? '' : behindWords(targets);
  return [{ ...event, message: `${nameOfTunnel(after.tunnel)} is ${to} (was ${from}${lasted})${affected}` }];
}

const MOST_NAMED = 2;

function behindWords(targets: readonly string[]): string {
  return targets.length === 0 ? '' : `; behind it: ${firstFew(targets, MOST_NAMED)}`;
}

function connectorChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  if (
    before.knownConnectors === undefined ||
    after.knownConnectors === undefined ||
    before.knownConnectors === after.knownConnectors
  )
    return [];
  // That it has lost them all is what the status says.
  if (hasNoConnections(after.tunnel.status)) return [];
  const name = nameOfTunnel(after.tunnel);
  const { connected, disconnected, replaced } = connectorMoves(before.knownConnectors, after.knownConnectors);
  return [
    ...replaced.map(({ from, to }) =>
      about('connector_replaced', 'info', {
        from: from.id,
        to: to.id,
        message: `${name}: connector ${described(from)} was replaced by ${described(to)}`,
      }),
    ),
    ...disconnected.map((connector) =>
      about('connector_disconnected', 'warning', {
        from: connector.id,
        message: `${name}: connector ${described(connector)} disconnected`,
      }),
    ),
    ...connected.map((connector) =>
      about('connector_connected', 'info', {
        to: connector.id,
        message: `${name}: connector ${described(connector)} connected`,
      }),
    ),
  ];
}

function described({ id, version }: Connector): string {
  return version === undefined ? shortId(id) : `${shortId(id)} (${version})`;
}

function haChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  const from = before.lastActiveConnector;
  const to = after.lastActiveConnector;
  const name = nameOfTunnel(after.tunnel);
  const failedOver = hasFailedOver(from, to);
  const failover = failedOver
    ? [
        about('ha_failover', 'warning', {
          from,
          to,
          message: `${name} failed over from connector ${shortId(from ?? '')} to ${shortId(to ?? '')}`,
        }),
      ]
    : [];
  if (
    before.knownConnectors === undefined ||
    after.knownConnectors === undefined ||
    before.knownConnectors === after.knownConnectors
  )
    return failover;
  const known = new Map(before.knownConnectors.map(({ id, haStatus }) => [id, haStatus]));
  /** What a failover already says. */
  const isExplained = (id: string, haStatus: HaStatus): boolean =>
    failedOver && ((id === to && haStatus === 'active') || (id === from && haStatus === 'passive'));
  const changed = after.knownConnectors.flatMap(({ id, haStatus }) => {
    const was = known.get(id);
    if (was === undefined || haStatus === undefined || was === haStatus || isExplained(id, haStatus))
      return [];
    return [
      about('ha_status_changed', haStatus === 'offline' ? 'warning' : 'info', {
        from: was,
        to: haStatus,
        message: `${name}: connector ${shortId(id)} is ${haStatus} (was ${was})`,
      }),
    ];
  });
  return [...failover, ...changed];
}

function configurationChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  const from = before.knownConfiguration?.version;
  const to = after.knownConfiguration?.version;
  if (from === undefined || to === undefined || from === to) return [];
  const was = new Set(behind(before).hostnames);
  const is = new Set(behind(after).hostnames);
  const added = [...is].filter((hostname) => !was.has(hostname));
  const removed = [...was].filter((hostname) => !is.has(hostname));
  const words = [
    ...(added.length === 0 ? [] : [`added ${firstFew(added, MOST_NAMED)}`]),
    ...(removed.length === 0 ? [] : [`removed ${firstFew(removed, MOST_NAMED)}`]),
  ];
  const name = nameOfTunnel(after.tunnel);
  return [
    about('configuration_changed', 'info', {
      from: String(from),
      to: String(to),
      message: [`configuration of ${name} changed from version ${from} to ${to}`, ...words].join('; '),
      ...affecting([...added, ...removed]),
    }),
  ];
}

function expectedChanges(
  declared: ExpectedTunnel,
  {
    before,
    after,
    types,
  }: { readonly before: Snapshot; readonly after: Snapshot } & Pick<EventContext, 'types'>,
): readonly Change[] {
  const was = isKnownPresent(before, declared, types);
  const is = isKnownPresent(after, declared, types);
  if (was === undefined || is === undefined || was === is) return [];
  const account = declared.accountId === undefined ? undefined : after.accounts.get(declared.accountId);
  return [
    {
      ...NOTHING_MORE,
      kind: is ? 'expected_found' : 'expected_missing',
      severity: is ? 'info' : 'error',
      at: after.takenAt,
      accountId: declared.accountId,
      accountName: account?.name ?? '',
      tunnelId: undefined,
      tunnelName: declared.tunnel,
      message: `expected tunnel ${declared.tunnel} is ${is ? 'listed again' : 'no longer listed'}`,
    },
  ];
}
