import type { EventKind, Severity, TunnelEvent } from '../core/events.ts';
import { firstFew } from '../core/event-text.ts';

/** Logs each event; more than 50 of one kind within a minute become summaries. */
export interface EventLog {
  readonly add: (events: readonly TunnelEvent[]) => void;
  /** Logs the events held back for the end of their minute. */
  readonly flush: () => void;
}

type Write = (fields: object, message: string) => void;

export interface EventLogOptions {
  readonly log: Readonly<Record<'info' | 'warn' | 'error', Write>>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const MINUTE_MS = 60_000;
const MAX_LINES = 50;
const MAX_NAMED = 10;

const LEVELS = { info: 'info', warning: 'warn', error: 'error' } as const satisfies Record<Severity, string>;
const BY_SEVERITY: readonly Severity[] = ['error', 'warning', 'info'];

interface Minute {
  readonly since: number;
  lines: number;
  /** Events for the summary at the end of the minute. */
  readonly held: TunnelEvent[];
  timer: NodeJS.Timeout | undefined;
}

export function createEventLog({ log, clock }: EventLogOptions): EventLog {
  const minutes = new Map<EventKind, Minute>();

  const minuteOf = (kind: EventKind): Minute => {
    const now = clock();
    const known = minutes.get(kind);
    if (known !== undefined && now >= known.since && now - known.since < MINUTE_MS) return known;
    if (known !== undefined) end(kind, known);
    const begun: Minute = { since: now, lines: 0, held: [], timer: undefined };
    minutes.set(kind, begun);
    return begun;
  };

  const end = (kind: EventKind, minute: Minute): void => {
    clearTimeout(minute.timer);
    minutes.delete(kind);
    summarize(kind, minute.held);
  };

  const summarize = (kind: EventKind, events: readonly TunnelEvent[]): void => {
    const [first] = events;
    if (first === undefined) return;
    if (events.length === 1) {
      write(first);
      return;
    }
    const severity = BY_SEVERITY.find((each) => events.some((event) => event.severity === each)) ?? 'info';
    const messages = firstFew(
      events.map(({ message }) => message),
      MAX_NAMED,
    );
    log[LEVELS[severity]](
      { event: kind, count: events.length, first_id: first.id, last_id: events.at(-1)?.id },
      `${events.length} events of kind ${kind}: ${messages}`,
    );
  };

  const write = (event: TunnelEvent): void => {
    log[LEVELS[event.severity]](fieldsOf(event), event.message);
  };

  const addOfKind = (kind: EventKind, events: readonly TunnelEvent[]): void => {
    const minute = minuteOf(kind);
    if (minute.lines + events.length <= MAX_LINES) {
      minute.lines += events.length;
      events.forEach(write);
      return;
    }
    // The first flood of a minute is summarized at once, later events at the end of the minute.
    const isFirst = minute.timer === undefined;
    minute.lines = Infinity;
    minute.timer ??= setTimeout(
      () => {
        end(kind, minute);
      },
      minute.since + MINUTE_MS - clock(),
    ).unref();
    if (isFirst) summarize(kind, events);
    else minute.held.push(...events);
  };

  return {
    add: (events) => {
      for (const [kind, own] of Map.groupBy(events, (event) => event.kind)) addOfKind(kind, own);
    },
    flush: () => {
      for (const [kind, minute] of minutes) end(kind, minute);
    },
  };
}

/** The fields of /api/v1/events; empty ones are omitted. */
function fieldsOf(event: TunnelEvent): object {
  return {
    event: event.kind,
    event_id: event.id,
    account_id: event.accountId,
    account_name: event.accountName === '' ? undefined : event.accountName,
    tunnel_id: event.tunnelId,
    tunnel_name: event.tunnelName,
    from: event.from,
    to: event.to,
    affected: event.affectedCount === 0 ? undefined : event.affected,
    affected_count: event.affectedCount === 0 ? undefined : event.affectedCount,
  };
}
