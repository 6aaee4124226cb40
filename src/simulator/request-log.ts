import type { EndpointName } from './endpoints.ts';

/** A received request, for tests and benchmarks to count. Holds no token. */
export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  readonly endpoint: EndpointName;
  readonly path: string;
  readonly query: string;
  readonly accountId: string | undefined;
  readonly tunnelId: string | undefined;
  /** Status of the answer, even if a fault kept it from being sent. */
  readonly status: number;
  /** Refused by the rate limit. */
  readonly limited: boolean;
  /** The user or the account-owned token whose rate limit counts it; undefined for an unknown token. */
  readonly countsFor: string | undefined;
}

export interface RequestFilter {
  readonly endpoint?: EndpointName;
  readonly accountId?: string;
  readonly tunnelId?: string;
  readonly status?: number;
  readonly limited?: boolean;
  readonly countsFor?: string;
  /** Inclusive. */
  readonly from?: number;
  /** Exclusive. */
  readonly until?: number;
}

export interface RequestLog {
  readonly add: (request: LoggedRequest) => void;
  /** The latest requests, oldest first. */
  readonly entries: (filter?: RequestFilter) => readonly LoggedRequest[];
  readonly count: (filter?: RequestFilter) => number;
  /** The most requests in any period of `windowMs`. */
  readonly peak: (windowMs: number, filter?: RequestFilter) => number;
  /** Every request since the start or `clear`, kept or not. */
  readonly totals: () => Readonly<Partial<Record<EndpointName, number>>>;
  readonly clear: () => void;
}

/** Keeps at least the latest `keep` requests and at most twice as many. */
export function createRequestLog(keep = 100_000): RequestLog {
  let log: LoggedRequest[] = [];
  let totals: Partial<Record<EndpointName, number>> = {};

  const entries = (filter: RequestFilter = {}): readonly LoggedRequest[] =>
    log.filter(
      (request) =>
        (filter.endpoint === undefined || request.endpoint === filter.endpoint) &&
        (filter.accountId === undefined || request.accountId === filter.accountId) &&
        (filter.tunnelId === undefined || request.tunnelId === filter.tunnelId) &&
        (filter.status === undefined || request.status === filter.status) &&
        (filter.limited === undefined || request.limited === filter.limited) &&
        (filter.countsFor === undefined || request.countsFor === filter.countsFor) &&
        (filter.from === undefined || request.at >= filter.from) &&
        (filter.until === undefined || request.at < filter.until),
    );

  return {
    add: (request) => {
      log.push(request);
      if (log.length > keep * 2) log = log.slice(-keep);
      totals[request.endpoint] = (totals[request.endpoint] ?? 0) + 1;
    },
    entries,
    count: (filter) => entries(filter).length,
    peak: (windowMs, filter) => {
      const times = entries(filter).map(({ at }) => at);
      let most = 0;
      let first = 0;
      for (const [last, at] of times.entries()) {
        while ((times[first] ?? at) <= at - windowMs) first += 1;
        most = Math.max(most, last - first + 1);
      }
      return most;
    },
    totals: () => totals,
    clear: () => {
      log = [];
      totals = {};
    },
  };
}
