import { createApi } from './api.ts';
import type { ApiRequest, ApiResponse } from './envelope.ts';
import type { Faults } from './faults.ts';
import { createFaults } from './faults.ts';
import type { AccountSpec, Fleet } from './fleet-model.ts';
import { createFleet } from './fleet.ts';
import type { TotalCount } from './handler.ts';
import type { LifeEvent, LifeOptions } from './life.ts';
import { createLife } from './life.ts';
import type { RateLimit, RateLimitOptions } from './rate-limit.ts';
import { createRateLimit } from './rate-limit.ts';
import type { RequestLog } from './request-log.ts';
import { createRequestLog } from './request-log.ts';
import { sampleAccounts } from './sample.ts';
import type { Tokens, TokenSpec } from './tokens.ts';
import { createTokens } from './tokens.ts';
import type { EmbeddedConnections } from './wire.ts';

export interface SimulationOptions {
  /** Default: 1. The same seed, clock and calls give the same bytes. */
  readonly seed?: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Default: one account with ten running tunnels. */
  readonly accounts?: readonly AccountSpec[];
  /** Default: SIMULATOR_TOKEN, a user token with all permissions. */
  readonly tokens?: readonly TokenSpec[];
  /** Default: missing, as since October 2026. */
  readonly embeddedConnections?: EmbeddedConnections;
  readonly rateLimit?: RateLimitOptions;
  /** The most rows in a page, whatever was requested; reported in `result_info.per_page`. Default: 1000. */
  readonly maxPerPage?: number;
  /** Default: filtered. */
  readonly totalCount?: TotalCount;
  /** How long connectors take to apply a new configuration. Default: 2 s to 90 s. */
  readonly configurationDelayMs?: { readonly low: number; readonly high: number };
  /** What happens to the fleet as time passes. Default: nothing. */
  readonly life?: LifeOptions;
  readonly onLifeEvent?: (event: LifeEvent) => void;
  /** How many of the latest requests the log keeps at least. Default: 100,000. */
  readonly keepRequests?: number;
}

export const SIMULATOR_TOKEN = 'simulator-token-with-every-permission';

/** The simulated API without a network. */
export interface Simulation {
  /** Lets the fleet advance to the current time, then answers. */
  readonly handle: (request: ApiRequest) => ApiResponse;
  readonly fleet: Fleet;
  readonly tokens: Tokens;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** By token value; the tokens of one user share a limit, a token that an account owns has its own. */
  readonly rateLimit: RateLimit;
  readonly now: () => number;
  /** Lets the fleet advance to the current time, as every request does. No effect without `life`. */
  readonly tick: () => readonly LifeEvent[];
}

export function createSimulation(options: SimulationOptions): Simulation {
  const { now, seed = 1 } = options;
  const start = now();
  const fleet = createFleet({
    seed,
    now: start,
    accounts: options.accounts ?? sampleAccounts({ seed, now: start, tunnels: 10 }),
    ...(options.configurationDelayMs === undefined
      ? {}
      : { configurationDelayMs: options.configurationDelayMs }),
  });
  const tokens = createTokens(options.tokens ?? [{ value: SIMULATOR_TOKEN }]);
  const faults = createFaults();
  const requests = createRequestLog(options.keepRequests);
  const rateLimit = createRateLimit(options.rateLimit, (value) => tokens.find(value)?.countsFor ?? value);
  const api = createApi({
    fleet,
    tokens,
    faults,
    rateLimit,
    requests,
    settings: {
      embeddedConnections: options.embeddedConnections ?? 'missing',
      maxPerPage: options.maxPerPage ?? 1000,
      totalCount: options.totalCount ?? 'filtered',
    },
  });
  const life = options.life === undefined ? undefined : createLife({ fleet, seed, start, ...options.life });
  const tick = (): readonly LifeEvent[] => {
    const events = life?.advance(now()) ?? [];
    if (options.onLifeEvent !== undefined) events.forEach(options.onLifeEvent);
    return events;
  };
  return {
    handle: (request) => {
      tick();
      return api(request, now());
    },
    fleet,
    tokens,
    faults,
    requests,
    rateLimit,
    now,
    tick,
  };
}
