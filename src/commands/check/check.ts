import pLimit from 'p-limit';
import { createBudget } from '../../cloudflare/budget.ts';
import { type Client, createClient, type VerifiedToken } from '../../cloudflare/client.ts';
import { clockProblem } from '../../cloudflare/clock-skew.ts';
import { openLiveToken, type LiveToken } from '../../cloudflare/live-token.ts';
import { createTransport } from '../../cloudflare/transport.ts';
import type { Config } from '../../config/config.ts';
import { afterList, NEVER_LISTED } from '../../core/discovery.ts';
import type { Account, Result } from '../../core/model.ts';
import { intervalOf } from '../../poller/schedule.ts';
import { buildInfo } from '../build-info.ts';
import { groupByOwner, type TokenFacts } from '../token-owners.ts';
import { keyOfToken, nameOfToken, type TokenUse, tokenUses, watchedAccounts } from '../watched-accounts.ts';
import { inspectAccount, listProbe, notListed, probeDetails, type TokenFindings } from './inspect.ts';
import { FULL_BUDGET } from './polling-plan.ts';
import { problemsOf, tokenFailure } from './problems.ts';
import { report } from './report.ts';

/** Tokens inspected at the same time; together they use the concurrency of one token. */
const TOKENS_AT_ONCE = 4;

interface Inspected {
  readonly findings: TokenFindings;
  readonly facts: TokenFacts;
}

/**
 * Preflight check: finds the accounts, lists each once, requests each endpoint once per token, and
 * prints a report. Resolves to the exit code: 0 without problems, otherwise 1.
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
    proxy: config.cloudflare.proxy,
    requestBudget: config.cloudflare.requestBudget,
    pollIntervalMs: intervalOf(config.poll.schedule),
    staleAfterMs: config.poll.staleAfterMs,
    types: config.tunnels.types,
    findsAccounts: config.discovery !== undefined,
    otherProblems: clock === undefined ? [] : [clock],
  };
  print(report(owners, settings));
  return problemsOf(owners, settings).length === 0 ? 0 : 1;
}

/** A token with its client. `listed` holds the accounts that it can list, if those are watched. */
interface Opened extends TokenUse {
  readonly source: LiveToken;
  readonly client: Client;
  readonly listed: Result<readonly Account[]> | undefined;
  /** Gives the token a budget of its own, because an account owns it. */
  readonly ownBudget: () => void;
}

async function inspectTokens(
  config: Config,
  onClockSkew: (skewMs: number) => void,
): Promise<readonly Inspected[]> {
  const uses = tokenUses(config);
  const atOnce = Math.min(TOKENS_AT_ONCE, Math.max(1, uses.length));
  // All tokens may belong to one user. The full budget, so that the check does not wait.
  const shared = createBudget(FULL_BUDGET);
  const limit = pLimit(atOnce);
  const { version } = buildInfo();
  const transport = createTransport({ config: config.cloudflare, version });
  const concurrency = Math.max(1, Math.floor(config.cloudflare.concurrency / atOnce));

  const open = async (use: TokenUse): Promise<Opened> => {
    const source = await openLiveToken(use.token);
    let budget = shared;
    const client = createClient({
      config: { ...config.cloudflare, concurrency },
      token: source,
      transport,
      hooks: { onClockSkew },
      budget: () => budget,
      clock: Date.now,
      random: Math.random,
      version,
    });
    const listed = use.discovers ? await client.accounts() : undefined;
    const ownBudget = (): void => {
      budget = createBudget(FULL_BUDGET);
    };
    return { ...use, source, client, listed, ownBudget };
  };

  const opened = await Promise.all(uses.map((use) => limit(open, use)));
  const lists = new Map(
    opened.flatMap(({ token, listed }) =>
      listed === undefined ? [] : [[keyOfToken(token), afterList(NEVER_LISTED, listed, Date.now())]],
    ),
  );
  const accounts = Map.groupBy(
    watchedAccounts(config, (key) => lists.get(key) ?? NEVER_LISTED),
    ({ token }) => keyOfToken(token),
  );
  const inspected = await Promise.all(
    opened.map((token) =>
      limit(inspectToken, { ...token, accounts: accounts.get(keyOfToken(token.token)) ?? [] }, config),
    ),
  );
  await transport.close();
  return inspected;
}

async function inspectToken(opened: Opened, { tunnels }: Config): Promise<Inspected> {
  const { accounts, budgetGroup, client, listed } = opened;
  const verified = await verify(opened);
  const owner = verified.ok ? verified.value.owner : undefined;
  if (owner === 'account') opened.ownBudget();
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
  const details = unusable === undefined ? await probeDetails(found, options) : [];
  const probes = listed === undefined || unusable !== undefined ? details : [listProbe(listed), ...details];
  await client.close();
  const name = nameOfToken(opened.token);
  return {
    findings: { source: name, token: verified, probes, accounts: found },
    facts: { key: keyOfToken(opened.token), name, value: opened.source.current(), budgetGroup, owner },
  };
}

/** Verifies the token at one of its accounts. Without any, the failure of the list is the result. */
async function verify({ accounts, client, listed }: Opened): Promise<Result<VerifiedToken>> {
  if (listed?.ok === false && accounts.length === 0) return listed;
  const [first] = listed?.ok === true ? [...accounts, ...listed.value] : accounts;
  return client.verify(first?.id ?? '');
}
