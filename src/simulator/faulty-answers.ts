import type { ApiResponse } from './envelope.ts';
import { ERRORS, failure, isRecord, respond } from './envelope.ts';
import { createRandom } from './random.ts';
import type { FaultEffect } from './faults.ts';

const GATEWAY_PAGE = (status: number): string =>
  `<html>\r\n<head><title>${status} Bad gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`;

/** The page to read from the fleet; differs from the requested one if the fault copies a page. */
export function pageToAnswer(effect: FaultEffect, asked: number): number {
  if (effect.kind === 'repeat_page') return effect.page;
  return effect.kind === 'endless_pages' ? 1 : asked;
}

/** Applies a fault to an answer. `asked` is the requested page. */
export function spoil(
  response: ApiResponse,
  { effect, asked }: { readonly effect: FaultEffect; readonly asked: number },
): ApiResponse {
  switch (effect.kind) {
    case 'status':
      return statusAnswer(effect);
    case 'error':
      return respond(
        failure(effect.status, { code: effect.code, message: effect.message ?? 'Simulated failure' }),
      );
    case 'text':
      return { ...response, status: effect.status ?? 200, body: effect.text };
    case 'half_json':
      return { ...response, body: response.body.slice(0, Math.floor(response.body.length / 2)) };
    case 'rewrite':
      return { ...response, body: JSON.stringify(effect.rewrite(JSON.parse(response.body))) };
    case 'mangle':
      return { ...response, body: effect.mangle(response.body) };
    case 'repeat_page':
      return changedPage(response, (page) => ({ ...page, info: { ...page.info, page: asked } }));
    case 'empty_page':
      return changedPage(response, (page) => ({ rows: [], info: { ...page.info, count: 0 } }));
    case 'total_count':
      return changedPage(response, ({ rows, info }) => ({
        rows,
        info: { ...info, total_count: Math.max(0, Number(info['total_count']) + effect.add) },
      }));
    case 'endless_pages':
      return changedPage(response, (page) => endlessPage(page, asked));
    case 'none':
      return response;
    case 'cut': {
      const bytes = effect.bytes ?? Math.floor(Buffer.byteLength(response.body) / 2);
      return { ...response, delivery: { kind: 'cut', bytes } };
    }
    case 'drip':
      return { ...response, delivery: { bytes: 1, everyMs: 20, ...effect } };
    case 'silence':
      return { ...response, delivery: effect };
    case 'reset':
      return { ...response, delivery: { kind: 'reset', afterBytes: effect.afterBytes } };
    case 'huge':
      return { ...response, delivery: { kind: 'huge', bytes: effect.megabytes * 1024 * 1024 } };
  }
}

function statusAnswer(effect: Extract<FaultEffect, { kind: 'status' }>): ApiResponse {
  const { status, headers, body } = effect;
  const response = respond({ status, body: body === undefined ? defaultBody(status) : body }, headers);
  if (body === undefined && status >= 502) {
    return {
      ...response,
      headers: { ...response.headers, 'Content-Type': 'text/html' },
      body: GATEWAY_PAGE(status),
    };
  }
  return typeof body === 'string' ? { ...response, body } : response;
}

function defaultBody(status: number): unknown {
  switch (status) {
    case 401:
    case 403:
      return ERRORS.noPermission.body;
    case 404:
      return ERRORS.tunnelNotFound.body;
    case 429:
      return ERRORS.throttled.body;
    default:
      return failure(status, { code: 10001, message: 'internal error' }).body;
  }
}

interface Page {
  readonly rows: readonly unknown[];
  readonly info: Readonly<Record<string, unknown>>;
}

/** Changes a page of a list; returns other answers unchanged. */
function changedPage(response: ApiResponse, change: (page: Page) => Page): ApiResponse {
  const body: unknown = JSON.parse(response.body);
  if (!isRecord(body) || !Array.isArray(body['result']) || !isRecord(body['result_info'])) return response;
  const { rows, info } = change({ rows: body['result'], info: body['result_info'] });
  return { ...response, body: JSON.stringify({ ...body, result: rows, result_info: info }) };
}

function endlessPage({ rows, info }: Page, asked: number): Page {
  const perPage = Number(info['per_page']);
  const random = createRandom(asked);
  const full = Array.from({ length: perPage }, (_, index) => {
    const row = rows[index % Math.max(1, rows.length)];
    return { ...(isRecord(row) ? row : {}), id: random.uuid() };
  });
  return { rows: full, info: { ...info, page: asked, count: perPage, total_count: (asked + 1) * perPage } };
}
