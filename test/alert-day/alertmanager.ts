import { parseDuration } from '../../src/config/duration.ts';
import type { AlertmanagerConfig, Route } from '../deploy/alerts/alertmanager-config.ts';
import type { Firing, Labels } from './evaluate.ts';

/** A message of Alertmanager: alerts that are new in it, repeated ones, and resolved ones. */
export interface Message {
  readonly at: number;
  readonly receiver: string;
  readonly fresh: readonly Labels[];
  readonly firing: readonly Labels[];
  readonly resolved: readonly Labels[];
}

interface Plan {
  readonly receiver: string;
  readonly groupBy: readonly string[];
  readonly waitMs: number;
  readonly intervalMs: number;
  readonly repeatMs: number;
}

interface Group {
  readonly key: string;
  readonly plan: Plan;
  /** Alerts by identity; `false` for one that has ended, but is not reported as resolved yet. */
  readonly alerts: Map<string, { readonly labels: Labels; active: boolean }>;
  flushAt: number;
}

/** The last notification of a group. Alertmanager keeps it after the group is gone. */
interface Log {
  readonly at: number;
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
}

/**
 * The messages that an Alertmanager of this configuration sends for what fires at each evaluation:
 * routes, groups, inhibitions and deduplication as Alertmanager 0.25 does them, without its network
 * and its clock.
 */
export function messagesOf(
  config: AlertmanagerConfig,
  { firing, intervalMs }: { readonly firing: Firing; readonly intervalMs: number },
): readonly Message[] {
  const inhibitions = config.inhibit_rules.map((rule) => ({
    source: rule.source_matchers.map(matcher),
    target: rule.target_matchers.map(matcher),
    equal: rule.equal ?? [],
  }));
  const root = planOf(config.route, {
    receiver: '',
    groupBy: [],
    waitMs: 30_000,
    intervalMs: 300_000,
    repeatMs: 14_400_000,
  });
  const groups = new Map<string, Group>();
  const logs = new Map<string, Log>();
  const messages: Message[] = [];

  const isInhibited = (labels: Labels, active: readonly Labels[]): boolean =>
    inhibitions.some(
      ({ source, target, equal }) =>
        target.every((matches) => matches(labels)) &&
        active.some(
          (other) =>
            source.every((matches) => matches(other)) &&
            equal.every((label) => (other[label] ?? '') === (labels[label] ?? '')) &&
            // An alert that is source and target is not its own source.
            !(source.every((matches) => matches(labels)) && target.every((matches) => matches(other))),
        ),
    );

  const flush = (group: Group, at: number, active: readonly Labels[]): void => {
    const told = [...group.alerts].filter(([, { labels }]) => !isInhibited(labels, active));
    const firingNow = new Set(told.filter(([, { active: on }]) => on).map(([id]) => id));
    const resolvedNow = new Set(told.filter(([, { active: on }]) => !on).map(([id]) => id));
    const log = logs.get(group.key);
    if (told.length > 0 && needsUpdate(log, { firingNow, resolvedNow, at, repeatMs: group.plan.repeatMs })) {
      const labelsOf = (ids: Iterable<string>): readonly Labels[] =>
        [...ids].flatMap((id) => {
          const alert = group.alerts.get(id);
          return alert === undefined ? [] : [alert.labels];
        });
      messages.push({
        at,
        receiver: group.plan.receiver,
        fresh: labelsOf([...firingNow].filter((id) => log?.firing.has(id) !== true)),
        firing: labelsOf(firingNow),
        resolved: labelsOf(resolvedNow),
      });
      logs.set(group.key, { at, firing: firingNow, resolved: resolvedNow });
    }
    for (const [id, { active: on }] of group.alerts) if (!on) group.alerts.delete(id);
    if (group.alerts.size === 0) groups.delete(group.key);
  };

  for (const [index, active] of firing.entries()) {
    const at = index * intervalMs;
    const identities = new Map(active.map((labels) => [identityOf(labels), labels]));
    for (const group of groups.values()) {
      for (const [id, alert] of group.alerts) if (!identities.has(id)) alert.active = false;
    }
    for (const [id, labels] of identities) {
      const plan = routeOf(config.route, { labels, plan: root });
      const key = `${plan.receiver}/${plan.groupBy.map((label) => `${label}=${labels[label] ?? ''}`).join(',')}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = { key, plan, alerts: new Map(), flushAt: at + plan.waitMs };
        groups.set(key, group);
      }
      group.alerts.set(id, { labels, active: true });
    }
    const until = at + intervalMs;
    for (const group of groups.values()) {
      while (group.flushAt < until && groups.has(group.key)) {
        flush(group, group.flushAt, active);
        group.flushAt += group.plan.intervalMs;
      }
    }
  }
  return messages.toSorted((a, b) => a.at - b.at);
}

function needsUpdate(
  log: Log | undefined,
  {
    firingNow,
    resolvedNow,
    at,
    repeatMs,
  }: {
    readonly firingNow: ReadonlySet<string>;
    readonly resolvedNow: ReadonlySet<string>;
    readonly at: number;
    readonly repeatMs: number;
  },
): boolean {
  if (log === undefined) return firingNow.size > 0;
  if (!firingNow.isSubsetOf(log.firing)) return true;
  if (firingNow.size === 0) return log.firing.size > 0;
  if (!resolvedNow.isSubsetOf(log.resolved)) return true;
  return log.at < at - repeatMs;
}

function identityOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function planOf(route: Route, inherited: Plan): Plan {
  const duration = (key: string, otherwise: number): number => {
    const value = route[key];
    return typeof value === 'string' ? (parseDuration(value) ?? otherwise) : otherwise;
  };
  const groupBy = route['group_by'];
  return {
    receiver: route.receiver ?? inherited.receiver,
    groupBy: Array.isArray(groupBy) ? groupBy.map(String) : inherited.groupBy,
    waitMs: duration('group_wait', inherited.waitMs),
    intervalMs: duration('group_interval', inherited.intervalMs),
    repeatMs: duration('repeat_interval', inherited.repeatMs),
  };
}

/** The first child that matches, as deep as it goes. */
function routeOf(route: Route, { labels, plan }: { readonly labels: Labels; readonly plan: Plan }): Plan {
  const child = route.routes?.find(({ matchers }) => {
    const wanted: readonly unknown[] = Array.isArray(matchers) ? matchers : [];
    return wanted.every((each) => matcher(String(each))(labels));
  });
  return child === undefined ? plan : routeOf(child, { labels, plan: planOf(child, plan) });
}

function matcher(text: string): (labels: Labels) => boolean {
  const [, label = '', operator = '', value = ''] = /^(\w+)(=~|!~|!=|=)"(.*)"$/.exec(text) ?? [];
  const expression = new RegExp(`^(?:${value})$`);
  return (labels) => {
    const given = labels[label] ?? '';
    switch (operator) {
      case '=':
        return given === value;
      case '!=':
        return given !== value;
      case '=~':
        return expression.test(given);
      case '!~':
        return !expression.test(given);
      default:
        throw new Error(`Cannot read the matcher ${text}`);
    }
  };
}
