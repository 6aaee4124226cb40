import { expect, test } from 'vitest';
import { createBudget, type Budget } from '../../src/cloudflare/budget.ts';
import { WINDOW_MS } from '../../src/core/intervals.ts';

const HOUR = 3_600_000;

/** Takes all requests that are available at once. */
function drain(budget: Budget, now: number): number {
  let taken = 0;
  while (budget.reserve(now, 0).kind === 'granted') taken += 1;
  return taken;
}

test('holds a quarter of the budget, and starts half full', () => {
  const budget = createBudget(600);
  expect(budget.capacity).toBe(150);
  expect(budget.available(0)).toBe(75);
  expect(drain(budget, 0)).toBe(75);
});

test('refills at the rate of the budget, up to the capacity', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  expect(budget.available(10_000)).toBeCloseTo(20);
  expect(budget.available(HOUR)).toBe(150);
});

test('five minutes of constant demand use at most 1.25 times the budget', () => {
  const budget = createBudget(600);
  expect(budget.available(0)).toBe(75);
  let taken = 0;
  for (let now = HOUR; now < HOUR + WINDOW_MS; now += 100) taken += drain(budget, now);
  expect(taken).toBeGreaterThanOrEqual(748);
  expect(taken).toBeLessThanOrEqual(750);
});

test('a tiny budget still lets one request through', () => {
  const budget = createBudget(1);
  expect(drain(budget, 0)).toBe(1);
  expect(drain(budget, WINDOW_MS)).toBe(1);
});

test('an empty bucket grants requests in order, each later than the one before', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  expect(budget.reserve(0, 10_000)).toMatchObject({ kind: 'granted', waitMs: 500 });
  expect(budget.reserve(0, 10_000)).toMatchObject({ kind: 'granted', waitMs: 1_000 });
  expect(budget.available(0)).toBe(0);
});

test('a reservation beyond the maximum wait is refused with its wait, and takes nothing', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  expect(budget.reserve(0, 499)).toMatchObject({ kind: 'spent', waitMs: 500 });
  expect(budget.reserve(0, 499)).toMatchObject({ kind: 'spent', waitMs: 500 });
});

test('a reservation that is given back is available again, once', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  const turn = budget.reserve(0, 1_000);
  if (turn.kind !== 'granted') throw new Error('not granted');
  turn.giveBack();
  turn.giveBack();
  expect(budget.reserve(0, 10_000)).toMatchObject({ waitMs: 500 });
  expect(budget.reserve(0, 10_000)).toMatchObject({ waitMs: 1_000 });
});

test('a block lets nothing through until it is over, and is never shortened', () => {
  const budget = createBudget(600);
  budget.block(0, 300_000);
  budget.block(1_000, 5_000);
  expect(budget.available(299_999)).toBe(0);
  expect(budget.reserve(299_999, HOUR)).toEqual({ kind: 'blocked', waitMs: 1 });
  expect(budget.blockedFor(300_000)).toBe(0);
});

test('after a block the bucket fills from empty: ramp, not burst', () => {
  const budget = createBudget(600);
  budget.block(0, 300_000);
  expect(budget.available(300_000)).toBe(0);
  expect(budget.available(310_000)).toBeCloseTo(20);
});

test('a block voids earlier reservations: giving one back adds nothing', () => {
  const budget = createBudget(600);
  const turn = budget.reserve(0, 0);
  budget.block(0, 1_000);
  if (turn.kind === 'granted') turn.giveBack();
  expect(budget.available(1_000)).toBe(0);
});

test('a clock that goes back an hour adds no request, and holds none back afterwards', () => {
  const budget = createBudget(600);
  drain(budget, HOUR);
  expect(budget.available(0)).toBe(0);
  expect(budget.available(10_000)).toBeCloseTo(20);
});

test('a clock that goes back an hour during a block does not prolong it by the hour', () => {
  const budget = createBudget(600);
  budget.block(HOUR, 300_000);
  expect(budget.blockedFor(0)).toBe(300_000);
  expect(budget.blockedFor(300_000)).toBe(0);
});

test('a clock that goes forward an hour fills the bucket and no more', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  expect(drain(budget, HOUR)).toBe(150);
});

test('a resize keeps what is left and never adds requests', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  budget.resize(0, 1200);
  expect(budget.requests).toBe(1200);
  expect(budget.capacity).toBe(300);
  expect(budget.available(0)).toBe(0);
  expect(budget.available(10_000)).toBeCloseTo(40);
  expect(budget.available(HOUR)).toBe(300);
  budget.resize(HOUR, 60);
  expect(budget.available(HOUR)).toBe(15);
});

test('a block lasts through a change of size', () => {
  const budget = createBudget(600);
  budget.block(0, 1_000);
  budget.resize(0, 60);
  expect(budget.blockedFor(400)).toBe(600);
});

test('a hold takes planned requests from the budget, at most those available', () => {
  const budget = createBudget(600);
  const first = budget.hold(0, 70);
  const second = budget.hold(0, 70);
  expect([first.count, second.count]).toEqual([70, 5]);
  expect(budget.available(0)).toBe(0);
  expect(budget.reserve(0, 0).kind).toBe('spent');
});

test('unused requests of a hold are returned, once', () => {
  const budget = createBudget(600);
  const hold = budget.hold(0, 10);
  expect(hold.use(0)).toBe(true);
  hold.release();
  hold.release();
  expect(hold.use(0)).toBe(false);
  expect(budget.available(0)).toBe(74);
});

test('a hold cannot be used more often than it holds', () => {
  const hold = createBudget(600).hold(0, 2);
  expect([hold.use(0), hold.use(0), hold.use(0)]).toEqual([true, true, false]);
});

test('a block voids holds, which then return nothing', () => {
  const budget = createBudget(600);
  const hold = budget.hold(0, 10);
  budget.block(0, 60_000);
  expect(hold.use(0)).toBe(false);
  hold.release();
  expect(budget.available(60_000)).toBe(0);
  expect(budget.hold(0, 1).count).toBe(0);
});

test('the window counts held requests, and used ones from the time they were sent', () => {
  const budget = createBudget(1200);
  let sent = 0;
  for (let now = 0; sent < 1100; now += 1000) sent += drain(budget, now);
  const now = sent * 1000;
  const late = budget.hold(now, 300);
  for (let use = 0; use < late.count; use += 1) late.use(now + 60_000);
  let more = 0;
  // Until the held requests leave the window, it has room for 1,200 less these.
  for (let later = now + 60_000; later < now + 60_000 + WINDOW_MS; later += 1000)
    more += drain(budget, later);
  expect(late.count + more).toBeLessThanOrEqual(1200);
});

test('absorbed requests count like others, but never make the level negative', () => {
  const budget = createBudget(600);
  budget.absorb(0, [-2, -1, 0]);
  expect(budget.available(0)).toBe(72);
  budget.absorb(
    0,
    Array.from({ length: 100 }, () => 0),
  );
  expect(budget.available(0)).toBe(0);
  expect(budget.available(10_000)).toBeCloseTo(20);
});

test('absorbed requests take room in the window that Cloudflare counts', () => {
  const budget = createBudget(1_200);
  const sent = Array.from({ length: 1_190 }, (_, index) => index);
  budget.absorb(2_000, sent);
  budget.absorb(2_000, [5, 1_999]);
  expect(drain(budget, HOUR / 60)).toBe(1_200 - 1_190 - 2);
});

test('reservations that wait stay when other requests are absorbed', () => {
  const budget = createBudget(600);
  drain(budget, 0);
  budget.reserve(0, 1_000);
  budget.absorb(0, [0]);
  expect(budget.reserve(0, 10_000)).toMatchObject({ waitMs: 1_000 });
});

test('each block aborts the signal of waiting callers once', () => {
  const budget = createBudget(600);
  const first = budget.nextBlock();
  budget.block(0, 1_000);
  expect(first.aborted).toBe(true);
  const second = budget.nextBlock();
  expect(second.aborted).toBe(false);
  budget.block(0, 2_000);
  expect(second.aborted).toBe(true);
});
