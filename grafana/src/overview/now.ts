import { alertsActiveFor, alertsFiring, firingAlerts, NO_RULES, SEVERITIES } from '../alerts.ts';
import type { Section } from '../board/layout.ts';
import { boardLink, runbook, runbookLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { ACCOUNT_COLUMN, AGE, HIDDEN, TUNNEL_COLUMN } from '../columns.ts';
import { INTERMITTENT, tunnelsByStatus } from '../fleet.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import {
  behind,
  connectors,
  LONGER,
  PROBLEMS,
  troubleSince,
  withoutRedundancy,
  worstProblems,
} from '../problems.ts';
import { byNewestObservation, highest, TUNNEL } from '../promql/fold.ts';
import { namedIfAny } from '../promql/names.ts';
import { age, sumBy } from '../promql/promql.ts';
import { each, ofAccounts, ofTunnels } from '../promql/select.ts';

export function now(): Section {
  const readable = highest('account_id', ofAccounts('cloudflare_tunnel_exporter_account_up'));
  const listed = highest(
    'account_id',
    ofAccounts('cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds', 'collector="tunnels"'),
  );
  const atRisk = byNewestObservation(TUNNEL, withoutRedundancy());
  const ofExporter = boardLink('exporter', { from: 'overview' });
  return {
    title: 'Now',
    shelves: [
      {
        height: 4,
        panels: [
          [
            9,
            stat({
              title: 'Tunnels by status',
              description:
                'Tunnels in each status, as Cloudflare lists it. Down: no connection, its services are unreachable. Degraded: serving, with ' +
                'at least one connection lost. Status says nothing about the service behind the tunnel.',
              unit: 'none',
              noValue: 'No tunnel is listed',
              queries: [{ expr: tunnelsByStatus(), legend: '{{status}}' }],
              series: {
                down: { name: 'Down', levels: [[1, COLOURS.bad]] },
                degraded: { name: 'Degraded', levels: [[1, COLOURS.warning]] },
                unknown: { name: 'Unknown', levels: [[1, COLOURS.odd]] },
                healthy: { name: 'Healthy', levels: [[1, COLOURS.good]] },
                inactive: { name: 'Never run' },
                [INTERMITTENT]: { name: 'Down, as they may be' },
              },
              link: boardLink('tunnel', { from: 'overview' }),
            }),
          ],
          [
            4,
            stat({
              title: 'Alerts firing',
              description:
                'Alerts of deploy/prometheus/alerts.yaml that fire now; the table below names them. Rules not loaded: nobody is ' +
                'paged, whatever happens to the tunnels.',
              unit: 'none',
              noValue: NO_RULES.text,
              queries: [{ expr: alertsFiring(), legend: 'Alerts' }],
              levels: [[1, COLOURS.bad]],
              states: [NO_RULES],
              link: ofExporter,
            }),
          ],
          [
            4,
            stat({
              title: 'Without redundancy',
              description:
                'Serving cloudflared tunnels that depend on one connector or one airport. Start a second cloudflared with the same ' +
                'tunnel, on another machine.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: `count(${atRisk})`, legend: 'Tunnels' }],
              levels: [[1, COLOURS.warning]],
              link: runbook('NoRedundancy'),
            }),
          ],
          [
            4,
            stat({
              title: 'Accounts unreadable',
              description:
                'Accounts whose tunnels no exporter could list at its last try. What this dashboard shows of them is old, and disappears when it is stale. See the Exporter dashboard.',
              unit: 'none',
              noValue: 'No exporter reports',
              queries: [{ expr: `sum(${readable} == bool 0)`, legend: 'Accounts' }],
              levels: [[1, COLOURS.bad]],
              link: ofExporter,
            }),
          ],
          [
            3,
            stat({
              title: 'Age of the data',
              description:
                'Time since the tunnels of the account that has waited longest were listed. It should stay near the poll schedule ' +
                '(30 s by default); older data than --poll.stale-after disappears.',
              unit: 's',
              noValue: 'No list yet',
              queries: [{ expr: `max(${age(listed)})`, legend: 'Oldest list' }],
              levels: [
                [150, COLOURS.warning],
                [600, COLOURS.bad],
              ],
              link: ofExporter,
            }),
          ],
        ],
      },
      {
        height: 10,
        panels: [
          [
            24,
            table({
              title: 'What is wrong now',
              description:
                'Tunnels with a problem, the worst first, and the newest first among equals; one that has several shows its ' +
                'worst. A click on the problem shows what to do, one on the name shows the tunnel.',
              noValue: 'Nothing is wrong',
              columns: [
                {
                  name: 'Problem',
                  expr: namedIfAny(worstProblems()),
                  states: PROBLEMS,
                  width: 250,
                  link: runbookLink('runbook'),
                },
                TUNNEL_COLUMN,
                { name: 'For', expr: troubleSince(), ...AGE, beyond: LONGER, width: 150 },
                { name: 'Connectors', expr: connectors(), width: 100 },
                { name: 'Last connected at', label: 'airport', width: 140 },
                { name: 'Behind it', expr: behind(), width: 90 },
                ACCOUNT_COLUMN,
              ],
              hidden: [...HIDDEN, 'runbook'],
              infos: [lastAirport()],
              rowsWith: 'Problem',
              sortBy: [
                { column: 'Problem', desc: true },
                { column: 'For', desc: false },
              ],
              steps: 60,
            }),
          ],
        ],
      },
      {
        height: 7,
        panels: [
          [
            24,
            table({
              title: 'Alerts that fire',
              description:
                'Alerts of deploy/prometheus/alerts.yaml, the most severe first. Alerts wait before they fire, so the table above ' +
                'shows trouble sooner. A click on an alert shows its runbook.',
              noValue: 'No alert fires, if the rules are loaded',
              columns: [
                { name: 'Severity', expr: firingAlerts(), states: SEVERITIES, width: 100 },
                { name: 'Alert', label: 'alertname', link: runbookLink('Alert') },
                TUNNEL_COLUMN,
                { name: 'For', expr: alertsActiveFor(), ...AGE, width: 150 },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              rowsWith: 'Severity',
              sortBy: [
                { column: 'Severity', desc: true },
                { column: 'For', desc: false },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

/** The `airport` of most connections of each tunnel that went down within the last hour. */
function lastAirport(): string {
  const active = ofTunnels('cloudflare_tunnel_active_connections');
  const last = highest(`${TUNNEL}, colo, airport`, each`last_over_time(${active}[1h:10m])`);
  const down = highest('account_id, tunnel_id', ofTunnels('cloudflare_tunnel_status', 'status="down"'));
  const ofDown = `${last} and on (account_id, tunnel_id) ${down} == 1`;
  return `topk by (${TUNNEL}) (1, ${sumBy(`${TUNNEL}, airport`, ofDown)})`;
}
