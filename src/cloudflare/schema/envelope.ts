import * as v from 'valibot';
import { count, described, parse, text, type Parsed } from './fields.ts';

/** One entry of `errors`, with the codes of its `error_chain`. */
export interface ApiError {
  readonly codes: readonly number[];
  readonly message: string;
}

export interface PageInfo {
  readonly page: number | undefined;
  readonly perPage: number | undefined;
  readonly totalCount: number | undefined;
}

/** What every answer of the API holds. */
export interface Envelope {
  /** The API reports a failure: by `errors`, or by `success: false`. */
  readonly failed: boolean;
  readonly errors: readonly ApiError[];
  readonly result: unknown;
  readonly info: PageInfo | undefined;
}

const envelope = described('success', 'errors', 'result', 'result_info');
const errorItem = described('code', 'message', 'error_chain');
const infoObject = described('page', 'per_page', 'total_count');

export function parseEnvelope(json: unknown): Parsed<Envelope> {
  const parsed = parse(envelope, json, 'the answer');
  if (!parsed.ok) return parsed;
  const { success, errors: rawErrors, result, result_info } = parsed.value;
  const errors = parseErrors(rawErrors);
  const info = v.is(infoObject, result_info) ? result_info : undefined;
  return {
    ok: true,
    value: {
      failed: success === false || errors.length > 0,
      errors,
      result,
      info: info && {
        page: count(info.page),
        perPage: count(info.per_page),
        totalCount: count(info.total_count),
      },
    },
  };
}

/** Cloudflare's own chains have two or three levels. */
const MAX_CHAIN_DEPTH = 10;

function parseErrors(input: unknown, depth = 0): readonly ApiError[] {
  if (!Array.isArray(input) || depth > MAX_CHAIN_DEPTH) return [];
  return input.flatMap((item: unknown) => {
    if (!v.is(errorItem, item)) return [];
    const chain = parseErrors(item.error_chain, depth + 1).flatMap((error) => error.codes);
    const code = count(item.code) ?? count(Number(text(item.code) ?? Number.NaN));
    return [{ codes: code === undefined ? chain : [code, ...chain], message: text(item.message) ?? '' }];
  });
}
