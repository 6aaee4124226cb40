import pLimit from 'p-limit';
import { createBudget } from '../../cloudflare/budget.ts';
import { createClient } from '../../cloudflare/client.ts';
import { createToken } from '../../cloudflare/token.ts';
import { clockProblem } from '../../cloudflare/clock-skew.ts';
import { createTransport } from '../../cloudflare/transport.ts';
import type { Config } from '../../config/config.ts';
import { intervalOf } from '../../poller/schedule.ts';
import { about } from '../about.ts';
import { groupByOwner, type TokenFacts } from '../budget-owners.ts';
import { groupByToken, nameOfToken } from '../token-groups.ts';
import { FULL_BUDGET, type TokenFindings } from './findings.ts';
import { inspectAccount, notListed, probeDetails } from './inspect.ts';
import { problemsOf, tokenFailure } from './problems.ts';
import { report } from './report.ts';

/** So many tokens are inspected at the same time, with the concurrency of one. */
const TOKENS_AT_ONCE = 4;

interface Inspected {
  readonly findings: TokenFindings;
  readonly facts: TokenFacts;
}

/**
 * Preflight: lists each account once, asks each endpoint about one tunnel once for each token, and prints what came of it.
 * Resolves to the exit code.
 */
export async function check(config: Config, print: (text: string) => void): Promise<number> {
  let clock: string | undefined;
  const inspected = await inspectTokens(config, (skewMs) => (clock = clockProblem(skewMs)));
  const owners = groupByOwner(inspected, ({ facts }) => facts).map(({ name, tokens }) => ({
    name,
    tokens: tokens.map(({ findings }) => findings),
  }));
  const settings = {
    apiUrl: config.cloudflare.apiUrl,
    requestBudget: config.cloudflare.requestBudget,
    pollIntervalMs: intervalOf(config.poll.schedule),
    staleAfterMs: config.poll.staleAfterMs,
    types: config.tunnels.types,
    otherProblems: clock === undefined ? [] : [clock],
  };
  print(report(owners, settings));
  return problemsOf(owners, settings).length === 0 ? 0 : 1;
}

async function inspectTokens(
  config: Config,
  onClockSkew: (skewMs: number) => void,
): Promise<readonly Inspected[]> {
  const groups = groupByToken(config.accounts);
  const atOnce = Math.min(TOKENS_AT_ONCE, Math.max(1, groups.length));
  // All tokens may be of one user, and the check must not wait for a small budget.
  const shared = createBudget(FULL_BUDGET);
  const limit = pLimit(atOnce);
  const { version } = about();
  const transport = createTransport({ config: config.cloudflare, version });
  const inspected = await Promise.all(
    groups.map((accounts) =>
      limit(async () => {
        const [{ id, token: source, budgetGroup }] = accounts;
        const token = await createToken(source);
        let budget = shared;
        const client = createClient({
          config: {
            ...config.cloudflare,
            concurrency: Math.max(1, Math.floor(config.cloudflare.concurrency / atOnce)),
          },
          token,
          transport,
          hooks: { onClockSkew },
          budget: () => budget,
          clock: Date.now,
          random: Math.random,
          version,
        });
        const verified = await client.verify(id);
        const owner = verified.ok ? verified.value.owner : undefined;
        if (owner === 'account') budget = createBudget(FULL_BUDGET);
        const { tunnels } = config;
        const options = {
          client,
          types: tunnels.types,
          selection: tunnels,
          configurations: tunnels.configurations,
          routes: tunnels.routes && tunnels.ids.length === 0,
        };
        const unusable = tokenFailure(verified);
        const found =
          unusable === undefined
            ? await Promise.all(accounts.map((account) => inspectAccount(account, options)))
            : accounts.map((account) => notListed(account, unusable));
        const probes = unusable === undefined ? await probeDetails(found, options) : [];
        await client.close();
        const name = nameOfToken(source);
        return {
          findings: { source: name, token: verified, probes, accounts: found },
          facts: { key: JSON.stringify(source), name, value: token.current(), budgetGroup, owner },
        };
      }),
    ),
  );
  await transport.close();
  return inspected;
}
