import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { exporterRestarts, failovers } from './board/annotations.ts';
import { assemble } from './board/assemble.ts';
import type { Section } from './board/layout.ts';
import { TUNNEL_OF_ROW, TUNNEL_OF_SERIES, tunnelLink } from './board/links.ts';
import { COLOURS } from './colours.ts';
import { stat } from './panels/stat.ts';
import { stateTimeline } from './panels/state-timeline.ts';
import { table } from './panels/table.ts';
import { timeseries } from './panels/timeseries.ts';
import { inHaStatus } from './problems.ts';
import { CONNECTOR, firstOf, grown, grownInRange, maxBy, ofTunnels, TUNNEL } from './promql.ts';
import { HA_STATUSES, haStatusNumbers, type State } from './states.ts';

export function warpHa(): Dashboard {
  return assemble({
    board: 'warpHa',
    description: 'High availability of WARP connectors: who is active, who stands by, and when that changed.',
    variables: { tunnel: 'all' },
    annotations: [failovers(), exporterRestarts()],
    sections: [now(), overTime()],
  });
}

const FAILOVERS = ofTunnels('cloudflare_tunnel_ha_failovers_total');

/** The higher, the worse. */
const CONDITIONS: readonly (State & { readonly tunnels: string })[] = [
  { number: 3, text: 'None active', colour: COLOURS.bad, tunnels: `${inHaStatus('active')} == 0` },
  { number: 2, text: 'Several active', colour: COLOURS.bad, tunnels: `${inHaStatus('active')} > 1` },
  { number: 1, text: 'No standby', colour: COLOURS.warning, tunnels: `${inHaStatus('passive')} == 0` },
  { number: 0, text: 'Good', colour: COLOURS.good, tunnels: inHaStatus('active') },
];

function conditions(): string {
  return firstOf(...CONDITIONS.map(({ tunnels, number }) => `(${tunnels}) * 0 + ${number}`));
}

function now(): Section {
  const version = maxBy(`${CONNECTOR}, version`, ofTunnels('cloudflare_tunnel_connector_info'));
  const mode = maxBy(`${TUNNEL}, ha_mode`, ofTunnels('cloudflare_tunnel_ha_mode'));
  const tunnelColumn = { name: 'Tunnel', label: 'tunnel_name', link: tunnelLink(TUNNEL_OF_ROW) };
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
              description: 'WARP connector tunnels whose connectors have an HA status.',
              unit: 'none',
              queries: [{ expr: `count(${inHaStatus('active')})`, legend: 'Tunnels' }],
            }),
          ],
          [
            5,
            stat({
              title: 'None active',
              description:
                'Tunnels where no connector is active: their routes are dead. Cloudflare promotes a standby within seconds; ' +
                'where it has not, restart the connectors.',
              unit: 'none',
              queries: [{ expr: `sum(${inHaStatus('active')} == bool 0)`, legend: 'Tunnels' }],
              steps: [[1, COLOURS.bad]],
            }),
          ],
          [
            5,
            stat({
              title: 'Several active',
              description:
                'Tunnels where more than one connector is active. For one observation that is a failover caught half-way; for ' +
                'longer, traffic may be split: stop all but one.',
              unit: 'none',
              queries: [{ expr: `sum(${inHaStatus('active')} > bool 1)`, legend: 'Tunnels' }],
              steps: [[1, COLOURS.bad]],
            }),
          ],
          [
            5,
            stat({
              title: 'No standby',
              description:
                'Tunnels where nobody takes over when the active connector fails. Start a second connector.',
              unit: 'none',
              queries: [{ expr: `sum(${inHaStatus('passive')} == bool 0)`, legend: 'Tunnels' }],
              steps: [[1, COLOURS.warning]],
            }),
          ],
          [
            4,
            stat({
              title: 'Failovers',
              description: 'Times that another connector became the active one, in the time range shown.',
              unit: 'none',
              queries: [{ expr: `sum(${maxBy(TUNNEL, grownInRange(FAILOVERS))})`, legend: 'Failovers' }],
              steps: [[1, COLOURS.note]],
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
              description:
                'The condition of each tunnel, with its connectors per HA status. Good: one active, at least one on standby. A ' +
                'click on the name shows the tunnel.',
              columns: [
                { name: 'Condition', expr: conditions(), states: CONDITIONS, width: 130 },
                tunnelColumn,
                { name: 'Active', expr: inHaStatus('active'), width: 80 },
                { name: 'Standby', expr: inHaStatus('passive'), width: 90 },
                { name: 'Offline', expr: inHaStatus('offline'), width: 80 },
                {
                  name: 'Failovers',
                  expr: maxBy(TUNNEL, grownInRange(FAILOVERS)),
                  decimals: 0,
                  width: 100,
                },
                { name: 'Mode', label: 'ha_mode', width: 90 },
                { name: 'Account', label: 'account_id', width: 290 },
              ],
              infos: [`${mode} == 1`],
              rowsWith: 'Condition',
              sortBy: { column: 'Condition', desc: true },
            }),
          ],
          [
            12,
            table({
              title: 'Connectors with an HA status',
              description:
                'Each WARP connector, offline ones first. Offline: its machine or its network is down; while it is, a standby less.',
              columns: [
                { name: 'HA status', expr: haStatusNumbers(), states: HA_STATUSES, width: 110 },
                tunnelColumn,
                { name: 'Connector', label: 'connector_id' },
                { name: 'Version', label: 'version', width: 120 },
                {
                  name: 'Uptime',
                  expr: `time() - ${maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_started_timestamp_seconds'))}`,
                  unit: 's',
                  decimals: 1,
                  width: 120,
                },
                { name: 'Account', label: 'account_id', width: 290 },
              ],
              infos: [version],
              rowsWith: 'HA status',
              sortBy: { column: 'HA status', desc: true },
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
                'Who was active when. A failover is where the active lane changes; two active lanes at once for long are a split. A ' +
                'lane that begins is a new process. A click shows the tunnel.',
              queries: [{ expr: haStatusNumbers(), legend: '{{tunnel_name}} / {{connector_id}}' }],
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
              queries: [{ expr: maxBy(TUNNEL, grown(FAILOVERS)), legend: '{{tunnel_name}}' }],
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
          [
            12,
            timeseries({
              title: 'Connectors on standby',
              description: 'Connectors that could take over. At 0 the next failure is an outage.',
              unit: 'none',
              draw: 'steps',
              decimals: 0,
              queries: [{ expr: inHaStatus('passive'), legend: '{{tunnel_name}}' }],
              link: tunnelLink(TUNNEL_OF_SERIES),
            }),
          ],
        ],
      },
    ],
  };
}
