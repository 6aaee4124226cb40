import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { table } from '../panels/table.ts';
import { airports, connectors } from '../problems.ts';
import { TUNNEL, maxBy, ofAccounts, ofTunnels, sumBy } from '../promql.ts';
import { ACCOUNT_COLUMN, TUNNEL_COLUMN } from './columns.ts';

export function redundancy(): Section {
  const connections = sumBy(
    TUNNEL,
    maxBy(`${TUNNEL}, colo, airport`, ofTunnels('cloudflare_tunnel_active_connections')),
  );
  const expected = 'account_id, tunnel';
  return {
    title: 'Redundancy',
    shelves: [
      {
        height: 10,
        panels: [
          [
            14,
            table({
              title: 'Connectors and airports of each tunnel',
              description:
                'Serving tunnels, the least redundant first. One connector: the tunnel ends with its process. One airport: it ' +
                'ends with a Cloudflare site. A healthy connector of cloudflared has four connections to two or more data centers.',
              columns: [
                TUNNEL_COLUMN,
                {
                  name: 'Connectors',
                  expr: `${connectors()} > 0`,
                  steps: [
                    [1, COLOURS.warning],
                    [2, COLOURS.text],
                  ],
                  width: 110,
                },
                {
                  name: 'Airports',
                  expr: airports(),
                  steps: [
                    [1, COLOURS.warning],
                    [2, COLOURS.text],
                  ],
                  width: 100,
                },
                { name: 'Connections', expr: connections, width: 120 },
                ACCOUNT_COLUMN,
              ],
              rowsWith: 'Connectors',
              sortBy: { column: 'Connectors', desc: false },
            }),
          ],
          [
            10,
            table({
              title: 'Expected tunnels',
              description:
                'Tunnels that the configuration file declares, missing ones first. Missing: deleted, renamed, or not visible to ' +
                'the API token. Empty: none is declared.',
              columns: [
                {
                  name: 'Present',
                  expr: maxBy(expected, ofAccounts('cloudflare_tunnel_expected_present')),
                  states: [
                    { number: 0, text: 'Missing', colour: COLOURS.bad },
                    { number: 1, text: 'Present', colour: COLOURS.text },
                  ],
                  width: 100,
                },
                { name: 'Tunnel as declared', label: 'tunnel' },
                {
                  name: 'Minimum of connectors',
                  expr: maxBy(expected, ofAccounts('cloudflare_tunnel_expected_min_connectors')),
                  width: 180,
                },
                ACCOUNT_COLUMN,
              ],
              sortBy: { column: 'Present', desc: false },
            }),
          ],
        ],
      },
    ],
  };
}
