import { connectorMoves, hasFailedOver, hasNewStatus } from './changes.ts';
import { firstFew, formatSpan, nameOfTunnel, shortId, sinceOf } from './event-text.ts';
import { type About, affecting, type Change, remembering, type Severity } from './events.ts';
import { type Connector, type HaStatus, hasNoConnections, type TunnelStatus } from './model.ts';
import { behind, targetsOf } from './routes.ts';
import type { TunnelState } from './snapshot.ts';

/** A tunnel older than this is not new: it was renamed, or became visible to the token. */
const MAX_NEW_AGE_MS = 3_600_000;

export function tunnelCreated({ tunnel }: TunnelState, about: About): Change {
  const name = nameOfTunnel(tunnel);
  const event = about('tunnel_created', 'info', { to: tunnel.status, message: `${name} was created` });
  const ageMs = event.at - (tunnel.createdAt ?? event.at);
  return ageMs < MAX_NEW_AGE_MS
    ? event
    : { ...event, message: `${name} is listed now; it was created ${formatSpan(ageMs)} ago` };
}

export function tunnelDeleted(state: TunnelState, about: About): Change {
  const { tunnel } = state;
  const targets = targetsOf(behind(state));
  return about('tunnel_deleted', 'warning', {
    from: tunnel.status,
    message: `${nameOfTunnel(tunnel)} was deleted (was ${tunnel.status})${behindText(targets)}`,
    ...affecting(targets),
  });
}

export function tunnelChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
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
  const affected = severity === 'info' ? '' : behindText(targets);
  return [{ ...event, message: `${nameOfTunnel(after.tunnel)} is ${to} (was ${from}${lasted})${affected}` }];
}

const MAX_NAMED = 2;

function behindText(targets: readonly string[]): string {
  return targets.length === 0 ? '' : `; behind it: ${firstFew(targets, MAX_NAMED)}`;
}

function connectorChanges(before: TunnelState, after: TunnelState, about: About): readonly Change[] {
  const was = before.knownConnectors;
  const is = after.knownConnectors;
  if (was === undefined || is === undefined || was === is) return [];
  // The change of status already reports that all are gone.
  if (hasNoConnections(after.tunnel.status)) return [];
  const name = nameOfTunnel(after.tunnel);
  const { connected, disconnected, replaced } = connectorMoves(was, is);
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
  const old = before.knownConnectors;
  const current = after.knownConnectors;
  if (old === undefined || current === undefined || old === current) return failover;
  const known = new Map(old.map(({ id, haStatus }) => [id, haStatus]));
  /** Whether the failover already reports this change. */
  const isExplained = (id: string, haStatus: HaStatus): boolean =>
    failedOver && ((id === to && haStatus === 'active') || (id === from && haStatus === 'passive'));
  const changed = current.flatMap(({ id, haStatus }) => {
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
  const details = [
    ...(added.length === 0 ? [] : [`added ${firstFew(added, MAX_NAMED)}`]),
    ...(removed.length === 0 ? [] : [`removed ${firstFew(removed, MAX_NAMED)}`]),
  ];
  const name = nameOfTunnel(after.tunnel);
  return [
    about('configuration_changed', 'info', {
      from: String(from),
      to: String(to),
      message: [`configuration of ${name} changed from version ${from} to ${to}`, ...details].join('; '),
      ...affecting([...added, ...removed]),
    }),
  ];
}
