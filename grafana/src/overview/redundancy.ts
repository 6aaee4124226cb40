import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { ACCOUNT_COLUMN, HIDDEN, TUNNEL_COLUMN } from '../columns.ts';
import { table } from '../panels/table.ts';
import { airports, behind, CHOSEN, connectorsAtRisk } from '../problems.ts';
import { byNewestObservation, highest, TUNNEL } from '../promql/fold.ts';
import { named, namedIfAny } from '../promql/names.ts';
import { ofAccounts } from '../promql/select.ts';

export function redundancy(): Section {
  const expected = 'account_id, tunnel';
  const present = ofAccounts('cloudflare_tunnel_expected_present', CHOSEN);
  const minimum = ofAccounts('cloudflare_tunnel_expected_min_connectors', CHOSEN);
  const few = [
    [1, COLOURS.warning],
    [2, COLOURS.text],
  ] as const;
  return {
    title: 'Redundancy',
    collapsed: true,
    shelves: [
      {
        height: 10,
        panels: [
          [
            14,
            table({
              title: 'Tunnels that depend on one connector or one airport',
              description:
                'Serving cloudflared tunnels, first those with most behind them. Behind it: host names and private routes that ' +
                'lead to the tunnel. One connector: the tunnel goes down with its process. One airport: it goes down with a Cloudflare site.',
              noValue: 'Every tunnel has two connectors and two airports',
              columns: [
                TUNNEL_COLUMN,
                { name: 'Behind it', expr: behind(), width: 90 },
                {
                  name: 'Connectors',
                  expr: named(byNewestObservation(TUNNEL, connectorsAtRisk())),
                  levels: few,
                  width: 110,
                },
                { name: 'Airports', expr: airports(), levels: few, width: 90 },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              rowsWith: 'Connectors',
              sortBy: [
                { column: 'Behind it', desc: true },
                { column: 'Connectors', desc: false },
              ],
            }),
          ],
          [
            10,
            table({
              title: 'Expected tunnels',
              description:
                'Tunnels that the configuration file declares, missing ones first. Missing: deleted, renamed, or not visible to ' +
                'the API token.',
              noValue: 'No tunnel is declared under expected_tunnels',
              columns: [
                {
                  name: 'Present',
                  expr: namedIfAny(highest(expected, present)),
                  states: [
                    { number: 0, text: 'Missing', colour: COLOURS.bad },
                    { number: 1, text: 'Present', colour: COLOURS.good },
                  ],
                  width: 90,
                },
                { ...TUNNEL_COLUMN, label: 'tunnel' },
                {
                  name: 'Minimum of connectors',
                  expr: highest(expected, minimum),
                  width: 170,
                },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              sortBy: [
                { column: 'Present', desc: false },
                { column: 'Tunnel', desc: false },
              ],
            }),
          ],
        ],
      },
    ],
  };
}
