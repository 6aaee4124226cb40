import type { Shard } from '../core/discovery.ts';
import { accessOf, type Access } from './access.ts';
import type { FileLists } from './accounts.ts';
import type { Command } from './command-line.ts';
import type { AccountConfig, Config, SidecarConfig } from './config.ts';
import { readText } from './files.ts';
import type { Parsed } from './kinds.ts';
import { quote, quotePath } from './quote.ts';
import type { Context } from './resolve.ts';
import { parseTunnelToken, secretsOfTunnelToken, type OwnTunnel, type TokenTunnel } from './tunnel-token.ts';

/** The accounts and tunnels to watch, and the API to poll. */
export interface Target extends Access, Pick<Config, 'sidecar' | 'shard'> {
  readonly tunnelIds: Config['tunnels']['ids'];
  readonly types: Config['tunnels']['types'];
}

/** What `demo` polls instead of the user's accounts. */
export type DemoTarget = Pick<Access, 'accounts' | 'apiUrl'>;

export interface TargetOptions {
  readonly command: Command;
  readonly lists: FileLists;
  /** The number at its end is the default index of the shard, as in a StatefulSet. */
  readonly hostName: string;
  readonly demo: DemoTarget | undefined;
}

const WHOLE: Shard = { total: 1, index: 0 };

/**
 * Returns the user's accounts and tunnels; none for a health check, and the demo's own for `demo`.
 */
export function targetOf(options: TargetOptions, context: Context): Target {
  const { command, lists, hostName, demo } = options;
  const { settings, report } = context;
  const { types } = settings;
  if (command === 'healthcheck' || command === 'demo') {
    return {
      accounts: [],
      discovery: undefined,
      apiUrl: '',
      tunnelIds: settings.tunnelIds.value,
      types: types.value,
      sidecar: undefined,
      shard: WHOLE,
      ...(command === 'demo' ? demo : {}),
      expectedTunnels: command === 'demo' ? lists.expectedTunnels.map(({ value }) => value) : [],
    };
  }
  const ownTunnel = ownTunnelOf(context);
  const shard = shardOf(hostName, context);
  if (ownTunnel !== undefined && shard.total > 1) {
    report.problem(
      `${ownTunnel.location}: one tunnel cannot be shared by ${shard.total} shards; leave shard.total out`,
    );
  }
  const access = accessOf(lists, { ownTunnel, shard }, context);
  const tunnelIds = tunnelIdsOf(ownTunnel, context);
  return {
    ...access,
    tunnelIds,
    // cloudflared runs no other type, and the token may lack the permission to read others.
    types: ownTunnel !== undefined && types.source === undefined ? ['cfd_tunnel'] : types.value,
    sidecar: sidecarOf({ ownTunnel, accounts: access.accounts, tunnelIds }, context),
    shard,
  };
}

function shardOf(hostName: string, { settings, report }: Context): Shard {
  const { shardTotal: total, shardIndex } = settings;
  if (shardIndex.value === undefined && total.value === 1) return WHOLE;
  const index = shardIndex.value ?? ordinalOf(hostName);
  if (index === undefined) {
    report.problem(
      `${total.location}: the host name ${quote(hostName)} does not end in -<number>, so it does not name a shard; give --shard.index`,
    );
    return WHOLE;
  }
  if (index >= total.value) {
    const location = shardIndex.value === undefined ? `host name ${quote(hostName)}` : shardIndex.location;
    report.problem(
      `${location}: ${index} is not less than shard.total, which is ${total.value}; shards are counted from 0`,
    );
    return WHOLE;
  }
  return { total: total.value, index };
}

/** `exporter-2` → 2, also if a domain follows. */
function ordinalOf(hostName: string): number | undefined {
  const [, digits] = /-(\d{1,3})$/.exec(hostName.split('.')[0] ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The tunnel of cloudflared's own token; `undefined` without a valid token. */
function ownTunnelOf(context: Context): OwnTunnel | undefined {
  const { settings, report } = context;
  const { tunnelToken: token, tunnelTokenFile: file } = settings;
  const [tokenLocation] = token.givenAt;
  if (file.value === undefined) return token.value && { ...token.value, location: token.location };
  if (tokenLocation !== undefined)
    report.problem(`${tokenLocation} and ${file.location}: both give a tunnel token; keep one`);
  const parsed = readTokenFile(file.value, context);
  if (parsed.ok) return { ...parsed.value, location: file.location };
  report.problem(`${file.location}: ${parsed.problem}`);
  return undefined;
}

function readTokenFile(path: string, { readFile, report }: Context): Parsed<TokenTunnel> {
  const text = readText(path, readFile);
  if (!text.ok) return text;
  secretsOfTunnelToken(text.value).forEach(report.secret);
  const parsed = parseTunnelToken(text.value);
  return parsed.ok ? parsed : { ok: false, problem: `${quotePath(path)} ${parsed.problem}` };
}

/** Returns the ids of the tunnels to watch. Reports ids that contradict cloudflared's own token. */
function tunnelIdsOf(
  ownTunnel: OwnTunnel | undefined,
  { settings: { tunnelIds }, report }: Context,
): readonly string[] {
  if (ownTunnel === undefined) return tunnelIds.value;
  const others = tunnelIds.value.filter((id) => id !== ownTunnel.tunnelId);
  if (others.length > 0) {
    report.problem(
      `${tunnelIds.location}: ${others.map(quote).join(', ')} is not the tunnel of ${ownTunnel.location}, ${quote(ownTunnel.tunnelId)}; remove one of the two`,
    );
  }
  return [ownTunnel.tunnelId];
}

interface SidecarTunnel {
  readonly ownTunnel: OwnTunnel | undefined;
  readonly accounts: readonly AccountConfig[];
  readonly tunnelIds: readonly string[];
}

/** Returns the cloudflared to ask for its state, and the tunnel that it runs. */
function sidecarOf(
  { ownTunnel, accounts, tunnelIds }: SidecarTunnel,
  { settings, report }: Context,
): SidecarConfig | undefined {
  const { cloudflaredUrl: url, minConnections, tunnelToken, tunnelTokenFile } = settings;
  if (url.value === undefined) return undefined;
  const [account, ...otherAccounts] = accounts;
  const [id, ...otherIds] = tunnelIds;
  if (account !== undefined && id !== undefined && otherAccounts.length === 0 && otherIds.length === 0) {
    return {
      cloudflaredUrl: url.value,
      tunnel: { accountId: account.id, id },
      minConnections: minConnections.value,
    };
  }
  const tokenIsWrong = ownTunnel === undefined && (tunnelToken.isGiven || tunnelTokenFile.isGiven);
  const accountIsMissing = ownTunnel !== undefined && account === undefined;
  // Both have been reported already.
  if (!tokenIsWrong && !accountIsMissing) {
    report.problem(
      `${url.location}: the tunnel that this cloudflared runs is not known; give --sidecar.tunnel-token-file or TUNNEL_TOKEN, or one account and one --tunnels.id`,
    );
  }
  return undefined;
}
