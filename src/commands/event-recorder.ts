import type { Config } from '../config/config.ts';
import { type Block, blockEvents } from '../core/events-between.ts';
import { type EventHistory, type EventKind, NO_EVENTS, numbered, recorded } from '../core/events.ts';
import { eventsBetween } from '../core/events-between.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { EventLog } from '../log/event-log.ts';

/** The settings that decide what is recorded. */
type EventConfig = Pick<Config, 'events' | 'tunnels' | 'expectedTunnels'>;

export interface EventRecorderOptions {
  readonly initial: Snapshot;
  readonly config: EventConfig;
  /** The request budgets, with the end of their blocks. */
  readonly blocks: () => readonly Block[];
  readonly log: EventLog;
  readonly counted: (kind: EventKind) => void;
}

/** Derives events from consecutive snapshots; logs, counts and keeps them. */
export interface EventRecorder {
  readonly observe: (snapshot: Snapshot) => void;
  /** Applies other settings. Differences between snapshots during `change` are no events. */
  readonly reconfigure: (config: EventConfig, change: () => void) => void;
  readonly history: () => EventHistory;
  readonly close: () => void;
}

export function createEventRecorder({
  initial,
  config: initialConfig,
  blocks,
  log,
  counted,
}: EventRecorderOptions): EventRecorder {
  let config = initialConfig;
  let known = initial;
  let knownBlocks: readonly Block[] = [];
  let history = NO_EVENTS;
  let isReconfiguring = false;

  return {
    observe: (snapshot) => {
      const now = blocks();
      if (isReconfiguring) {
        known = snapshot;
        knownBlocks = now;
        return;
      }
      const changes = [
        ...eventsBetween(known, snapshot, {
          expected: config.expectedTunnels,
          types: config.tunnels.types,
        }),
        ...blockEvents(knownBlocks, now, snapshot.takenAt),
      ];
      known = snapshot;
      knownBlocks = now;
      if (changes.length === 0) return;
      const events = numbered(history, changes);
      history = recorded(history, events, config.events.history);
      for (const { kind } of events) counted(kind);
      log.add(events);
    },
    reconfigure: (next, change) => {
      config = next;
      history = recorded(history, [], next.events.history);
      isReconfiguring = true;
      change();
      isReconfiguring = false;
    },
    history: () => history,
    close: log.flush,
  };
}
