import type { TunnelEvent } from '../../src/core/events.ts';
import { NOW } from './snapshots.ts';

/** A tunnel that goes down, unless the parts say otherwise. */
export function anEvent(parts: Partial<TunnelEvent> = {}): TunnelEvent {
  return {
    id: 1,
    at: NOW,
    kind: 'status_changed',
    severity: 'error',
    accountId: 'acc',
    accountName: 'Production',
    tunnelId: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415',
    tunnelName: 'shop',
    from: 'healthy',
    to: 'down',
    message: 'shop is down (was healthy for 14d 3h); behind it: shop.example.com, 10.0.0.0/16',
    affected: ['shop.example.com', '10.0.0.0/16'],
    affectedCount: 2,
    lastConnectors: undefined,
    lastObservedAt: undefined,
    ...parts,
  };
}

/** This many events, numbered from `first`. */
export function events(count: number, parts: Partial<TunnelEvent> = {}, first = 1): readonly TunnelEvent[] {
  return Array.from({ length: count }, (_, index) =>
    anEvent({ id: first + index, message: `t${first + index} is down`, ...parts }),
  );
}
