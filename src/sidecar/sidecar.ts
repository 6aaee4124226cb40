import { type Connector, type Result, servingConnections } from '../core/model.ts';
import type { SidecarObservation, SidecarState } from '../core/sidecar-state.ts';
import type { Logger } from '../log/logger.ts';
import type { Cloudflared } from './cloudflared.ts';

export interface SidecarOptions {
  readonly cloudflared: Cloudflared;
  /** Cloudflare's view of a connector; undefined if it knows none of that id. */
  readonly connector: (id: string, signal: AbortSignal) => Promise<Result<Connector | undefined>>;
  readonly state: () => SidecarState | undefined;
  readonly observe: (observation: SidecarObservation) => void;
  /** What `/edge-ready` requires. */
  readonly minConnections: number;
  readonly clock: () => number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Time between two checks of cloudflared. Default: 5 seconds. */
  readonly intervalMs?: number;
}

/** Observes a cloudflared's own readiness, and Cloudflare's view of its connector. */
export interface Sidecar {
  /** Checks cloudflared now and then every `intervalMs`. */
  readonly start: () => void;
  readonly checkCloudflared: () => Promise<void>;
  /** Requests Cloudflare's view of the connector, once per poll and within the budget. */
  readonly checkEdge: () => Promise<void>;
  /** Resolves when no check is running. */
  readonly stop: () => Promise<void>;
}

const INTERVAL_MS = 5_000;
/** Extra edge checks between two polls, for a connector that has just become ready. */
const EXTRA_EDGE_CHECKS = 3;

export function createSidecar(options: SidecarOptions): Sidecar {
  const { cloudflared, state, observe, minConnections, clock, log } = options;
  const stopping = new AbortController();
  const report = createProblemLog(log);
  let extraChecks = 0;
  let timer: NodeJS.Timeout | undefined;

  const checkCloudflared = singleFlight(async () => {
    const before = state();
    const answer = await cloudflared.readiness();
    if (stopping.signal.aborted) return;
    report('cloudflared', answer.ok ? undefined : `cloudflared at ${cloudflared.url} ${answer.problem}`);
    observe(answer.ok ? { ...answer, kind: 'answered' } : { kind: 'silent' });
    const after = state();
    if (after?.ready !== true) return;
    if (before?.ready !== true || before.connectorId !== after.connectorId) extraChecks = EXTRA_EDGE_CHECKS;
    if (extraChecks === 0 || (after.edge?.connections ?? 0) >= minConnections) return;
    extraChecks -= 1;
    void checkEdge();
  });

  const checkEdge = singleFlight(async () => {
    const id = state()?.connectorId ?? '';
    if (id === '') return;
    const answer = await options.connector(id, stopping.signal);
    if (stopping.signal.aborted) return;
    report(
      'edge',
      answer.ok ? undefined : `Cloudflare's view of connector ${id} is not known: ${answer.failure.message}`,
    );
    if (!answer.ok) return;
    const connections = answer.value === undefined ? 0 : servingConnections(answer.value).length;
    observe({ kind: 'edge', connectorId: id, connections, at: clock() });
  });

  const run = async (): Promise<void> => {
    await checkCloudflared();
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => void run(), options.intervalMs ?? INTERVAL_MS);
  };

  return {
    start: () => void run(),
    checkCloudflared,
    checkEdge,
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await cloudflared.close();
      await Promise.all([checkCloudflared.running(), checkEdge.running()]);
    },
  };
}

/** Calls that come while the check runs share its result. */
function singleFlight(
  check: () => Promise<void>,
): (() => Promise<void>) & { running: () => Promise<void> | undefined } {
  let running: Promise<void> | undefined;
  const call = (): Promise<void> =>
    (running ??= check().finally(() => {
      running = undefined;
    }));
  return Object.assign(call, { running: () => running });
}

/** Logs a problem when it starts or changes, and when it ends. */
function createProblemLog(log: SidecarOptions['log']): (side: string, problem: string | undefined) => void {
  const logged = new Map<string, string>();
  return (side, problem) => {
    if (problem === logged.get(side)) return;
    if (problem !== undefined) {
      logged.set(side, problem);
      log.warn(problem);
    } else if (logged.delete(side)) {
      log.info(
        `recovered: ${side === 'edge' ? "Cloudflare's view of the connector is known" : 'cloudflared answers'}`,
      );
    }
  };
}
