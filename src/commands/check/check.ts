import { createClient } from '../../cloudflare/client.ts';
import { createToken } from '../../cloudflare/token.ts';
import type { Config, TokenSource } from '../../config/config.ts';
import { intervalOf } from '../../poller/schedule.ts';
import { about } from '../about.ts';
import { groupByToken } from '../token-groups.ts';
import { type AccountFindings, FULL_BUDGET, missing, type TokenFindings } from './findings.ts';
import { inspectAccount } from './inspect.ts';
import { report } from './report.ts';

/** Preflight: asks once for everything that polling needs, prints what came of it; resolves to the exit code. */
export async function check(config: Config, print: (text: string) => void): Promise<number> {
  const tokens: TokenFindings[] = [];
  for (const accounts of groupByToken(config.accounts)) tokens.push(await inspectToken(accounts, config));
  print(
    report(tokens, {
      apiUrl: config.cloudflare.apiUrl,
      requestBudget: config.cloudflare.requestBudget,
      pollIntervalMs: intervalOf(config.poll.schedule),
      types: config.tunnels.types,
    }),
  );
  return missing(tokens).length === 0 ? 0 : 1;
}

async function inspectToken(
  accounts: ReturnType<typeof groupByToken>[number],
  { cloudflare, tunnels }: Config,
): Promise<TokenFindings> {
  const [first] = accounts;
  const token = await createToken(first.token);
  const client = createClient({
    // Some ten requests, which are not to wait for a small budget.
    config: { ...cloudflare, requestBudget: FULL_BUDGET },
    token,
    clock: Date.now,
    random: Math.random,
    version: about().version,
  });
  const verified = await client.verify(first.id);
  const findings: AccountFindings[] = [];
  for (const account of accounts) {
    findings.push(
      await inspectAccount(account, {
        client,
        types: tunnels.types,
        selection: tunnels,
        configurations: tunnels.configurations,
      }),
    );
  }
  await client.close();
  return { source: describe(first.token), token: verified, accounts: findings };
}

function describe(source: TokenSource): string {
  return source.kind === 'file' ? source.path : 'CLOUDFLARE_API_TOKEN';
}
