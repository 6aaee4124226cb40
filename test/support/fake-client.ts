import type { Budget, BudgetView } from '../../src/cloudflare/budget.ts';
import type { Client } from '../../src/cloudflare/client.ts';
import type { LiveToken } from '../../src/cloudflare/live-token.ts';

const unexpected = (): never => {
  throw new Error('this call is not expected');
};

/** A client without a network. Calls that a test does not define are errors. */
export function aClient(parts: Partial<Client>): Client {
  return {
    listTunnels: unexpected,
    connections: unexpected,
    configuration: unexpected,
    routes: unexpected,
    connector: unexpected,
    accounts: unexpected,
    verify: unexpected,
    probe: unexpected,
    budget: {
      requests: 600,
      capacity: 150,
      available: () => 150,
      hold: (count) => ({ count, use: () => true, release: () => undefined }),
      blockedUntil: () => undefined,
    },
    close: () => Promise.resolve(),
    ...parts,
  };
}

/** The view that a client gives of a budget, under this clock. */
export function viewOf(budget: Budget, now: () => number): BudgetView {
  return {
    requests: budget.requests,
    capacity: budget.capacity,
    available: () => budget.available(now()),
    hold: (count) => budget.hold(now(), count),
    blockedUntil: () => {
      const ms = budget.blockedFor(now());
      return ms > 0 ? now() + ms : undefined;
    },
  };
}

export function aToken(value = 'a-token'): LiveToken {
  return {
    current: () => value,
    problem: () => undefined,
    refresh: () => Promise.resolve({ changed: false, problem: undefined }),
  };
}
