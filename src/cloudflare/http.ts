import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Config } from '../config/config.ts';
import { secretsOfProxy } from '../config/proxy.ts';
import { createSecrets } from '../config/secrets.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import { readAnswer } from './answer.ts';
import { broken } from './breaks.ts';
import { createBudget, type Budget, type Hold } from './budget.ts';
import { clockSkew } from './clock-skew.ts';
import type { Endpoint } from './endpoints.ts';
import {
  malformed,
  notSent,
  STOPPED,
  timedOut,
  unexpected,
  type CallContext,
  type CallFailure,
  type CallResult,
} from './errors.ts';
import type { LiveToken } from './live-token.ts';
import { askedFor, blockTime, retryDelay, type AttemptEnd, type RetryAfterHeaders } from './retry.ts';
import type { Envelope } from './schema/envelope.ts';
import type { Parsed } from './schema/fields.ts';
import { linkSignals } from './linked-signal.ts';
import { createTransport, type Answer, type Transport } from './transport.ts';

export interface SentRequest {
  readonly endpoint: Endpoint;
  /** The HTTP status, or 'none' without a complete answer. */
  readonly code: string;
  readonly seconds: number;
}

/** Called synchronously; must not throw. */
export interface HttpHooks {
  /** Called for each attempt, retries included. */
  readonly onRequest?: (request: SentRequest) => void;
  /** Called once per attempt beyond a call's first. */
  readonly onRetry?: () => void;
  /** How far this machine's clock is ahead of the API's; called for each answer with a date. */
  readonly onClockSkew?: (skewMs: number) => void;
}

export interface HttpOptions {
  readonly config: Config['cloudflare'];
  readonly token: LiveToken;
  /** Wall clock in milliseconds, for messages and for dates in headers. */
  readonly clock: () => number;
  /** Monotonic clock in milliseconds, for the budget. */
  readonly monotonic: () => number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** The exporter's version, for the User-Agent. */
  readonly version: string;
  /**
   * The budget of the token's owner, shared by all of the owner's tokens; may change between calls.
   * Default: a new one.
   */
  readonly budget?: (() => Budget) | undefined;
  /** Connections shared with other tokens; the caller closes them. Default: new ones. */
  readonly transport?: Transport | undefined;
  readonly hooks: HttpHooks;
}

export interface Http {
  /**
   * One call: waits for a free slot of the concurrency limit, takes a request from the budget,
   * sends it, retries. Resolves with the good answer as `parser` reads it, or with the failure;
   * never rejects. Waiting for a slot has no deadline, waiting for the budget takes at most
   * `budgetWaitMs`, and the request timeout then covers all attempts with their bodies.
   */
  readonly request: <T>(
    path: string,
    options: RequestOptions,
    parser: (envelope: Envelope) => Parsed<T>,
  ) => Promise<CallResult<T>>;
  readonly budget: () => Budget;
  readonly close: () => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Planned requests, used first. Requests beyond them are taken from the budget when they are sent. */
  readonly hold?: Hold | undefined;
  /** How long each request may wait for the budget. Default: the request timeout. */
  readonly budgetWaitMs?: number | undefined;
}

export interface RequestOptions extends CallOptions {
  readonly endpoint: Endpoint;
}

interface Call extends CallContext {
  /** The token at the beginning of the call. */
  readonly secret: string;
  /** Aborted by the caller or by close(). */
  readonly stopped: AbortSignal;
  /** Aborted by the caller, by close() or by the deadline. */
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
  const { config, token, clock, monotonic, hooks } = options;
  const timeoutMs = config.requestTimeoutMs;
  const { host } = new URL(config.apiUrl);
  const ownBudget = createBudget(config.requestBudget);
  const budgetNow = options.budget ?? (() => ownBudget);
  const limit = pLimit(config.concurrency);
  const redactionOf = createRedaction(config.proxy === undefined ? [] : secretsOfProxy(config.proxy));
  const closing = new AbortController();
  const transport = options.transport ?? createTransport(options);

  const blocked = (path: string): CallFailure =>
    notSent(
      `Cloudflare refuses this token's requests for another ${inSeconds(budgetNow().blockedFor(monotonic()))}`,
      path,
    );

  /** Takes one request from the budget within `maxWaitMs`. Resolves to the failure, if any. */
  async function spend(maxWaitMs: number, { path, signal }: { path: string; signal: AbortSignal }) {
    const budget = budgetNow();
    const reservation = budget.reserve(monotonic(), maxWaitMs);
    if (reservation.kind === 'blocked') return blocked(path);
    if (reservation.kind === 'spent')
      return notSent(
        `own budget of ${budget.requests} requests per 5 minutes is spent for another ${inSeconds(reservation.waitMs)}`,
        path,
      );
    if (reservation.waitMs === 0) return undefined;
    const nextBlock = budget.nextBlock();
    const link = linkSignals([signal, nextBlock]);
    try {
      await sleep(reservation.waitMs, undefined, { signal: link.signal });
      return undefined;
    } catch {
      reservation.giveBack();
      return nextBlock.aborted ? blocked(path) : STOPPED;
    } finally {
      link.unlink();
    }
  }

  /**
   * Blocks the budget after a 429, which stops the calls of all tokens of the owner, and adds that
   * to the failure. A new token does not lift the block, because Cloudflare counts all tokens of a
   * user together (API docs, "Rate limits").
   */
  function block(failure: CallFailure, headers: RetryAfterHeaders): CallFailure {
    const { ms, capped } = blockTime(headers, clock());
    budgetNow().block(monotonic(), ms);
    const asked = capped ? ' (Cloudflare asked for longer, which is ignored)' : '';
    return {
      ...failure,
      message: `${failure.message}; no request with this token for ${inSeconds(ms)}${asked}`,
    };
  }

  async function attempt(call: Call): Promise<Attempt> {
    const startedAt = performance.now();
    const report = (code: string): void =>
      hooks.onRequest?.({ endpoint: call.endpoint, code, seconds: (performance.now() - startedAt) / 1_000 });

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
    if (skew !== undefined) hooks.onClockSkew?.(skew);

    // Answers arrive in bursts: the details of a token, the lists of all accounts.
    await yieldToEventLoop();
    const read = readAnswer(answer, call);
    if (read.ok) return read;
    const headers = { retryAfter: header(answer, 'retry-after'), date: header(answer, 'date') };
    if (read.failure.reason === 'rate_limited') return failed(block(read.failure, headers));
    return { ...read, end: answer.status, retryAfterMs: askedFor(headers, clock()) };
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
      hooks.onRetry?.();
    }
  }

  async function run<T>(
    path: string,
    { endpoint, signal, hold, budgetWaitMs = timeoutMs }: RequestOptions,
    parser: (envelope: Envelope) => Parsed<T>,
  ): Promise<CallResult<T>> {
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
      const answer = await attempts({
        endpoint,
        path,
        host,
        proxy: config.proxy,
        secret,
        redact: redactionOf(secret),
        stopped: stop.signal,
        ended: end.signal,
      });
      if (!answer.ok) return answer;
      const parsed = parser(answer.value);
      return parsed.ok ? parsed : { ok: false, failure: malformed(parsed.problem, { path }) };
    } catch (error) {
      return { ok: false, failure: unexpected(error, { path }) };
    } finally {
      clearTimeout(timer);
      end.unlink();
      stop.unlink();
    }
  }

  return {
    request: (path, requestOptions, parser) => limit(() => run(path, requestOptions, parser)),
    budget: budgetNow,
    close: async () => {
      closing.abort();
      if (options.transport === undefined) await transport.close();
    },
  };
}

/** Redacts the current token and other secrets. Encoded forms are computed once per token. */
function createRedaction(others: readonly string[]): (secret: string) => (text: string) => string {
  let last: { readonly secret: string; readonly redact: (text: string) => string } | undefined;
  return (secret) => {
    if (last?.secret !== secret) last = { secret, redact: createSecrets([secret, ...others]).redact };
    return last.redact;
  };
}

/** An attempt that is not retried. */
const failed = (failure: CallFailure): Attempt => ({ ok: false, failure, end: 'other' });

const noToken = (token: LiveToken): CallFailure => ({
  reason: 'auth',
  message: `no API token: ${token.problem() ?? 'none was given'}`,
  codes: [],
});

function header({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1_000)} s`;
