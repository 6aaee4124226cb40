import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Config } from '../config/config.ts';
import { secretsOfProxy } from '../config/proxy.ts';
import { createSecrets } from '../config/secrets.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import { broken } from './breaks.ts';
import { createBudget, type Budget, type Hold } from './budget.ts';
import { clockSkew } from './clock-skew.ts';
import type { Endpoint } from './endpoints.ts';
import {
  STOPPED,
  describeTarget,
  notUnderstood,
  quote,
  redirected,
  refused,
  unexpected,
  type CallContext,
  type CallFailure,
} from './errors.ts';
import { shownProxy } from './proxy-error.ts';
import { askedFor, blockTime, type RetryAfterHeaders } from './retry-after.ts';
import { retryDelay, type AttemptEnd } from './retry.ts';
import { parseEnvelope, type Envelope } from './schema.ts';
import { linkSignals } from './signals.ts';
import type { LiveToken } from './live-token.ts';
import { createTransport, type Answer, type Transport } from './transport.ts';

export type CallResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CallFailure };

export interface SentRequest {
  readonly endpoint: Endpoint;
  /** The HTTP status, or 'none' where no complete answer came. */
  readonly code: string;
  readonly seconds: number;
}

export interface HttpOptions {
  readonly config: Config['cloudflare'];
  readonly token: LiveToken;
  /** Wall clock, ms: only to tell people until when we are blocked, and to read dates. */
  readonly clock: () => number;
  /** Milliseconds that do not jump: for the budget. */
  readonly monotonic: () => number;
  readonly random: () => number;
  readonly version: string;
  /** Shared by every token of one owner; may become another one between two calls. Default: one of its own. */
  readonly budget?: (() => Budget) | undefined;
  /** Connections shared with other tokens; who gives them closes them. Default: some of its own. */
  readonly transport?: Transport | undefined;
  readonly onRequest: (request: SentRequest) => void;
  readonly onRetry: () => void;
  /** How far this machine's clock is ahead of the API's, by each answer that has a date. */
  readonly onClockSkew: (skewMs: number) => void;
}

export interface Http {
  /**
   * One call: its turn, its share of the budget, the request, retries. Resolves with the envelope of a good answer or
   * with the failure; never rejects. Waiting for a turn has no deadline, waiting for the budget `budgetWaitMs`, and
   * then the request timeout covers all attempts with their bodies.
   */
  readonly request: (path: string, options: RequestOptions) => Promise<CallResult<Envelope>>;
  readonly budget: () => Budget;
  readonly close: () => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Planned requests to send from. What it does not cover comes out of the budget when it is sent. */
  readonly hold?: Hold | undefined;
  /** How long each request waits for the budget. Default: the request timeout. */
  readonly budgetWaitMs?: number | undefined;
}

export interface RequestOptions extends CallOptions {
  readonly endpoint: Endpoint;
}

interface Call extends CallContext {
  /** The token, as it was when the call began. */
  readonly secret: string;
  /** The caller, or close(). */
  readonly stopped: AbortSignal;
  /** The same, or the deadline. */
  readonly ended: AbortSignal;
}

type Attempt =
  | { readonly ok: true; readonly value: Envelope }
  | {
      readonly ok: false;
      readonly failure: CallFailure;
      readonly end: AttemptEnd;
      readonly retryAfterMs?: number | undefined;
    };

export function createHttp(options: HttpOptions): Http {
  const { config, token, clock, monotonic } = options;
  const timeoutMs = config.requestTimeoutMs;
  const { host } = new URL(config.apiUrl);
  const own = createBudget(config.requestBudget);
  const budgetNow = options.budget ?? (() => own);
  const turns = pLimit(config.concurrency);
  const redactionOf = createRedaction(config.proxy === undefined ? [] : secretsOfProxy(config.proxy));
  const closing = new AbortController();
  const transport = options.transport ?? createTransport(options);

  const blocked = (path: string): CallFailure =>
    notSent(
      `Cloudflare refuses this token's requests for another ${inSeconds(budgetNow().blockedFor(monotonic()))}`,
      path,
    );

  /** Takes one request out of the budget, waiting for `maxWaitMs` at most. The failure where there is none. */
  async function spend(maxWaitMs: number, { path, signal }: { path: string; signal: AbortSignal }) {
    const budget = budgetNow();
    const share = budget.reserve(monotonic(), maxWaitMs);
    if (share.kind === 'blocked') return blocked(path);
    if (share.kind === 'spent')
      return notSent(
        `own budget of ${budget.requests} requests per 5 minutes is spent for another ${inSeconds(share.waitMs)}`,
        path,
      );
    if (share.waitMs === 0) return undefined;
    const refusedMeanwhile = budget.nextBlock();
    const link = linkSignals([signal, refusedMeanwhile]);
    try {
      await sleep(share.waitMs, undefined, { signal: link.signal });
      return undefined;
    } catch {
      share.giveBack();
      return refusedMeanwhile.aborted ? blocked(path) : STOPPED;
    } finally {
      link.unlink();
    }
  }

  /**
   * After a refusal for too many requests: stops the calls of every token of this owner, and says so in the failure. A new
   * token does not lift the block, because Cloudflare counts all tokens of a user together (API docs, "Rate limits").
   */
  function block(failure: CallFailure, headers: RetryAfterHeaders): CallFailure {
    const { ms, capped } = blockTime(headers, clock());
    budgetNow().block(monotonic(), ms);
    const asked = capped ? ' (it asked for longer, which is not believed)' : '';
    return {
      ...failure,
      message: `${failure.message}; no request with this token for ${inSeconds(ms)}${asked}`,
    };
  }

  async function attempt(call: Call): Promise<Attempt> {
    const startedAt = performance.now();
    const report = (code: string): void =>
      options.onRequest({ endpoint: call.endpoint, code, seconds: (performance.now() - startedAt) / 1_000 });

    let answer: Answer;
    try {
      answer = await transport.get(call.path, { token: call.secret, signal: call.ended });
    } catch (error) {
      report('none');
      if (call.stopped.aborted) return failed(STOPPED);
      if (call.ended.aborted) return failed(timedOut(call, timeoutMs));
      const { end, ...failure } = broken(error, call, clock());
      return { ok: false, failure, end };
    }
    report(String(answer.status));
    const skew = clockSkew(header(answer, 'date'), clock());
    if (skew !== undefined) options.onClockSkew(skew);

    // Answers come in bursts: a token's details together, the lists of all accounts at the same second.
    await yieldToEventLoop();
    const judged = judge(answer, call);
    if (judged.ok) return judged;
    const headers = { retryAfter: header(answer, 'retry-after'), date: header(answer, 'date') };
    if (judged.failure.reason === 'rate_limited') return failed(block(judged.failure, headers));
    return { ...judged, end: answer.status, retryAfterMs: askedFor(headers, clock()) };
  }

  async function attempts(call: Call): Promise<CallResult<Envelope>> {
    const deadline = performance.now() + timeoutMs;
    const remaining = (): number => deadline - performance.now();
    for (let retries = 0; ; retries += 1) {
      const last = await attempt(call);
      if (last.ok) return last;
      const delay = retryDelay({ ...last, retries, remainingMs: remaining(), random: options.random() });
      const result = { ok: false, failure: last.failure } as const;
      if (delay === undefined) return result;
      await sleep(delay, undefined, { signal: call.ended }).catch(() => undefined);
      const denied = call.ended.aborted
        ? STOPPED
        : await spend(remaining(), { path: call.path, signal: call.ended });
      if (call.stopped.aborted) return { ok: false, failure: STOPPED };
      if (denied !== undefined) return result;
      options.onRetry();
    }
  }

  async function run(
    path: string,
    { endpoint, signal, hold, budgetWaitMs = timeoutMs }: RequestOptions,
  ): Promise<CallResult<Envelope>> {
    const stop = linkSignals([signal, closing.signal]);
    const deadline = new AbortController();
    const end = linkSignals([stop.signal, deadline.signal]);
    let timer: NodeJS.Timeout | undefined;
    try {
      if (stop.signal.aborted) return { ok: false, failure: STOPPED };
      const secret = token.current();
      if (secret === undefined) return { ok: false, failure: noToken(token) };
      const denied =
        hold?.use(monotonic()) === true
          ? undefined
          : await spend(budgetWaitMs, { path, signal: stop.signal });
      if (denied !== undefined) return { ok: false, failure: denied };
      timer = setTimeout(() => deadline.abort(), timeoutMs);
      return await attempts({
        endpoint,
        path,
        host,
        proxy: config.proxy,
        secret,
        redact: redactionOf(secret),
        stopped: stop.signal,
        ended: end.signal,
      });
    } catch (error) {
      return { ok: false, failure: unexpected(error, { path }) };
    } finally {
      clearTimeout(timer);
      end.unlink();
      stop.unlink();
    }
  }

  return {
    request: (path, requestOptions) => turns(run, path, requestOptions),
    budget: budgetNow,
    close: async () => {
      closing.abort();
      if (options.transport === undefined) await transport.close();
    },
  };
}

/** The redaction of the current token and of these; its forms are computed once, not for each request. */
function createRedaction(others: readonly string[]): (secret: string) => (text: string) => string {
  let last: { readonly secret: string; readonly redact: (text: string) => string } | undefined;
  return (secret) => {
    if (last?.secret !== secret) last = { secret, redact: createSecrets([secret, ...others]).redact };
    return last.redact;
  };
}

const notSent = (why: string, path: string): CallFailure => ({
  reason: 'rate_limited',
  message: `${why}; not sent: ${describeTarget(path)}`,
  codes: [],
});

/** An attempt that is not made again. */
const failed = (failure: CallFailure): Attempt => ({ ok: false, failure, end: 'other' });

const noToken = (token: LiveToken): CallFailure => ({
  reason: 'auth',
  message: `no API token: ${token.problem() ?? 'none was given'}`,
  codes: [],
});

const timedOut = ({ path, proxy }: CallContext, timeoutMs: number): CallFailure => ({
  reason: 'timeout',
  message: `no complete answer${proxy === undefined ? '' : ` through the proxy ${shownProxy(proxy)}`} within ${timeoutMs / 1_000} s (--cloudflare.request-timeout): ${describeTarget(path)}`,
  codes: [],
});

/** What an answer means, before anyone looks into its result. */
function judge({ status, headers, body }: Answer, context: CallContext): CallResult<Envelope> {
  if (status >= 300 && status < 400)
    return fail(redirected(status, String(headers['location'] ?? ''), context));
  if (body.kind === 'unread') return fail(notUnderstood(status, body.why, context));
  if (body.text === '') return fail(notUnderstood(status, 'is empty', context));
  const json = parseJson(body.text);
  if (json === undefined) {
    // Redacted before it is cut, which could leave the beginning of a secret.
    const beginning = quote(context.redact(body.text.slice(0, 1_000)).slice(0, 60), context.redact);
    const isWebPage = HTML.test(body.text);
    const what = `is not JSON${isWebPage ? ' but a web page' : ''} (it begins ${beginning})`;
    return fail(notUnderstood(status, what, { ...context, isWebPage }));
  }
  const envelope = parseEnvelope(json);
  if (!envelope.ok) return fail(notUnderstood(status, `is not the API's: ${envelope.problem}`, context));
  if (status >= 400 || envelope.value.failed)
    return fail(refused({ status, errors: envelope.value.errors }, context));
  return envelope;
}

/** What proxies, firewalls and gateways say to a person. */
const HTML = /^\s*<(?:!doctype|html|head|body)\b/i;

const fail = (failure: CallFailure): CallResult<never> => ({ ok: false, failure });

/** `undefined` where it is none: JSON itself has no such value. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function header({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1_000)} s`;
