import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createEventLog } from '../../src/log/event-log.ts';
import { anEvent, events } from '../support/events.ts';

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function aLog() {
  const lines: Line[] = [];
  const writer =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  const log = createEventLog({
    log: { info: writer('info'), warn: writer('warn'), error: writer('error') },
    clock: Date.now,
  });
  return { ...log, lines, messages: () => lines.map(({ message }) => message) };
}

test('each event is a line at its level, with its fields and its message', () => {
  const { add, lines } = aLog();
  add([
    anEvent(),
    anEvent({
      id: 2,
      kind: 'ha_failover',
      severity: 'warning',
      affected: [],
      affectedCount: 0,
      accountName: '',
    }),
    anEvent({ id: 3, kind: 'tunnel_created', severity: 'info' }),
  ]);
  expect(lines.map(({ level }) => level)).toEqual(['error', 'warn', 'info']);
  expect(lines[0]).toEqual({
    level: 'error',
    message: 'shop is down (was healthy for 14d 3h); behind it: shop.example.com, 10.0.0.0/16',
    fields: {
      event: 'status_changed',
      event_id: 1,
      account_id: 'acc',
      account_name: 'Production',
      tunnel_id: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415',
      tunnel_name: 'shop',
      from: 'healthy',
      to: 'down',
      affected: ['shop.example.com', '10.0.0.0/16'],
      affected_count: 2,
    },
  });
  expect(lines[1]?.fields).toMatchObject({
    event: 'ha_failover',
    affected: undefined,
    account_name: undefined,
  });
});

test('50 events of a kind at once are 50 lines, 51 are one that names the first ten and the number', () => {
  const few = aLog();
  few.add(events(50));
  expect(few.lines).toHaveLength(50);
  const many = aLog();
  many.add([...events(51), anEvent({ id: 52, kind: 'account_lost', message: 'account acc is lost' })]);
  expect(many.messages()).toEqual([
    '51 events of kind status_changed: t1 is down, t2 is down, t3 is down, t4 is down, t5 is down, t6 is down, t7 is down, t8 is down, t9 is down, t10 is down and 41 more',
    'account acc is lost',
  ]);
  expect(many.lines[0]).toMatchObject({
    level: 'error',
    fields: { event: 'status_changed', count: 51, first_id: 1, last_id: 51 },
  });
});

test('events after a flood are one line at the end of the minute; then each event is a line again', () => {
  const { add, messages } = aLog();
  add(events(40));
  vi.advanceTimersByTime(10_000);
  add(events(20, {}, 41));
  expect(messages().at(-1)).toMatch(/^20 events of kind status_changed: t41 is down/);
  add(events(3, {}, 61));
  add(events(2, {}, 64));
  expect(messages()).toHaveLength(41);
  vi.advanceTimersByTime(50_000);
  expect(messages().slice(41)).toEqual([
    '5 events of kind status_changed: t61 is down, t62 is down, t63 is down, t64 is down, t65 is down',
  ]);
  add(events(1, {}, 66));
  expect(messages().at(-1)).toBe('t66 is down');
});

test('ten events a second for an hour are a few lines a minute', () => {
  const { add, lines } = aLog();
  for (let second = 0; second < 3600; second += 1) {
    add(events(10, {}, second * 10 + 1));
    vi.advanceTimersByTime(1000);
  }
  expect(lines.length).toBeLessThanOrEqual(60 * 52 + 1);
});

test('flush logs the held events once', () => {
  const { add, flush, messages } = aLog();
  add(events(51));
  add(events(2, {}, 52));
  flush();
  expect(messages().at(-1)).toBe('2 events of kind status_changed: t52 is down, t53 is down');
  vi.advanceTimersByTime(120_000);
  expect(messages()).toHaveLength(2);
});
