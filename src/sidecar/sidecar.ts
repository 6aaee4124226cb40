import type { Connector, Result } from '../core/model.ts';
import { servingConnections } from '../core/serving.ts';
import type { SidecarObservation, SidecarState } from '../core/sidecar.ts';
import type { Logger } from '../log/logger.ts';
import type { Cloudflared } from './cloudflared.ts';

export interface SidecarOptions {
  readonly cloudflared: Cloudflared;
  /** Cloudflare's view of a connector of the tunnel; the value is undefined where it knows none of that id. */
  readonly connector: (id: string, signal: AbortSignal) => Promise<Result<Connector | undefined>>;
  /** What is known by now. */
  readonly state: () => SidecarState | undefined;
  readonly observe: (observation: SidecarObservation) => void;
  /** What `/edge-ready` asks for. */
  readonly minConnections: number;
  readonly clock: () => number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Between two looks at cloudflared. Default: 5 seconds. */
  readonly intervalMs?: number;
}

/** Watches the cloudflared beside us, from both sides. It asks, and never stands in cloudflared's way. */
export interface Sidecar {
  /** Looks at cloudflared now, and from then on at short intervals. */
  readonly start: () => void;
  /** Asks cloudflared once. */
  readonly look: () => Promise<void>;
  /** Asks Cloudflare about the connector last seen; a request of the budget, for every poll. */
  readonly askEdge: () => Promise<void>;
  /** Resolves when nothing is asked any more. */
  readonly stop: () => Promise<void>;
}

const INTERVAL_MS = 5_000;
/** How often, between two polls, the edge is asked about a connector that has just become ready and is not seen yet. */
const EAGER_ASKS = 3;

export function createSidecar(options: SidecarOptions): Sidecar {
  const { cloudflared, state, observe, minConnections, clock, log } = options;
  const stopping = new AbortController();
  const tell = createTeller(log);
  let eagerAsks = 0;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let asking: Promise<void> | undefined;

  const lookOnce = async (): Promise<void> => {
    const before = state();
    const answer = await cloudflared.ask();
    if (stopping.signal.aborted) return;
    tell('cloudflared', answer.ok ? undefined : `cloudflared at ${cloudflared.url} ${answer.problem}`);
    observe(answer.ok ? { ...answer, kind: 'answered' } : { kind: 'silent' });
    const after = state();
    if (after?.ready !== true) return;
    if (before?.ready !== true || before.connectorId !== after.connectorId) eagerAsks = EAGER_ASKS;
    if (eagerAsks === 0 || (after.edge?.connections ?? 0) >= minConnections) return;
    eagerAsks -= 1;
    void askEdge();
  };

  const look = (): Promise<void> =>
    (looking ??= lookOnce().finally(() => {
      looking = undefined;
    }));

  const askOnce = async (): Promise<void> => {
    const id = state()?.connectorId ?? '';
    if (id === '') return;
    const answer = await options.connector(id, stopping.signal);
    if (stopping.signal.aborted) return;
    tell(
      'edge',
      answer.ok ? undefined : `Cloudflare's view of connector ${id} is not known: ${answer.failure.message}`,
    );
    if (!answer.ok) return;
    const connections = answer.value === undefined ? 0 : servingConnections(answer.value).length;
    observe({ kind: 'edge', connectorId: id, connections, at: clock() });
  };

  const askEdge = (): Promise<void> =>
    (asking ??= askOnce().finally(() => {
      asking = undefined;
    }));

  const keepLooking = async (): Promise<void> => {
    await look();
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => void keepLooking(), options.intervalMs ?? INTERVAL_MS);
  };

  return {
    start: () => void keepLooking(),
    look,
    askEdge,
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await cloudflared.close();
      await Promise.all([looking, asking]);
    },
  };
}

/** Tells of a trouble when it begins or changes, and when it is over. */
function createTeller(log: SidecarOptions['log']): (what: string, trouble: string | undefined) => void {
  const told = new Map<string, string>();
  return (what, trouble) => {
    if (trouble === told.get(what)) return;
    if (trouble !== undefined) {
      told.set(what, trouble);
      log.warn(trouble);
    } else if (told.delete(what)) {
      log.info(
        `recovered: ${what === 'edge' ? "Cloudflare's view of the connector is known" : 'cloudflared answers'}`,
      );
    }
  };
}
