import type { Failure } from '../core/model.ts';

/** Which kinds of request are not worth making again in this poll. */
export interface Refusals {
  /** Why requests of this kind are refused; `undefined` while they are worth making. */
  readonly of: (kind: string) => Failure | undefined;
  /** What came of one; `undefined` for a success. */
  readonly answered: (kind: string, failure: Failure | undefined) => void;
}

/** One refused tunnel says nothing of the others; so many in a row, and none accepted, says it of all. */
const REFUSALS_BEFORE_GIVING_UP = 3;

export function createRefusals(): Refusals {
  const given = new Map<string, Failure>();
  const counts = new Map<string, number>();
  return {
    of: (kind) => given.get(kind),
    answered: (kind, failure) => {
      if (failure === undefined) {
        counts.set(kind, -Infinity);
      } else if (failure.reason === 'rate_limited') {
        given.set(kind, failure);
      } else if (failure.reason === 'auth' || failure.reason === 'permission') {
        const count = (counts.get(kind) ?? 0) + 1;
        counts.set(kind, count);
        if (count >= REFUSALS_BEFORE_GIVING_UP) given.set(kind, failure);
      }
    },
  };
}
