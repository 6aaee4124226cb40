import { theProxy } from '../../config/proxy.ts';
import { type ListedTunnel, TUNNEL_STATUSES } from '../../core/model.ts';
import {
  type AccountFindings,
  type OwnerFindings,
  plural,
  type Probe,
  type TokenFindings,
} from './inspect.ts';
import { accountsOf, duration, FULL_BUDGET, loadOf, pollingPlan, remedyFor } from './polling-plan.ts';
import { type CheckSettings, failuresOf, problemsOf, tokenFailure } from './problems.ts';

/** The report of `check`: problems and totals, then each budget with its tokens, then each account. */
export function report(owners: readonly OwnerFindings[], settings: CheckSettings): string {
  const accounts = owners.flatMap(accountsOf);
  return [
    `Cloudflare API at ${settings.apiUrl}${settings.proxy === undefined ? '' : ` through ${theProxy(settings.proxy)}`}`,
    '',
    ...verdict(owners, settings),
    '',
    `${plural(accounts.length, 'account')}, ${tunnelNote(accounts.flatMap(({ tunnels }) => tunnels))}`,
    '',
    ...owners.flatMap((owner) => [...ownerLines(owner, { owners, settings }), '']),
    'Accounts',
    ...accounts.map(accountLine),
    '',
  ].join('\n');
}

function verdict(owners: readonly OwnerFindings[], settings: CheckSettings): readonly string[] {
  const problems = problemsOf(owners, settings);
  if (problems.length === 0) return ['No problems: the exporter has everything that it needs.'];
  return [
    `${plural(problems.length, 'problem')} to fix:`,
    ...problems.map((problem) => `  - ${problem}`),
    ...(lacksOnlyWarp(owners, settings)
      ? ['  Without WARP connectors, set --tunnels.types=cfd_tunnel, which needs no such permission.']
      : []),
    ...(settings.findsAccounts && refusesAccounts(owners)
      ? ['  To exclude accounts: --cloudflare.exclude-account-id=<their ids>.']
      : []),
  ];
}

function ownerLines(
  owner: OwnerFindings,
  { owners, settings }: { readonly owners: readonly OwnerFindings[]; readonly settings: CheckSettings },
): readonly string[] {
  const tokens = owners.flatMap((other) => other.tokens).length;
  return [
    `Budget of ${owner.name}: ${plural(settings.requestBudget, 'request')} per 5 minutes for ${plural(owner.tokens.length, 'token')}, ${plural(accountsOf(owner).length, 'account')}`,
    ...planLines(owner, settings),
    ...owner.tokens.flatMap((token) => tokenLines(token, tokens > 1)),
  ];
}

/** What the budget allows for the accounts that could be listed. */
function planLines(owner: OwnerFindings, settings: CheckSettings): readonly string[] {
  const listed = accountsOf(owner).filter(({ failures }) => failures.length === 0);
  if (listed.length === 0) return [];
  const { requestBudget, pollIntervalMs } = settings;
  const load = loadOf(listed);
  const { listIntervalMs, detailIntervalMs } = pollingPlan(load, settings);
  const targetMs = Math.max(60_000, pollIntervalMs);
  const target = { pollIntervalMs, listIntervalMs: targetMs, detailIntervalMs: targetMs };
  const slow = listIntervalMs > targetMs || detailIntervalMs > targetMs;
  // A full bucket may be sent at the beginning of five minutes.
  const left = Math.max(0, FULL_BUDGET - 1.25 * requestBudget);
  return [
    `  lists every ${duration(listIntervalMs)} (${plural(load.pages, 'request')}), connections every ${duration(detailIntervalMs)} (${plural(load.serving, 'serving tunnel')})`,
    `  leaves ${Math.floor(left).toLocaleString('en')} of the ${plural(FULL_BUDGET, 'request')} that Cloudflare allows in 5 minutes to other programs of the same owner`,
    ...(slow
      ? [
          `  ${targetMs === 60_000 ? 'both within a minute' : `both every ${duration(targetMs)}`}: ${remedyFor(listed, target)}`,
        ]
      : []),
  ];
}

/** Every endpoint if there is a single token; otherwise those that fail. */
function tokenLines({ source, token, probes }: TokenFindings, several: boolean): readonly string[] {
  const good = tokenFailure(token) === undefined;
  const shown = several ? probes.filter(({ answer }) => !('untried' in answer) && !answer.ok) : probes;
  return [row(good, `API token from ${source}`, tokenNote(token)), ...shown.map(probeLine)];
}

function tokenNote(token: TokenFindings['token']): string {
  if (!token.ok) return token.failure.message;
  const { status, expiresAt, owner } = token.value;
  const expiry = expiresAt === undefined ? '' : `, expires ${new Date(expiresAt).toISOString().slice(0, 10)}`;
  return `${status}, owned by ${owner === 'user' ? 'a user' : 'an account'}${expiry}`;
}

function probeLine({ endpoint, answer }: Probe): string {
  if ('untried' in answer) return row(undefined, endpoint, answer.untried);
  return answer.ok ? row(true, endpoint, answer.value) : row(false, endpoint, answer.failure.message);
}

function accountLine({ id, name, tunnels, failures }: AccountFindings): string {
  const [failure, ...others] = failures;
  const note =
    failure === undefined
      ? tunnelNote(tunnels)
      : `${failure.message.split(': GET ')[0]}${others.length === 0 ? '' : ', and more'}`;
  return row(failure === undefined, `${id}${name === '' ? '' : ` (${name})`}`, note);
}

function tunnelNote(tunnels: readonly ListedTunnel[]): string {
  const byStatus = Map.groupBy(tunnels, ({ status }) => status);
  const parts = TUNNEL_STATUSES.flatMap((status) => {
    const count = byStatus.get(status)?.length;
    return count === undefined ? [] : [`${count.toLocaleString('en')} ${status}`];
  });
  return `${plural(tunnels.length, 'tunnel')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

function row(good: boolean | undefined, what: string, note: string): string {
  const mark = good === undefined ? '-   ' : good ? 'ok  ' : 'FAIL';
  return `  ${mark}  ${what.padEnd(64)}  ${note}`.trimEnd();
}

function refusesAccounts(owners: readonly OwnerFindings[]): boolean {
  return failuresOf(owners).some(({ account, reason }) => account !== undefined && reason === 'permission');
}

function lacksOnlyWarp(owners: readonly OwnerFindings[], { types }: CheckSettings): boolean {
  const failures = failuresOf(owners);
  return (
    types.length > 1 &&
    failures.length > 0 &&
    failures.every(({ reason, message }) => reason === 'permission' && message.includes('/warp_connector'))
  );
}
