import { type Colour, COLOURS } from './colours.ts';
import { byNewestList, byNewestObservation, highest, TUNNEL } from './promql/fold.ts';
import { countEach, each, ofAccounts, ofTunnels, type PerExporter, sumEach } from './promql/select.ts';
import { firstOf } from './promql/promql.ts';
import type { State, StateRange } from './states.ts';

/** Cloudflare supports a release of cloudflared for one year. */
export const SUPPORTED_SECONDS = 365 * 86_400;

/** Shown instead of a duration since 1970, which stands for one that is longer than the range shown. */
export const LONGER: StateRange = { from: 1e9, text: 'longer than shown', colour: COLOURS.text };

type Severity = 'critical' | 'warning' | 'info';
const COLOUR_OF: Readonly<Record<Severity, Colour>> = {
  critical: COLOURS.bad,
  warning: COLOURS.warning,
  info: COLOURS.note,
};

interface Problem extends State {
  /** The alert about it, whose runbook applies. */
  readonly alert: string;
}

interface SeenProblem extends Problem {
  /** The tunnels that have it, as each exporter reports them. Their values do not matter. */
  readonly tunnels: PerExporter;
}

const EXPORTER_TUNNEL = 'job, instance, account_id, tunnel_id';

/** Declared tunnels have the name or id in another label. */
export const CHOSEN = 'tunnel=~"$tunnel_name"';

const MISSING = problem(100, 'Expected, but missing', { alert: 'ExpectedMissing', severity: 'critical' });

/** Problems that the list of tunnels shows, the worst first. */
const LISTED: readonly SeenProblem[] = [
  {
    ...problem(90, 'Down', { alert: 'Down', severity: 'critical' }),
    tunnels: withStatus('down'),
  },
  {
    ...problem(50, 'Degraded', { alert: 'Degraded', severity: 'warning' }),
    tunnels: withStatus('degraded'),
  },
  {
    ...problem(45, 'Status unknown', { alert: 'AccountUnwatched', severity: 'warning' }),
    colour: COLOURS.odd,
    tunnels: each`${ofTunnels('cloudflare_tunnel_status', 'status="unknown"')} == 1`,
  },
];

/** Problems that observations of single tunnels show, the worst first. */
const OBSERVED: readonly SeenProblem[] = [
  {
    ...problem(80, 'WARP: none active', { alert: 'WarpNoActive', severity: 'critical' }),
    tunnels: each`${inHaStatus('active')} == 0 and ${inHaStatus('passive')} > 0`,
  },
  {
    ...problem(70, 'WARP: several active', { alert: 'WarpSplitBrain', severity: 'critical' }),
    tunnels: each`${inHaStatus('active')} > 1`,
  },
  {
    ...problem(60, 'Fewer connectors than expected', {
      alert: 'ExpectedBelowMinimum',
      severity: 'warning',
    }),
    tunnels: belowMinimum(),
  },
  {
    ...problem(40, 'WARP: no standby', { alert: 'WarpNoStandby', severity: 'warning' }),
    tunnels: withoutStandby(),
  },
];

/** Like OBSERVED, for cloudflared tunnels that may not be down. */
const POOR: readonly SeenProblem[] = [
  {
    ...problem(35, 'One connector', { alert: 'NoRedundancy', severity: 'warning' }),
    tunnels: each`${connectorsEach()} == 1`,
  },
  {
    ...problem(30, 'One airport', { alert: 'NoRedundancy', severity: 'warning' }),
    tunnels: inOneAirport(),
  },
];

/** Like OBSERVED, for problems that can wait. */
const MINOR: readonly SeenProblem[] = [
  {
    ...problem(20, 'Configuration behind', { alert: 'ConfigDrift', severity: 'warning' }),
    tunnels: each`${versionsBehindEach()} > 0`,
  },
  {
    ...problem(10, 'Unsupported version', { alert: 'ConnectorOutdated', severity: 'info' }),
    tunnels: each`${releaseAgeEach()} > ${SUPPORTED_SECONDS}`,
  },
];

/** All problems. The higher the number, the worse. */
export const PROBLEMS: readonly Problem[] = [MISSING, ...LISTED, ...OBSERVED, ...POOR, ...MINOR].toSorted(
  (one, other) => other.number - one.number,
);

/** The number of the worst problem of each tunnel that has one, with `runbook`. */
export function worstProblems(): string {
  const labels = `${TUNNEL}, runbook`;
  const missing = `label_replace(0 * ${missingTunnels(CHOSEN)} + ${MISSING.number}, "runbook", "${MISSING.alert}", "", "")`;
  const poor = ofCloudflared(alternatives(POOR.map(numbered)));
  const observed = [...OBSERVED.map(numbered), poor, ...MINOR.map(numbered)];
  const all = firstOf(
    missing,
    byNewestList(labels, alternatives(LISTED.map(numbered))),
    byNewestObservation(labels, alternatives(observed)),
  );
  return `topk by (${TUNNEL}) (1,\n${all}\n)`;
}

/** Declared tunnels that are not listed; `tunnel_name` is the name or id as declared. */
export function missingTunnels(...matchers: readonly string[]): string {
  const expected = ofAccounts('cloudflare_tunnel_expected_present', ...matchers);
  const present = highest('account_id, tunnel', expected);
  return highest('account_id, tunnel_name', asNamed(each`${present} == 0`));
}

/** Seconds since when each tunnel has had its trouble, whatever it is; see LONGER. */
export function troubleSince(): string {
  const present = ofAccounts('cloudflare_tunnel_expected_present', CHOSEN);
  const missing = asNamed(each`${lastTime(each`${present} == 1`)} or 0 * (${present} == 0)`);
  const inactive = ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds');
  const healthy = ofTunnels('cloudflare_tunnel_status', 'status="healthy"');
  const observations = [
    each`${inHaStatus('active')} == 1`,
    each`${inHaStatus('passive')} > 0`,
    each`${connectorsEach()} > 1`,
  ];
  const since = firstOf(
    highest('account_id, tunnel_name', missing),
    byNewestList(TUNNEL, alternatives([inactive, lastTime(each`${healthy} == 1`)])),
    byNewestObservation(TUNNEL, alternatives(observations.map(lastTime))),
    `0 * ${highest(TUNNEL, ofTunnels('cloudflare_tunnel_info'))}`,
  );
  return `floor(time() - (\n${since}\n))`;
}

/** Connectors that serve, per tunnel. */
export function connectors(): string {
  return byNewestObservation(TUNNEL, connectorsEach());
}

export function connectorsEach(): PerExporter {
  return ofTunnels('cloudflare_tunnel_connectors');
}

/** Airports that connections go to, per tunnel; 0 for a tunnel without connections. */
export function airports(): string {
  return byNewestObservation(TUNNEL, each`${airportsEach()} or ${connectorsEach()} == 0`);
}

/** Connections that serve, per tunnel; 0 for a tunnel without. */
export function connections(): string {
  const active = sumEach(TUNNEL, ofTunnels('cloudflare_tunnel_active_connections'));
  return byNewestObservation(TUNNEL, each`${active} or ${connectorsEach()} == 0`);
}

/** Host names and private routes that lead to a tunnel, each counted. */
export function behind(): string {
  const rules = ofTunnels('cloudflare_tunnel_ingress_rules');
  const routes = ofTunnels('cloudflare_tunnel_routes');
  // The catch-all rule leads nowhere.
  return highest(TUNNEL, sumEach(TUNNEL, each`clamp_min(${rules} - 1, 0) or ${routes}`));
}

/** WARP connectors in that HA status, per tunnel with high availability. */
export function inHaStatus(status: string): PerExporter {
  return sumEach(TUNNEL, ofTunnels('cloudflare_tunnel_connector_ha_status', `ha_status="${status}"`));
}

/** Tunnels of WARP connectors that need a standby and have none. */
export function withoutStandby(): PerExporter {
  const without = ofTunnels('cloudflare_tunnel_ha_mode', 'ha_mode=~"none|disabled"');
  return each`${inHaStatus('passive')} == 0 and ${inHaStatus('active')} == 1 unless on (${EXPORTER_TUNNEL}) ${without} == 1`;
}

/** How many versions of the configuration each connector is behind. */
export function versionsBehindEach(): PerExporter {
  const running = ofTunnels('cloudflare_tunnel_connector_config_version');
  const current = ofTunnels('cloudflare_tunnel_config_version');
  return each`-1 * (${running} - on (${EXPORTER_TUNNEL}) group_left () ${current})`;
}

/** Seconds since the release of each connector's version. */
export function releaseAgeEach(): PerExporter {
  return each`(time() - ${ofTunnels('cloudflare_tunnel_connector_release_timestamp_seconds')})`;
}

/** Tunnels that may be down. */
export function mayBeDown(): PerExporter {
  return ofTunnels('cloudflare_tunnel_intermittent');
}

/** Tunnels that depend on one connector or one airport. */
export function withoutRedundancy(): PerExporter {
  return ofCloudflared(each`(${connectorsEach()} == 1 or ${inOneAirport()})`);
}

/** Connectors of tunnels that depend on one connector or one airport. */
export function connectorsAtRisk(): PerExporter {
  return each`${connectorsEach()} and on (${EXPORTER_TUNNEL}) ${withoutRedundancy()}`;
}

/** Keeps cloudflared tunnels that need redundancy. WARP connectors have one connection, and laptops may be down. */
function ofCloudflared(tunnels: PerExporter): PerExporter {
  const info = ofTunnels('cloudflare_tunnel_info', 'tunnel_type="cfd_tunnel"');
  return each`((${tunnels}) and on (${EXPORTER_TUNNEL}) ${info} unless on (${EXPORTER_TUNNEL}) ${mayBeDown()})`;
}

function airportsEach(): PerExporter {
  const active = ofTunnels('cloudflare_tunnel_active_connections', 'airport!=""');
  return countEach(TUNNEL, countEach(`${TUNNEL}, airport`, active));
}

/** Tunnels whose connections go to one airport. Those with a connection to an unknown airport do not count. */
function inOneAirport(): PerExporter {
  const unknown = ofTunnels('cloudflare_tunnel_active_connections', 'airport=""');
  return each`(${airportsEach()} == 1 unless on (${EXPORTER_TUNNEL}) ${unknown})`;
}

/** Tunnels in that status, without those that may be down. */
function withStatus(status: string): PerExporter {
  const some = ofTunnels('cloudflare_tunnel_status', `status="${status}"`);
  return each`(${some} == 1 unless on (${EXPORTER_TUNNEL}) ${mayBeDown()})`;
}

/** Tunnels with too few connectors. A tunnel is declared by its name or id, in one account or in any. */
function belowMinimum(): PerExporter {
  const below = (['tunnel_name', 'tunnel_id'] as const).flatMap((label) => [
    belowDeclared(label, { of: 'account_id', matcher: 'account_id!=""' }),
    belowDeclared(label, { of: '', matcher: 'account_id=""' }),
  ]);
  return alternatives(below);
}

function belowDeclared(
  label: 'tunnel_name' | 'tunnel_id',
  { of, matcher }: { readonly of: '' | 'account_id'; readonly matcher: string },
): PerExporter {
  const declared = ofAccounts('cloudflare_tunnel_expected_min_connectors', matcher);
  const scope = of === '' ? [] : [of];
  const minimum = highest([...scope, 'tunnel'].join(', '), declared);
  const on = [...scope, label].join(', ');
  return each`${connectorsEach()} < on (${on}) group_left () label_replace(${minimum}, "${label}", "$1", "tunnel", "(.+)")`;
}

/** When something, a vector with a comparison, was last so within the range; nothing if it is so now. */
function lastTime(so: PerExporter): PerExporter {
  return each`(max_over_time(timestamp(${so})[$__range:$__interval]) unless ${so})`;
}

/** Joins vectors with `or`: the first that has a tunnel gives its value. */
function alternatives(vectors: readonly PerExporter[]): PerExporter {
  return vectors.reduce((all, one) => each`${all}\nor on (${EXPORTER_TUNNEL})\n${one}`);
}

function asNamed(vector: PerExporter): PerExporter {
  return each`label_replace(${vector}, "tunnel_name", "$1", "tunnel", "(.+)")`;
}

function numbered({ tunnels, number, alert }: SeenProblem): PerExporter {
  return each`label_replace(0 * ${sumEach(TUNNEL, tunnels)} + ${number}, "runbook", "${alert}", "", "")`;
}

function problem(
  number: number,
  text: string,
  { alert, severity }: { readonly alert: string; readonly severity: Severity },
): Problem {
  return { number, text, colour: COLOUR_OF[severity], alert: `CloudflareTunnel${alert}` };
}
