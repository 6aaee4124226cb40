import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { accountsUnwatched, exporterRestarts, failovers } from './board/annotations.ts';
import { assemble } from './board/assemble.ts';
import type { Section } from './board/layout.ts';
import { boardLink, cloudflareLink, runbook, TUNNEL_OF_SERIES, tunnelLink } from './board/links.ts';
import { COLOURS } from './colours.ts';
import { ACCOUNT_COLUMN, AGE, HIDDEN, TUNNEL_COLUMN } from './columns.ts';
import { stat } from './panels/stat.ts';
import { stateTimeline } from './panels/state-timeline.ts';
import { table } from './panels/table.ts';
import { timeseries } from './panels/timeseries.ts';
import { inHaStatus, withoutStandby } from './problems.ts';
import { byNewestHaObservation, CONNECTOR, highest, TUNNEL } from './promql/fold.ts';
import { inOrder, named, shortened } from './promql/names.ts';
import { age } from './promql/promql.ts';
import { each, grown, grownInRange, ofTunnels, type PerExporter } from './promql/select.ts';
import { HA_STATUSES, haStatusNumbers, type State } from './states.ts';

export function warpHa(): Dashboard {
  return assemble({
    board: 'warpHa',
    description:
      'High availability of WARP connectors: which is active, which is on standby, and when that changed.',
    variables: { tunnel: 'all' },
    annotations: [accountsUnwatched(), failovers(), exporterRestarts()],
    sections: [now(), overTime()],
  });
}

/** Limits the cost of graphs of a whole fleet. */
const STEPS = 150;

const FAILOVERS = ofTunnels('cloudflare_tunnel_ha_failovers_total');

/** The higher, the worse. */
const CONDITIONS: readonly (State & { readonly tunnels: PerExporter })[] = [
  {
    number: 3,
    text: 'None active',
    colour: COLOURS.bad,
    tunnels: each`${inHaStatus('active')} == 0`,
  },
  {
    number: 2,
    text: 'Several active',
    colour: COLOURS.bad,
    tunnels: each`${inHaStatus('active')} > 1`,
  },
  { number: 1, text: 'No standby', colour: COLOURS.warning, tunnels: withoutStandby() },
  { number: 0, text: 'Good', colour: COLOURS.good, tunnels: inHaStatus('active') },
];

function conditions(): string {
  const numbered = CONDITIONS.map(({ tunnels, number }) => each`0 * (${tunnels}) + ${number}`);
  return byNewestHaObservation(
    TUNNEL,
    numbered.reduce((all, one) => each`${all}\nor\n${one}`),
  );
}

/** Tunnels in one of these conditions. */
function tunnelsThat(condition: PerExporter): string {
  return `count(${byNewestHaObservation(TUNNEL, condition)})`;
}

function inStatus(status: string): string {
  return byNewestHaObservation(TUNNEL, inHaStatus(status));
}

function now(): Section {
  const ofWarp = ofTunnels('cloudflare_tunnel_connector_info');
  const version = byNewestHaObservation(`${CONNECTOR}, version`, ofWarp);
  const mode = ofTunnels('cloudflare_tunnel_ha_mode');
  const started = ofTunnels('cloudflare_tunnel_connector_started_timestamp_seconds');
  return {
    title: 'Now',
    shelves: [
      {
        height: 4,
        panels: [
          [
            5,
            stat({
              title: 'Tunnels with high availability',
              link: boardLink('overview', { from: 'warpHa' }),
              description: 'WARP connector tunnels whose connectors have an HA status.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: tunnelsThat(inHaStatus('active')), legend: 'Tunnels' }],
            }),
          ],
          [
            5,
            stat({
              title: 'None active',
              link: runbook('WarpNoActive'),
              description:
                'Tunnels without an active connector: their routes lead nowhere. Cloudflare promotes a standby within seconds. ' +
                'If it does not, restart the connectors.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: tunnelsThat(each`${inHaStatus('active')} == 0`), legend: 'Tunnels' }],
              levels: [[1, COLOURS.bad]],
            }),
          ],
          [
            5,
            stat({
              title: 'Several active',
              link: runbook('WarpSplitBrain'),
              description:
                'Tunnels where more than one connector is active. For one observation that is a failover in progress; for longer, traffic may be split: stop all but one.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: tunnelsThat(each`${inHaStatus('active')} > 1`), legend: 'Tunnels' }],
              levels: [[1, COLOURS.bad]],
            }),
          ],
          [
            5,
            stat({
              title: 'No standby',
              link: runbook('WarpNoStandby'),
              description:
                'Tunnels without a connector that takes over when the active one fails. Start a second connector.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: tunnelsThat(withoutStandby()), legend: 'Tunnels' }],
              levels: [[1, COLOURS.warning]],
            }),
          ],
          [
            4,
            stat({
              title: 'Failovers',
              link: runbook('WarpFailover'),
              description: 'Times that another connector became the active one, in the time range shown.',
              unit: 'none',
              noValue: '0',
              queries: [{ expr: `sum(${highest(TUNNEL, grownInRange(FAILOVERS))})`, legend: 'Failovers' }],
              levels: [[1, COLOURS.note]],
            }),
          ],
        ],
      },
      {
        height: 8,
        panels: [
          [
            12,
            table({
              title: 'Tunnels with high availability, worst first',
              noValue: 'No WARP connector with high availability',
              description:
                'The condition of each tunnel, with its connectors per HA status. Good: one active, at least one on standby. A ' +
                'click on the name shows the tunnel.',
              columns: [
                { name: 'Condition', expr: named(conditions()), states: CONDITIONS, width: 115 },
                TUNNEL_COLUMN,
                { name: 'Active', expr: inStatus('active'), width: 65 },
                { name: 'Standby', expr: inStatus('passive'), width: 80 },
                { name: 'Offline', expr: inStatus('offline'), width: 70 },
                {
                  name: 'Failovers',
                  expr: highest(TUNNEL, grownInRange(FAILOVERS)),
                  decimals: 0,
                  width: 85,
                },
                { name: 'Mode', label: 'ha_mode', width: 70 },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              infos: [byNewestHaObservation(`${TUNNEL}, ha_mode`, each`${mode} == 1`)],
              rowsWith: 'Condition',
              sortBy: [
                { column: 'Condition', desc: true },
                { column: 'Tunnel', desc: false },
              ],
            }),
          ],
          [
            12,
            table({
              title: 'Connectors with an HA status',
              noValue: 'No WARP connector with high availability',
              description:
                'Each WARP connector, offline ones first. Offline: its machine or its network is down; until it is back, a standby is missing.',
              columns: [
                {
                  name: 'HA status',
                  expr: named(byNewestHaObservation(CONNECTOR, haStatusNumbers())),
                  states: HA_STATUSES,
                  width: 90,
                },
                TUNNEL_COLUMN,
                {
                  name: 'Connector',
                  label: 'connector_id',
                  short: true,
                  width: 100,
                  link: cloudflareLink('Connector ${__value.raw}: show its account at Cloudflare'),
                },
                { name: 'Version', label: 'version', width: 110 },
                {
                  name: 'Uptime',
                  expr: age(byNewestHaObservation(CONNECTOR, started)),
                  ...AGE,
                  width: 125,
                },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              infos: [version],
              rowsWith: 'HA status',
              sortBy: [
                { column: 'HA status', desc: true },
                { column: 'Tunnel', desc: false },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

function overTime(): Section {
  return {
    title: 'Over time',
    shelves: [
      {
        height: 10,
        panels: [
          [
            24,
            stateTimeline({
              title: 'HA status of each connector',
              description:
                'Which connector was active when. At a failover, another lane becomes active. Two active lanes for long are a split brain. ' +
                'A lane that begins is a new process. A click shows the tunnel.',
              noValue: 'No WARP connector with high availability',
              queries: [
                {
                  expr: inOrder(
                    shortened(byNewestHaObservation(CONNECTOR, haStatusNumbers()), 'connector_id', {
                      as: 'connector',
                    }),
                    ['tunnel_name', 'connector'],
                  ),
                  legend: '{{tunnel_name}} / {{connector}}',
                },
              ],
              steps: STEPS,
              states: HA_STATUSES,
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
        ],
      },
      {
        height: 8,
        panels: [
          [
            12,
            timeseries({
              title: 'Failovers over time',
              description:
                'Times that another connector became the active one. One after a restart is what high availability is for; many ' +
                'are a connector that comes and goes.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              noValue: 'No failover',
              queries: [{ expr: `${highest(TUNNEL, grown(FAILOVERS))} > 0`, legend: '{{tunnel_name}}' }],
              steps: STEPS,
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
          [
            12,
            timeseries({
              title: 'Connectors on standby',
              description: 'Connectors that could take over. At 0 the next failure is an outage.',
              unit: 'none',
              draw: 'jumps',
              decimals: 0,
              noValue: 'No WARP connector with high availability',
              queries: [{ expr: inStatus('passive'), legend: '{{tunnel_name}}' }],
              steps: STEPS,
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
        ],
      },
    ],
  };
}
