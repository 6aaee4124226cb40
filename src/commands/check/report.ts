import { type ListedTunnel, TUNNEL_STATUSES } from '../../core/model.ts';
import { LIST_SHARE } from '../../core/list-intervals.ts';
import { refreshAge, WINDOW_MS } from '../../core/refresh.ts';
import { hasDetails, hasNoConnections } from '../../core/serving.ts';
import { pagesOf } from '../../core/lists.ts';
import {
  type AccountFindings,
  type CheckSettings,
  countByStatus,
  FULL_BUDGET,
  missing,
  type Probe,
  type TokenFindings,
} from './findings.ts';
import { plural } from './inspect.ts';

/** What `check` prints: findings, what they mean for polling, and what to do. */
export function report(tokens: readonly TokenFindings[], settings: CheckSettings): string {
  const problems = missing(tokens);
  const verdict =
    problems.length === 0
      ? ['Everything that the exporter needs is there.']
      : [
          `${plural(problems.length, 'problem')} to mend:`,
          ...problems.map((problem) => `  - ${problem}`),
          ...(lacksOnlyWarp(tokens, settings)
            ? [
                '  Where there are no WARP connectors, --tunnels.types=cfd_tunnel does without that permission.',
              ]
            : []),
        ];
  return [
    `Cloudflare API at ${settings.apiUrl}`,
    '',
    ...tokens.flatMap((token) => [...tokenLines(token), ...pollingLines(token, settings), '']),
    ...verdict,
    '',
  ].join('\n');
}

function tokenLines({ source, token, accounts }: TokenFindings): readonly string[] {
  return [
    row(
      token.ok && !['disabled', 'expired'].includes(token.value.status),
      `API token from ${source}`,
      tokenNote(token),
    ),
    ...accounts.flatMap(accountLines),
  ];
}

function tokenNote(token: TokenFindings['token']): string {
  if (!token.ok) return token.failure.message;
  const { status, expiresAt } = token.value;
  return expiresAt === undefined
    ? status
    : `${status}, expires ${new Date(expiresAt).toISOString().slice(0, 10)}`;
}

function accountLines({ id, name, probes, tunnels }: AccountFindings): readonly string[] {
  return [
    '',
    `Account ${id}${name === '' ? '' : ` (${name})`}`,
    ...probes.map(probeLine),
    tunnels.ok
      ? row(true, 'tunnels', tunnelNote(tunnels.value))
      : row(false, 'tunnels', 'the whole list could not be read'),
  ];
}

function tunnelNote(tunnels: readonly ListedTunnel[]): string {
  const counts = countByStatus(tunnels);
  const parts = TUNNEL_STATUSES.filter((status) => counts.has(status)).map(
    (status) => `${counts.get(status) ?? 0} ${status}`,
  );
  return `${plural(tunnels.length, 'tunnel')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

function probeLine({ endpoint, answer, optional }: Probe): string {
  if ('untried' in answer) return row(undefined, endpoint, answer.untried);
  if (answer.ok) return row(true, endpoint, answer.value);
  return optional
    ? row(undefined, endpoint, `not needed here: ${answer.failure.message}`)
    : row(false, endpoint, answer.failure.message);
}

function row(good: boolean | undefined, what: string, note: string): string {
  const mark = good === undefined ? '-   ' : good ? 'ok  ' : 'FAIL';
  return `  ${mark}  ${what.padEnd(64)}  ${note}`.trimEnd();
}

/** What the request budget of one token means for its tunnels. */
function pollingLines({ accounts }: TokenFindings, settings: CheckSettings): readonly string[] {
  if (!accounts.every((account) => account.tunnels.ok)) return [];
  const tunnels = accounts.flatMap(tunnelsOf);
  const serving = tunnels.filter(({ type, status }) => hasDetails(type) && !hasNoConnections(status)).length;
  const listRequests = accounts.reduce((sum, account) => sum + pagesOf(tunnelsOf(account).length), 0);
  const ageAt = (requestBudget: number): string =>
    duration(
      refreshAge({
        serving,
        listsPerMs: Math.min(
          listRequests / settings.pollIntervalMs,
          (LIST_SHARE * requestBudget) / WINDOW_MS,
        ),
        pollIntervalMs: settings.pollIntervalMs,
        requestBudget,
      }),
    );
  const age = ageAt(settings.requestBudget);
  const best = ageAt(FULL_BUDGET);
  return [
    '',
    'Polling',
    `  a poll every ${duration(settings.pollIntervalMs)}: ${plural(listRequests, 'request')} for the lists, ${serving.toLocaleString('en')} for the connections of every serving tunnel`,
    `  budget of ${plural(settings.requestBudget, 'request')} per 5 minutes: status as old as a poll, connections observed every ${age}`,
    ...(age === best
      ? []
      : [
          `  (Cloudflare allows ${FULL_BUDGET.toLocaleString('en')}, which everything that this user does shares: with all of it, every ${best})`,
        ]),
  ];
}

function tunnelsOf({ tunnels }: AccountFindings): readonly ListedTunnel[] {
  return tunnels.ok ? tunnels.value : [];
}

function duration(milliseconds: number): string {
  if (milliseconds === Infinity) return 'never: the lists alone take the whole budget';
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function lacksOnlyWarp(tokens: readonly TokenFindings[], { types }: CheckSettings): boolean {
  const refused = tokens
    .flatMap(({ accounts }) => accounts.flatMap(({ probes }) => probes))
    .filter(
      ({ answer, optional }) =>
        !optional && 'ok' in answer && !answer.ok && answer.failure.reason === 'permission',
    );
  return (
    types.length > 1 &&
    refused.length > 0 &&
    refused.every(({ endpoint }) => endpoint.includes('/warp_connector'))
  );
}
