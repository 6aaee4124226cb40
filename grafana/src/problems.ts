import { COLOURS } from './colours.ts';
import { CONNECTOR, countBy, firstOf, maxBy, ofAccounts, ofTunnels, sumBy, TUNNEL } from './promql.ts';
import type { State } from './states.ts';

/** Cloudflare supports a release of cloudflared for one year. */
export const SUPPORTED_SECONDS = 365 * 86_400;

interface Problem extends State {
  /** The tunnels that have it, with whatever value. */
  readonly tunnels: string;
}

/** What can be wrong with a tunnel; the higher the number, the worse. */
export const PROBLEMS: readonly Problem[] = [
  {
    number: 100,
    text: 'Expected, but missing',
    colour: COLOURS.bad,
    tunnels: missing(),
  },
  { number: 90, text: 'Down', colour: COLOURS.bad, tunnels: withStatus('down') },
  { number: 80, text: 'WARP: none active', colour: COLOURS.bad, tunnels: `${inHaStatus('active')} == 0` },
  { number: 70, text: 'WARP: several active', colour: COLOURS.bad, tunnels: `${inHaStatus('active')} > 1` },
  { number: 60, text: 'Fewer connectors than expected', colour: COLOURS.warning, tunnels: belowMinimum() },
  { number: 50, text: 'Degraded', colour: COLOURS.warning, tunnels: withStatus('degraded') },
  { number: 45, text: 'Status unknown', colour: COLOURS.odd, tunnels: withStatus('unknown') },
  { number: 40, text: 'WARP: no standby', colour: COLOURS.warning, tunnels: `${inHaStatus('passive')} == 0` },
  { number: 35, text: 'One connector', colour: COLOURS.warning, tunnels: `${connectors()} == 1` },
  { number: 30, text: 'One airport', colour: COLOURS.warning, tunnels: `${airports()} == 1` },
  { number: 20, text: 'Configuration behind', colour: COLOURS.note, tunnels: behind() },
  { number: 10, text: 'Unsupported version', colour: COLOURS.note, tunnels: unsupported() },
];

/** The number of the worst problem of each tunnel that has one. */
export function worstProblems(): string {
  return firstOf(...PROBLEMS.map(({ tunnels, number }) => `(${tunnels}) * 0 + ${number}`));
}

/** Connectors that serve, per tunnel. */
export function connectors(): string {
  return maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_connectors'));
}

/** Airports that connections go to, per tunnel. */
export function airports(): string {
  return countBy(TUNNEL, maxBy(`${TUNNEL}, airport`, ofTunnels('cloudflare_tunnel_active_connections')));
}

/** WARP connectors in that HA status, per tunnel with high availability. */
export function inHaStatus(status: string): string {
  return sumBy(
    TUNNEL,
    maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_ha_status', `ha_status="${status}"`)),
  );
}

/** How many versions of the configuration each connector is behind. */
export function versionsBehind(): string {
  const running = maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_config_version'));
  const current = maxBy('account_id, tunnel_id', ofTunnels('cloudflare_tunnel_config_version'));
  return `-(${running}\n- on (account_id, tunnel_id) group_left ()\n${current})`;
}

/** Seconds since the release of each connector's version. */
export function releaseAge(): string {
  return `time() - ${maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_release_timestamp_seconds'))}`;
}

function withStatus(status: string): string {
  return `${maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_status', `status="${status}"`))} == 1`;
}

function missing(): string {
  const present = ofAccounts('cloudflare_tunnel_expected_present');
  return maxBy(
    'account_id, tunnel_name',
    `label_replace(${maxBy('account_id, tunnel', present)} == 0, "tunnel_name", "$1", "tunnel", "(.+)")`,
  );
}

/** A tunnel is declared by its name or id, of one account or of any. */
function belowMinimum(): string {
  const named = `(${connectorsOf('tunnel_name')} or ${connectorsOf('tunnel_id')})`;
  return maxBy(
    TUNNEL,
    `\n${named} < on (account_id, tunnel) group_left () ${minimum('account_id!=""')}\n` +
      `or\n${named} < on (tunnel) group_left () ${minimum('account_id=""')}\n`,
  );
}

/** Connectors per tunnel, with what it may be declared by as `tunnel`. */
function connectorsOf(label: 'tunnel_name' | 'tunnel_id'): string {
  return `label_replace(${connectors()}, "tunnel", "$1", "${label}", "(.+)")`;
}

function minimum(matcher: string): string {
  return maxBy('account_id, tunnel', ofAccounts('cloudflare_tunnel_expected_min_connectors', matcher));
}

function behind(): string {
  return maxBy(TUNNEL, `${versionsBehind()} > 0`);
}

function unsupported(): string {
  return maxBy(TUNNEL, `${releaseAge()} > ${SUPPORTED_SECONDS}`);
}
