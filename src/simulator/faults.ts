import type { EndpointName } from './endpoints.ts';
import type { Delivery } from './envelope.ts';

/** What goes wrong. */
export type FaultEffect =
  /** Only the delay, if there is one. */
  | { readonly kind: 'none' }
  /**
   * Another status. Without a body: the API's envelope with the code that goes with the status (403: 10000, 404: 1002, 429: 971, …),
   * or the gateway's HTML page for 502, 503 and 504. Send `retry-after` through `headers`.
   */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error envelope under any status, e.g. code 971 under 200. */
  | { readonly kind: 'error'; readonly status: number; readonly code: number; readonly message?: string }
  /** Exactly this text, under status 200 unless another one is given. */
  | { readonly kind: 'text'; readonly text: string; readonly status?: number }
  /** The real answer's JSON, changed: wrong types, missing keys, unknown words. */
  | { readonly kind: 'rewrite'; readonly rewrite: (body: unknown) => unknown }
  /** The real answer's text, changed. */
  | { readonly kind: 'mangle'; readonly mangle: (body: string) => string }
  /** A whole HTTP answer whose JSON ends in the middle. */
  | { readonly kind: 'half_json' }
  /** List: this page is a copy of another one. */
  | { readonly kind: 'repeat_page'; readonly page: number }
  /** List: no rows, the same total. */
  | { readonly kind: 'empty_page' }
  /** List: `total_count` is wrong by this much. */
  | { readonly kind: 'total_count'; readonly add: number }
  /** List: every page is full, with ids never seen before, and the total stays ahead. */
  | { readonly kind: 'endless_pages' }
  /** Content-Length tells the whole; the connection ends after so many bytes (default: half). */
  | { readonly kind: 'cut'; readonly bytes?: number }
  /** The answer drips and never ends. */
  | { readonly kind: 'drip'; readonly bytes?: number; readonly everyMs?: number }
  /** Headers never come. */
  | { readonly kind: 'silence' }
  /** TCP reset: before the headers, or after so many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  | { readonly kind: 'huge'; readonly megabytes: number };

export interface FaultSpec {
  /** All given conditions must hold. */
  readonly endpoint?: EndpointName | readonly EndpointName[];
  readonly accountId?: string;
  readonly tunnelId?: string;
  /** Value of the API token. */
  readonly token?: string;
  /** Page asked for. */
  readonly page?: number;
  /** Lets so many matching requests through first. */
  readonly skip?: number;
  /** Ends after so many hits. Default: until removed. */
  readonly times?: number;
  /** Wait so long before the answer begins. */
  readonly delayMs?: number;
  readonly effect: FaultEffect;
}

export interface Fault {
  /** Requests that it has struck. */
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
  /** The earliest added fault that matches strikes; later ones wait for their turn. */
  readonly add: (spec: FaultSpec) => Fault;
  readonly clear: () => void;
  /** The fault for this request, counted as a hit. */
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

/** How the answer travels under this fault. */
export function deliveryOf(effect: FaultEffect, body: string): Delivery {
  switch (effect.kind) {
    case 'cut':
      return { kind: 'cut', bytes: effect.bytes ?? Math.floor(Buffer.byteLength(body) / 2) };
    case 'drip':
      return { kind: 'drip', bytes: effect.bytes ?? 1, everyMs: effect.everyMs ?? 20 };
    case 'silence':
      return { kind: 'silence' };
    case 'reset':
      return { kind: 'reset', afterBytes: effect.afterBytes };
    case 'huge':
      return { kind: 'huge', bytes: effect.megabytes * 1024 * 1024 };
    case 'none':
    case 'status':
    case 'error':
    case 'text':
    case 'rewrite':
    case 'mangle':
    case 'half_json':
    case 'repeat_page':
    case 'empty_page':
    case 'total_count':
    case 'endless_pages':
      return { kind: 'whole' };
  }
}
