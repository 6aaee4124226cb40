import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { tunnelsIn } from '../fleet.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { PROBLEMS, airports, connectors, worstProblems } from '../problems.ts';
import { TUNNEL, grownInRange, maxBy, ofAccounts, ofTunnels, sumBy } from '../promql.ts';
import { ACCOUNT_COLUMN, TUNNEL_COLUMN } from './columns.ts';

export function now(): Section {
  const readable = `max by (account_id) (${ofAccounts('cloudflare_tunnel_exporter_account_up')})`;
  const listed = maxBy(
    'account_id',
    ofAccounts('cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds', 'collector="tunnels"'),
  );
  return {
    title: 'Now',
    shelves: [
      {
        height: 4,
        panels: [
          [
            12,
            stat({
              title: 'Tunnels by status',
              description:
                'Tunnels in each status, as Cloudflare lists it. Down: no connection, nobody is served. Degraded: serving, with ' +
                'at least one connection lost. Status tells nothing of the service behind the tunnel.',
              unit: 'none',
              queries: [
                { expr: tunnelsIn('down'), legend: 'Down' },
                { expr: tunnelsIn('degraded'), legend: 'Degraded' },
                { expr: tunnelsIn('healthy'), legend: 'Healthy' },
                { expr: tunnelsIn('inactive'), legend: 'Never run' },
              ],
              stepsOf: {
                Down: [[1, COLOURS.bad]],
                Degraded: [[1, COLOURS.warning]],
                Healthy: [[1, COLOURS.good]],
              },
            }),
          ],
          [
            4,
            stat({
              title: 'Without redundancy',
              description:
                'Serving tunnels that lose everything with one connector. Start a second cloudflared with the same tunnel, on ' +
                'another machine.',
              unit: 'none',
              queries: [{ expr: `sum(${connectors()} == bool 1)`, legend: 'Tunnels' }],
              steps: [[1, COLOURS.warning]],
            }),
          ],
          [
            4,
            stat({
              title: 'Accounts unreadable',
              description:
                'Accounts whose tunnels the exporter could not list at its last try. What this dashboard shows of them is old, ' +
                'and vanishes when it is too old. See the Exporter dashboard.',
              unit: 'none',
              queries: [{ expr: `sum(${readable} == bool 0)`, legend: 'Accounts' }],
              steps: [[1, COLOURS.bad]],
            }),
          ],
          [
            4,
            stat({
              title: 'Age of the data',
              description:
                'Time since the tunnels of the account that waits longest were listed. It should stay near the poll schedule ' +
                '(30 s by default); data older than 5 minutes vanishes by default.',
              unit: 's',
              queries: [{ expr: `max(time() - ${listed})`, legend: 'Oldest list' }],
              steps: [
                [120, COLOURS.warning],
                [300, COLOURS.bad],
              ],
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
                'Tunnels with a problem, the worst first; one that has several shows its worst. Empty: nothing is wrong. A ' +
                'click on the name shows the tunnel. Down: is cloudflared running, and can it reach Cloudflare on port 7844?',
              columns: [
                { name: 'Problem', expr: worstProblems(), states: PROBLEMS, width: 240 },
                TUNNEL_COLUMN,
                { name: 'Connectors', expr: connectors(), width: 110 },
                { name: 'Airports', expr: airports(), width: 100 },
                {
                  name: 'Without connections for',
                  expr: `time() - ${maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_inactive_since_timestamp_seconds'))}`,
                  unit: 's',
                  decimals: 1,
                  width: 190,
                },
                {
                  name: 'Changes of status',
                  expr: changesOfStatus(),
                  decimals: 0,
                  width: 150,
                },
                ACCOUNT_COLUMN,
              ],
              rowsWith: 'Problem',
              sortBy: { column: 'Problem', desc: true },
            }),
          ],
        ],
      },
    ],
  };
}

function changesOfStatus(): string {
  const transitions = ofTunnels('cloudflare_tunnel_status_transitions_total');
  return sumBy(TUNNEL, maxBy(`${TUNNEL}, status`, grownInRange(transitions)));
}
