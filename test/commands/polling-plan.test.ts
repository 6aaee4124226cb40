import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { budgetFor, pollingPlan } from '../../src/commands/check/polling-plan.ts';

const POLL = { pollIntervalMs: 30_000 };

test.each([
  { name: 'one account, few tunnels', pages: 1, serving: 3, requestBudget: 600, list: 30, detail: 30 },
  { name: 'a large account', pages: 1, serving: 1_000, requestBudget: 600, list: 30, detail: 508 },
  { name: 'lists that take half', pages: 30, serving: 0, requestBudget: 600, list: 30, detail: 30 },
  { name: 'lists that need more', pages: 200, serving: 1_000, requestBudget: 600, list: 200, detail: 1_000 },
  { name: 'a budget of one', pages: 1, serving: 1, requestBudget: 1, list: 600, detail: 600 },
])('$name', ({ pages, serving, requestBudget, list, detail }) => {
  const plan = pollingPlan({ pages, serving }, { ...POLL, requestBudget });
  expect([plan.listIntervalMs / 1_000, Math.round(plan.detailIntervalMs / 1_000)]).toEqual([list, detail]);
});

test('budgetFor returns the smallest budget that keeps the intervals', () => {
  fc.assert(
    fc.property(
      fc.record({ pages: fc.integer({ min: 1, max: 500 }), serving: fc.integer({ min: 0, max: 20_000 }) }),
      fc.integer({ min: 30_000, max: 900_000 }),
      fc.integer({ min: 30_000, max: 900_000 }),
      (load, listIntervalMs, detailIntervalMs) => {
        const requestBudget = budgetFor(load, { ...POLL, listIntervalMs, detailIntervalMs });
        const keeps = (requests: number): boolean => {
          const plan = pollingPlan(load, { ...POLL, requestBudget: requests });
          const rounded = 1 + 1e-9;
          return (
            plan.listIntervalMs <= listIntervalMs * rounded &&
            plan.detailIntervalMs <= detailIntervalMs * rounded
          );
        };
        expect(keeps(requestBudget)).toBe(true);
        expect(requestBudget === 1 || !keeps(requestBudget - 1)).toBe(true);
      },
    ),
  );
});
