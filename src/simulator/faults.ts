import type { EndpointName } from './endpoints.ts';

/** The effect of a fault. */
export type FaultEffect =
  /** No effect other than `delayMs`. */
  | { readonly kind: 'none' }
  /**
   * Another status. Without `body`, the answer is the API's envelope with the usual code of the
   * status (403: 10000, 404: 1002, 429: 971, …), or a gateway's HTML page for 502, 503 and 504.
   * `headers` may contain `retry-after`.
   */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error envelope under any status, e.g. code 971 under 200. */
  | { readonly kind: 'error'; readonly status: number; readonly code: number; readonly message?: string }
  /** Exactly this text. Default status: 200. */
  | { readonly kind: 'text'; readonly text: string; readonly status?: number }
  /** Changes the real answer's JSON: wrong types, missing keys, unknown values. */
  | { readonly kind: 'rewrite'; readonly rewrite: (body: unknown) => unknown }
  /** Changes the real answer's text. */
  | { readonly kind: 'mangle'; readonly mangle: (body: string) => string }
  /** A complete HTTP answer whose JSON ends in the middle. */
  | { readonly kind: 'half_json' }
  /** List: returns another page instead. */
  | { readonly kind: 'repeat_page'; readonly page: number }
  /** List: no rows, but the same total. */
  | { readonly kind: 'empty_page' }
  /** List: adds this to `total_count`. */
  | { readonly kind: 'total_count'; readonly add: number }
  /** List: every page is full of new ids, and the total grows. */
  | { readonly kind: 'endless_pages' }
  /** Content-Length states the full length; the connection closes after this many bytes. Default: half. */
  | { readonly kind: 'cut'; readonly bytes?: number }
  /** Sends a few bytes at a time and never ends. */
  | { readonly kind: 'drip'; readonly bytes?: number; readonly everyMs?: number }
  /** Headers never come. */
  | { readonly kind: 'silence' }
  /** TCP reset, before the headers or after this many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  | { readonly kind: 'huge'; readonly megabytes: number };

export interface FaultSpec {
  /** Applies to requests that match all given conditions. */
  readonly endpoint?: EndpointName | readonly EndpointName[];
  readonly accountId?: string;
  readonly tunnelId?: string;
  /** Value of the API token. */
  readonly token?: string;
  /** The requested page. */
  readonly page?: number;
  /** Skips this many matching requests. */
  readonly skip?: number;
  /** Ends after this many hits. Default: never. */
  readonly times?: number;
  /** Delay before the answer begins. */
  readonly delayMs?: number;
  readonly effect: FaultEffect;
}

export interface Fault {
  /** The number of affected requests. */
  readonly hits: () => number;
  readonly remove: () => void;
}

export interface FaultTarget {
  readonly endpoint: EndpointName;
  readonly accountId: string | undefined;
  readonly tunnelId: string | undefined;
  readonly token: string | undefined;
  readonly page: number;
}

export interface Faults {
  /** If several faults match a request, the one added first applies. */
  readonly add: (spec: FaultSpec) => Fault;
  readonly clear: () => void;
  /** Returns the fault for this request and counts a hit. */
  readonly strike: (target: FaultTarget) => FaultSpec | undefined;
}

interface Armed {
  readonly spec: FaultSpec;
  seen: number;
  hits: number;
}

export function createFaults(): Faults {
  let armed: Armed[] = [];
  return {
    add: (spec) => {
      const fault: Armed = { spec, seen: 0, hits: 0 };
      armed.push(fault);
      return {
        hits: () => fault.hits,
        remove: () => {
          armed = armed.filter((other) => other !== fault);
        },
      };
    },
    clear: () => {
      armed = [];
    },
    strike: (target) => {
      for (const fault of armed) {
        if (!matches(fault.spec, target)) continue;
        if (fault.hits >= (fault.spec.times ?? Infinity)) continue;
        fault.seen += 1;
        if (fault.seen <= (fault.spec.skip ?? 0)) continue;
        fault.hits += 1;
        return fault.spec;
      }
      return undefined;
    },
  };
}

function matches(spec: FaultSpec, target: FaultTarget): boolean {
  return (
    (spec.endpoint === undefined || [spec.endpoint].flat().includes(target.endpoint)) &&
    (spec.accountId === undefined || spec.accountId === target.accountId) &&
    (spec.tunnelId === undefined || spec.tunnelId === target.tunnelId) &&
    (spec.token === undefined || spec.token === target.token) &&
    (spec.page === undefined || spec.page === target.page)
  );
}
