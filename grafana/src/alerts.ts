import { COLOURS } from './colours.ts';
import { namedIfAny } from './promql/names.ts';
import type { State } from './states.ts';

/** Alerts of deploy/prometheus/alerts.yaml. Prometheus keeps them in series of its own. */

export const SEVERITIES: readonly (State & { readonly label: string })[] = [
  { number: 1, label: 'info', text: 'Info', colour: COLOURS.note },
  { number: 2, label: 'warning', text: 'Warning', colour: COLOURS.warning },
  { number: 3, label: 'critical', text: 'Critical', colour: COLOURS.bad },
];

/** Shown instead of a number of alerts. */
export const NO_RULES: State = { number: -1, text: 'rules not loaded', colour: COLOURS.odd };

const CHOSEN = 'alertname=~"CloudflareTunnel.+",account_id=~"$account_id",tunnel_name=~"$tunnel_name"';
const ALERT = 'alertname, severity, account_id, tunnel_id, tunnel_name';

/** The number of the severity of each alert that fires. */
export function firingAlerts(): string {
  const each = SEVERITIES.map(
    ({ number, label }) => `${number} * ALERTS{${CHOSEN},alertstate="firing",severity="${label}"}`,
  );
  return namedIfAny(aboutTunnels(each.join(' or ')), { without: '–' });
}

/** How many alerts fire, of any severity; NO_RULES.number if Prometheus has no rules. */
export function alertsFiring(): string {
  const firing = `count(max by (${ALERT}) (ALERTS{${CHOSEN},alertstate="firing"}))`;
  const loaded = 'group(account:cloudflare_tunnel_exporter_list_age_seconds:min)';
  return `${firing} or 0 * ${loaded} or vector(${NO_RULES.number})`;
}

/** Seconds for which the condition of each active alert has held. */
export function alertsActiveFor(): string {
  return `time() - ${aboutTunnels(`ALERTS_FOR_STATE{${CHOSEN}}`)}`;
}

/** Folds the alerts' series. Alerts about expected tunnels have the name in another label. */
function aboutTunnels(alerts: string): string {
  return `max by (${ALERT}) (label_replace(${alerts}, "tunnel_name", "$1", "tunnel", "(.+)"))`;
}
