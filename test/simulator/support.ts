import type { Simulation, SimulationOptions } from '../../src/simulator/simulation.ts';
import { createSimulation, SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';

export const START = Date.parse('2026-11-20T12:00:00.000Z');
export const ACCOUNT = 'a'.repeat(32);
export const OTHER_ACCOUNT = 'b'.repeat(32);

export interface Asked {
  readonly method?: string;
  /** Below the base, with query. */
  readonly path: string;
  readonly body?: unknown;
  /** Default: the simulator's token; null: no Authorization header. */
  readonly token?: string | null;
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Body;
}

export interface Body {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
  readonly messages: readonly { readonly code: number }[];
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read answers of every shape
  readonly result: any;
  readonly result_info?: {
    readonly page: number;
    readonly per_page: number;
    readonly count: number;
    readonly total_count: number;
    readonly total_pages?: number;
  };
}

export interface Rig {
  readonly simulation: Simulation;
  readonly ask: (asked: Asked | string) => Told;
  readonly now: () => number;
  readonly wait: (ms: number) => void;
}

/** A simulation under a clock that only the test moves. */
export function rig(options: Omit<SimulationOptions, 'now'> = {}): Rig {
  let now = START;
  const simulation = createSimulation({
    accounts: [{ id: ACCOUNT, name: 'One' }],
    ...options,
    now: () => now,
  });
  return {
    simulation,
    now: () => now,
    wait: (ms) => {
      now += ms;
    },
    ask: (asked) => {
      const {
        method = 'GET',
        path,
        body,
        token = SIMULATOR_TOKEN,
      } = typeof asked === 'string' ? { path: asked } : asked;
      const [pathname = '', query = ''] = path.split('?');
      const response = simulation.handle({
        method,
        path: pathname,
        query: new URLSearchParams(query),
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        body: typeof body === 'string' ? body : JSON.stringify(body ?? ''),
      });
      return { ...response, text: response.body, body: parse(response.body) };
    },
  };
}

function parse(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return { success: false, errors: [], messages: [], result: undefined };
  }
}

export function codes(told: Told): readonly number[] {
  return told.body.errors.map(({ code }) => code);
}

/** The shape of a JSON value: ordered keys, kinds of values, and the distinct kinds of array elements. */
export function shape(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    const kinds = new Map(value.map((element) => [JSON.stringify(shape(element)), shape(element)]));
    return [...kinds.values()];
  }
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shape(part)]));
  if (typeof value !== 'string') return typeof value;
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)) return 'uuid';
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(value)) return 'microseconds';
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return 'milliseconds';
  return 'string';
}
