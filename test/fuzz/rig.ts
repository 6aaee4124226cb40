import { onTestFinished } from 'vitest';
import type { Simulator } from '../../src/simulator/index.ts';
import { ACCOUNT, aRig, OTHER_ACCOUNT, type Rig, specOf } from '../poller/support.ts';
import { type ParsedSample, parseExposition } from '../support/exposition-parser.ts';
import { ALL_OPTIONS, aPage, bytesOf, OPENMETRICS, TEXT } from '../support/pages.ts';
import { aSelfMetrics } from '../support/self-metrics.ts';
import { aWebServer, ask } from '../web/serving.ts';

/**
 * An exporter with two accounts on one token, from the API to the web server. Inputs are about
 * ACCOUNT only.
 */
export interface FuzzRig {
  readonly rig: Rig;
  readonly simulator: Simulator;
  readonly url: string;
  /** Advances the clock by an hour, so that every list and detail is requested again. */
  readonly pollAll: () => Promise<void>;
  /**
   * Returns an account's series without times and counters. Throws unless both formats parse
   * strictly.
   */
  readonly seriesOf: (accountId: string) => Promise<readonly string[]>;
  /** Errors that no answer of the API should cause, since the last call. */
  readonly unexpected: () => readonly unknown[];
  /** Whether every collector that was asked for this account has succeeded. */
  readonly isWhole: (accountId: string) => boolean;
}

const HOUR = 3_600_000;
const MESH = {
  name: 'mesh',
  type: 'warp_connector',
  connectors: [{ haStatus: 'active' }, { haStatus: 'passive' }],
} as const;

export async function aFuzzRig(): Promise<FuzzRig> {
  const selfMetrics = aSelfMetrics({
    snapshot: () => rig.store.current(),
    budgets: () => [rig.group.client.budget],
  });
  const unexpected: unknown[] = [];
  const tunnels = ['shop', 'erp'].map(specOf);
  const rig = await aRig({
    simulator: {
      // The API keeps the machine's clock, by which hours pass in a moment.
      rateLimit: { requests: Infinity },
      accounts: [
        { id: ACCOUNT, name: 'One', tunnels: [...tunnels, MESH] },
        { id: OTHER_ACCOUNT, name: 'Two', tunnels: [...tunnels, MESH] },
      ],
    },
    accounts: [ACCOUNT, OTHER_ACCOUNT],
    config: { cloudflare: { requestTimeoutMs: 1_000 } },
    hooks: selfMetrics.clientHooks,
    onError: (error) => void unexpected.push(error),
  });
  const page = aPage({ families: ALL_OPTIONS, selfMetrics: selfMetrics.metrics });
  const { server } = aWebServer({ page, snapshot: rig.store.current, clock: rig.clock.now });
  await server.listen();
  onTestFinished(() => server.close());
  return {
    rig,
    simulator: rig.simulator,
    url: server.addresses()[0] ?? '',
    pollAll: async () => {
      rig.clock.pass(HOUR);
      await rig.loop.once(new AbortController().signal);
      await page.publish(rig.store.current());
    },
    seriesOf: async (accountId) => {
      const text = parseExposition(await bytesOf(page, TEXT), 'text');
      parseExposition(await bytesOf(page, OPENMETRICS), 'openmetrics');
      return text
        .flatMap(({ samples }) => samples)
        .filter(({ name, labels }) => labels.get('account_id') === accountId && !MOVES.test(name))
        .map(lineOf)
        .toSorted();
    },
    unexpected: () => unexpected.splice(0),
    isWhole: (accountId) => {
      const { up, collectors } = rig.account(accountId);
      return up === true && Object.values(collectors).every(({ success }) => success !== false);
    },
  };
}

const MOVES = /_timestamp_seconds$|_total$|_interval_seconds$/;

function lineOf({ name, labels, value }: ParsedSample): string {
  return `${name}${JSON.stringify([...labels])} ${value}`;
}

export const isAlive = async (url: string): Promise<boolean> => (await ask(`${url}/livez`)).status === 200;
