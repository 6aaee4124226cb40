import pLimit from 'p-limit';
import type { Hold } from '../cloudflare/budget.ts';
import type { Client } from '../cloudflare/client.ts';
import type { CallOptions } from '../cloudflare/http.ts';
import type { Config } from '../config/config.ts';
import { type Failure, failureOf, type Observation } from '../core/model.ts';
import type { DetailRequest } from '../core/plan-details.ts';
import type { PlannedRequest } from '../core/plan.ts';
import { isSelected } from '../core/select.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import type { SnapshotStore } from './store.ts';

export interface SenderOptions {
  readonly clientOf: (
    accountId: string,
  ) => Pick<Client, 'listTunnels' | 'connections' | 'configuration' | 'routes'>;
  readonly store: Pick<SnapshotStore, 'apply'>;
  readonly clock: () => number;
  readonly tunnels: Config['tunnels'];
  readonly concurrency: number;
  /** Receives observations after they were applied. */
  readonly onApplied: (observations: readonly Observation[]) => void;
  /** Receives errors that no answer of the API should cause. */
  readonly onError: (error: unknown) => void;
}

export interface SentOptions {
  readonly signal: AbortSignal;
  /** Budget held for this request. Undefined if the client takes what it needs. */
  readonly hold: Hold | undefined;
}

/** Sends planned requests with limited concurrency, and applies the answers. */
export interface Sender {
  /** Resolves when the answer is applied. Never rejects. Nothing is applied after an abort. */
  readonly send: (request: PlannedRequest, options: SentOptions) => Promise<void>;
  /** Whether the request is sent and its answer is not yet applied. */
  readonly isInFlight: (request: PlannedRequest) => boolean;
  readonly inFlight: () => number;
  readonly unanswered: () => number;
  /** Resolves when the next answers have been applied, or dropped. */
  readonly applied: () => Promise<void>;
  /** Retries endpoints that have refused the token. */
  readonly retryRefused: () => void;
}

/** Answers that arrive within this time are applied together. */
const COALESCE_MS = 250;

interface Answer {
  readonly key: string;
  readonly observations: readonly Observation[];
  readonly signal: AbortSignal;
  readonly applied: () => void;
}

export function createSender(options: SenderOptions): Sender {
  const { clientOf, store, clock, tunnels, onApplied, onError } = options;
  const limit = pLimit(options.concurrency);
  const onlyId = tunnels.ids.length === 1 ? tunnels.ids[0] : undefined;
  const inFlight = new Set<string>();
  let unanswered = 0;
  let refusals: Refusals = createRefusals();
  let answers: Answer[] = [];
  let timer: NodeJS.Timeout | undefined;
  let next = Promise.withResolvers<void>();

  const apply = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    await yieldToEventLoop();
    const arrived = answers;
    answers = [];
    if (arrived.length === 0) return;
    const observations = arrived.flatMap((answer) => (answer.signal.aborted ? [] : answer.observations));
    try {
      if (observations.length > 0) {
        store.apply(observations);
        onApplied(observations);
      }
    } catch (error) {
      onError(error);
    }
    for (const { key, applied } of arrived) {
      inFlight.delete(key);
      applied();
    }
    const waiters = next;
    next = Promise.withResolvers();
    waiters.resolve();
  };
  const applySoon = (): void => {
    if (unanswered === 0) void apply();
    else timer ??= setTimeout(() => void apply(), COALESCE_MS);
  };

  const requestList = async (accountId: string, call: CallOptions): Promise<readonly Observation[]> => {
    const account = { id: accountId, tunnelId: onlyId };
    const observations = await clientOf(accountId).listTunnels(account, tunnels.types, call);
    return observations.map((observation) => select(observation, tunnels));
  };

  const requestDetail = async (
    request: DetailRequest,
    call: CallOptions,
  ): Promise<readonly Observation[]> => {
    const { kind, tunnel } = request;
    const endpoint = `${kind} ${tunnel.type} ${tunnel.accountId}`;
    const current = refusals;
    const refused = current.of(endpoint);
    if (refused !== undefined)
      return failed(request, { failure: refused, at: clock(), types: tunnels.types });
    const client = clientOf(tunnel.accountId);
    const observation = await (kind === 'connections'
      ? client.connections(tunnel, call)
      : client.configuration(tunnel, call));
    current.answered(endpoint, failureOf(observation));
    return [observation];
  };

  const requestAny = async (request: PlannedRequest, call: CallOptions): Promise<readonly Observation[]> => {
    try {
      switch (request.kind) {
        case 'list':
          return await requestList(request.accountId, call);
        case 'routes':
          return [await clientOf(request.accountId).routes(request.accountId, request.routeKind, call)];
        case 'connections':
        case 'configuration':
          return await requestDetail(request, call);
      }
    } catch (error) {
      onError(error);
      const message = 'the exporter failed to read an answer, which is a bug; the log has the error';
      const failure = { reason: 'malformed', message } as const;
      return failed(request, { failure, at: clock(), types: tunnels.types });
    }
  };

  return {
    send: async (request, { signal, hold }) => {
      const key = keyOf(request);
      inFlight.add(key);
      unanswered += 1;
      const observations = await limit(async () =>
        signal.aborted ? [] : requestAny(request, hold === undefined ? { signal } : { signal, hold }),
      );
      hold?.release();
      unanswered -= 1;
      await new Promise<void>((resolve) => {
        answers.push({ key, observations, signal, applied: resolve });
        applySoon();
      });
    },
    isInFlight: (request) => inFlight.has(keyOf(request)),
    inFlight: () => inFlight.size,
    unanswered: () => unanswered,
    applied: () => next.promise,
    retryRefused: () => {
      refusals = createRefusals();
    },
  };
}

function select(observation: Observation, tunnels: Config['tunnels']): Observation {
  if (observation.kind !== 'tunnels' || !observation.result.ok) return observation;
  const value = observation.result.value.filter(({ tunnel }) => isSelected(tunnel, tunnels));
  return { ...observation, result: { ok: true, value } };
}

export function keyOf(request: PlannedRequest): string {
  if (request.kind === 'list') return `list ${request.accountId}`;
  if (request.kind === 'routes') return `routes ${request.accountId} ${request.routeKind}`;
  return `${request.kind} ${request.tunnel.accountId} ${request.tunnel.id}`;
}

/** The observation of a request that failed without being sent. */
function failed(
  request: PlannedRequest,
  {
    failure,
    at,
    types,
  }: { readonly failure: Failure; readonly at: number; readonly types: Config['tunnels']['types'] },
): readonly Observation[] {
  const result = { ok: false, failure } as const;
  if (request.kind === 'list') return [{ kind: 'tunnels', accountId: request.accountId, types, at, result }];
  if (request.kind === 'routes') {
    const { accountId, routeKind } = request;
    return [{ kind: 'routes', accountId, routeKind, at, result }];
  }
  const { kind, tunnel } = request;
  return [{ kind, accountId: tunnel.accountId, tunnelId: tunnel.id, at, result }];
}

/** Which endpoints refuse the token in this poll, so that no further request is sent to them. */
interface Refusals {
  /** Why the endpoint refuses requests; undefined while it does not. */
  readonly of: (endpoint: string) => Failure | undefined;
  /** Takes the result of a request; undefined for a success. */
  readonly answered: (endpoint: string, failure: Failure | undefined) => void;
}

/** This many refusals before any success concern the endpoint, not single tunnels. */
const REFUSALS_BEFORE_GIVING_UP = 3;

function createRefusals(): Refusals {
  const refusing = new Map<string, Failure>();
  const counts = new Map<string, number>();
  return {
    of: (endpoint) => refusing.get(endpoint),
    answered: (endpoint, failure) => {
      if (failure === undefined) {
        counts.set(endpoint, -Infinity);
      } else if (failure.reason === 'rate_limited') {
        refusing.set(endpoint, failure);
      } else if (failure.reason === 'auth' || failure.reason === 'permission') {
        const count = (counts.get(endpoint) ?? 0) + 1;
        counts.set(endpoint, count);
        if (count >= REFUSALS_BEFORE_GIVING_UP) refusing.set(endpoint, failure);
      }
    },
  };
}
