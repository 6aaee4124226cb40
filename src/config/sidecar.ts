import type { Report } from './accounts.ts';
import type { AccountConfig, SidecarConfig } from './config.ts';
import type { Parsed } from './kinds.ts';
import { quote, quotePath } from './quote.ts';
import { readText } from './files.ts';
import type { ReadFile } from './files.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { Settled } from './sources.ts';
import { parseTunnelToken, secretsOfTunnelToken, type TokenOfTunnel } from './tunnel-token.ts';

/** What a tunnel token says, and what names the token in a problem. */
export interface OwnTunnel extends TokenOfTunnel {
  readonly location: string;
}

export interface SidecarInput {
  readonly get: <T>(setting: Setting<T>) => Settled<T>;
  readonly isGiven: (setting: Setting<unknown>) => boolean;
  readonly readFile: ReadFile;
  readonly report: Report;
  readonly secret: (value: string) => void;
}

/** The tunnel that cloudflared's own token names; `undefined` where there is no token, or none that can be used. */
export function readOwnTunnel(input: SidecarInput): OwnTunnel | undefined {
  const { get, isGiven, report } = input;
  const token = get(SETTINGS.tunnelToken);
  const file = get(SETTINGS.tunnelTokenFile);
  if (isGiven(SETTINGS.tunnelToken) && file.value !== undefined) {
    const location = token.from === undefined ? 'TUNNEL_TOKEN (environment)' : token.location;
    report.problem(`${location} and ${file.location}: both give a tunnel token; keep one`);
  }
  if (file.value !== undefined) {
    const parsed = readTokenFile(file.value, input);
    if (parsed.ok) return { ...parsed.value, location: file.location };
    report.problem(`${file.location}: ${parsed.problem}`);
    return undefined;
  }
  return token.value === undefined ? undefined : { ...token.value, location: token.location };
}

function readTokenFile(
  path: string,
  { readFile, secret }: Pick<SidecarInput, 'readFile' | 'secret'>,
): Parsed<TokenOfTunnel> {
  const text = readText(path, readFile);
  if (!text.ok) return text;
  secretsOfTunnelToken(text.value).forEach(secret);
  const parsed = parseTunnelToken(text.value);
  return parsed.ok ? parsed : { ok: false, problem: `${quotePath(path)} ${parsed.problem}` };
}

export interface SidecarTunnelInput extends SidecarInput {
  readonly ownTunnel: OwnTunnel | undefined;
  readonly accounts: readonly AccountConfig[];
  readonly tunnelIds: readonly string[];
}

/** Whom to ask about itself, and of which tunnel it is. */
export function readSidecar(input: SidecarTunnelInput): SidecarConfig | undefined {
  const { get, isGiven, report, ownTunnel, accounts, tunnelIds } = input;
  const url = get(SETTINGS.cloudflaredUrl);
  const { value: minConnections } = get(SETTINGS.minConnections);
  if (url.value === undefined) return undefined;
  const [account, ...otherAccounts] = accounts;
  const [id, ...otherIds] = tunnelIds;
  if (account === undefined || id === undefined || otherAccounts.length > 0 || otherIds.length > 0) {
    const tokenIsWrong =
      ownTunnel === undefined && (isGiven(SETTINGS.tunnelToken) || isGiven(SETTINGS.tunnelTokenFile));
    const accountIsMissing = ownTunnel !== undefined && account === undefined;
    if (!tokenIsWrong && !accountIsMissing) {
      report.problem(
        `${url.location}: which tunnel this cloudflared runs is not known; give --sidecar.tunnel-token-file or TUNNEL_TOKEN, or one account and one --tunnels.id`,
      );
    }
    return undefined;
  }
  return { cloudflaredUrl: url.value, tunnel: { accountId: account.id, id }, minConnections };
}

/** The ids to watch: of the token's tunnel, which others must not contradict. */
export function tunnelIdsOf(
  { get, report }: Pick<SidecarInput, 'get' | 'report'>,
  ownTunnel: OwnTunnel | undefined,
): readonly string[] {
  const { value: ids, location } = get(SETTINGS.tunnelIds);
  if (ownTunnel === undefined) return ids;
  const others = ids.filter((id) => id !== ownTunnel.tunnelId);
  if (others.length > 0) {
    report.problem(
      `${location}: ${others.map(quote).join(', ')} is not the tunnel of ${ownTunnel.location}, ${quote(ownTunnel.tunnelId)}; leave one of the two out`,
    );
  }
  return [ownTunnel.tunnelId];
}
