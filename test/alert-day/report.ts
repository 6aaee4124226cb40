import type { Message } from './alertmanager.ts';
import type { Day } from './day.ts';
import type { Labels } from './evaluate.ts';
import { ACCOUNTS } from './fleet.ts';
import type { Channel, Incident } from './incidents.ts';
import { MINUTE } from './world.ts';

export interface Told {
  readonly incident: string;
  readonly alert: string;
  readonly channel: Channel;
  /** Minutes since the incident; `undefined`: never. */
  readonly firedAfter: number | undefined;
  readonly toldAfter: number | undefined;
  readonly within: number;
  /** Messages of the same channel that reported it again. */
  readonly toldAgain: number;
  /** Other alerts about the same tunnels or accounts in that time, by channel. */
  readonly besides: readonly string[];
}

export interface Useless {
  readonly channel: Channel;
  readonly alert: string;
  readonly cause: string;
  readonly messages: number;
}

export interface Report {
  readonly told: readonly Told[];
  readonly useless: readonly Useless[];
  /** Pages while the region was out that were not about another incident. */
  readonly regionPages: number;
  readonly days: number;
}

/**
 * Time after an incident in which alerts may still be about it: they end with the next list, and
 * some look back.
 */
const AFTERMATH_MINUTES = 10;
const SHORTLY_MS = 25 * MINUTE;

export function reportOf(day: Day): Report {
  const useless = new Map<string, Useless>();
  for (const message of day.messages) {
    const about = message.fresh.filter(
      (labels) => !day.incidents.some((incident) => isAbout(incident, { labels, at: message.at })),
    );
    if (about.length < message.fresh.length || about.length === 0) continue;
    const [first = {}] = about;
    const channel = channelOf(message);
    const alert = nameOf(first);
    const cause = causeOf(day, { labels: first, at: message.at });
    const key = `${channel}/${alert}/${cause}`;
    useless.set(key, { channel, alert, cause, messages: (useless.get(key)?.messages ?? 0) + 1 });
  }
  const region = day.incidents.find(({ name }) => name === 'region');
  return {
    told: day.incidents.flatMap((incident) => incident.told.map((telling) => toldOf(day, incident, telling))),
    useless: [...useless.values()].toSorted((a, b) => b.messages - a.messages),
    regionPages:
      region === undefined
        ? 0
        : day.messages.filter(
            (message) =>
              channelOf(message) === 'pager' &&
              message.fresh.some((labels) => isAbout(region, { labels, at: message.at })),
          ).length,
    days: day.options.hours / 24,
  };
}

function toldOf(day: Day, incident: Incident, { alert, channel, within }: Incident['told'][number]): Told {
  const severity = { pager: 'critical', chat: 'warning', quiet: 'info' }[channel];
  const from = incident.at * MINUTE;
  const isIt = (labels: Labels): boolean =>
    nameOf(labels) === alert && labels['severity'] === severity && concerns(incident, labels);
  const minutesAfter = (at: number | undefined): number | undefined =>
    at === undefined ? undefined : (at - from) / MINUTE;
  const fired = day.firing.findIndex((alerts, index) => index * day.intervalMs >= from && alerts.some(isIt));
  const messages = day.messages.filter(
    (message) => message.at >= from && message.at <= endOf(incident) && message.fresh.some(isIt),
  );
  const [first] = messages;
  const besides = new Set(
    day.messages
      .filter(({ at }) => at >= from && at <= endOf(incident))
      .flatMap((message) =>
        message.fresh
          .filter(
            (labels) =>
              !incident.told.some((telling) => telling.alert === nameOf(labels)) &&
              isSpecific(incident, labels),
          )
          .map((labels) => `${shortName(labels)} (${channelOf(message)})`),
      ),
  );
  return {
    incident: incident.name,
    alert,
    channel,
    firedAfter: fired < 0 ? undefined : minutesAfter(fired * day.intervalMs),
    toldAfter: minutesAfter(first?.at),
    within,
    toldAgain: Math.max(0, messages.length - 1),
    besides: [...besides].toSorted(),
  };
}

function endOf({ at, minutes }: Incident): number {
  return (at + minutes + AFTERMATH_MINUTES) * MINUTE;
}

function isAbout(
  incident: Incident,
  { labels, at }: { readonly labels: Labels; readonly at: number },
): boolean {
  return (
    at >= incident.at * MINUTE &&
    at <= endOf(incident) &&
    (isSpecific(incident, labels) || isExpected(incident, labels))
  );
}

function isExpected(incident: Incident, labels: Labels): boolean {
  return incident.told.some(({ alert }) => alert === nameOf(labels)) && concerns(incident, labels);
}

/** Alerts of the whole fleet or of an exporter have no tunnel and may have no account. */
function concerns(incident: Incident, labels: Labels): boolean {
  const nothing =
    labels['tunnel_name'] === undefined &&
    labels['tunnel'] === undefined &&
    labels['account_id'] === undefined;
  return nothing || isSpecific(incident, labels) || isOfAccountOf(incident, labels);
}

function isSpecific({ tunnels, accounts }: Incident, labels: Labels): boolean {
  const name = labels['tunnel_name'] ?? labels['tunnel'];
  if (name !== undefined)
    return tunnels.some((own) => (own.endsWith('-') ? name.startsWith(own) : name === own));
  return accounts.some(
    (account) => labels['account_id'] === ACCOUNTS.find(({ name: other }) => other === account)?.id,
  );
}

/** If an endpoint fails for one tunnel, the alert is about its account. */
function isOfAccountOf({ name }: Incident, labels: Labels): boolean {
  return name === 'one-endpoint' && labels['tunnel_name'] === undefined;
}

function causeOf(day: Day, { labels, at }: { readonly labels: Labels; readonly at: number }): string {
  const name = labels['tunnel_name'];
  const recent = day.events.filter(
    (event) =>
      event.at - day.start <= at &&
      event.at - day.start >= at - SHORTLY_MS &&
      (event.tunnel === undefined || event.tunnel === name),
  );
  return recent.at(-1)?.kind ?? (name?.startsWith('dev-') === true ? 'laptops' : 'has always been so');
}

export function channelOf({ receiver }: Message): Channel {
  if (receiver.endsWith('pager')) return 'pager';
  return receiver.endsWith('quiet') ? 'quiet' : 'chat';
}

function nameOf(labels: Labels): string {
  return labels['alertname'] ?? '';
}

function shortName(labels: Labels): string {
  return nameOf(labels).replace('CloudflareTunnel', '');
}

/** The tables that docs/alerts.md shows. */
export function formatReport({ told, useless, regionPages, days }: Report): string {
  const rows = told.map(
    ({ incident, alert, channel, firedAfter, toldAfter, within, toldAgain, besides }) =>
      `| ${incident} | ${alert.replace('CloudflareTunnel', '')} | ${inMinutes(firedAfter)} | ${inMinutes(toldAfter)} | ${channel} | ${within} | ${toldAgain} | ${besides.join(', ')} |`,
  );
  const uselessRows = useless.map(
    ({ channel, alert, cause, messages }) =>
      `| ${alert.replace('CloudflareTunnel', '')} | ${cause} | ${channel} | ${(messages / days).toFixed(1)} |`,
  );
  return [
    '| incident | alert | fires after, min | told after, min | to | limit, min | told again | besides |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    `Pages of the region's outage: ${regionPages}.`,
    '',
    '| messages without an incident: alert | cause | to | a day |',
    '|---|---|---|---|',
    ...(uselessRows.length > 0 ? uselessRows : ['| none | | | 0 |']),
  ].join('\n');
}

function inMinutes(value: number | undefined): string {
  return value === undefined ? 'never' : value.toFixed(1);
}
