import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { barGauge } from '../panels/bar-gauge.ts';
import { table } from '../panels/table.ts';
import { SUPPORTED_SECONDS, releaseAge } from '../problems.ts';
import { CONNECTOR, countBy, maxBy, ofAccounts, ofTunnels, sumBy } from '../promql.ts';
import { ACCOUNT_COLUMN, TUNNEL_COLUMN } from './columns.ts';

export function versions(): Section {
  const byVersion = countBy(
    'version',
    maxBy(`${CONNECTOR}, version`, ofTunnels('cloudflare_tunnel_connector_info')),
  );
  const up = ofAccounts('cloudflare_tunnel_exporter_account_up');
  const tunnelsOfAccount = sumBy(
    'account_id',
    maxBy('account_id, tunnel_type, status', ofAccounts('cloudflare_tunnel_account_tunnels')),
  );
  return {
    title: 'Versions and accounts',
    shelves: [
      {
        height: 10,
        panels: [
          [
            6,
            barGauge({
              title: 'Connectors by version',
              description:
                'Connectors that run each version. One version, or two during a rollout, is how it should be.',
              unit: 'none',
              queries: [{ expr: `sort_desc(${byVersion})`, legend: '{{version}}' }],
            }),
          ],
          [
            10,
            table({
              title: 'Oldest connectors',
              description:
                'The 50 connectors with the oldest releases. Cloudflare supports a release for one year: update what is ' +
                'coloured. Versions that name no date are not here.',
              columns: [
                {
                  name: 'Released before',
                  expr: `topk(50, ${releaseAge()})`,
                  unit: 's',
                  decimals: 1,
                  steps: [
                    [SUPPORTED_SECONDS * 0.75, COLOURS.note],
                    [SUPPORTED_SECONDS, COLOURS.warning],
                  ],
                  width: 140,
                },
                { name: 'Version', label: 'version', width: 110 },
                TUNNEL_COLUMN,
                { name: 'Connector', label: 'connector_id' },
                ACCOUNT_COLUMN,
              ],
              infos: [maxBy(`${CONNECTOR}, version`, ofTunnels('cloudflare_tunnel_connector_info'))],
              rowsWith: 'Released before',
              sortBy: { column: 'Released before', desc: true },
            }),
          ],
          [
            8,
            table({
              title: 'Accounts',
              description:
                'Accounts that the exporter watches, unreadable ones first, with the names given in its configuration.',
              columns: [
                {
                  name: 'List',
                  expr: maxBy('account_id', up),
                  states: [
                    { number: 0, text: 'Unreadable', colour: COLOURS.bad },
                    { number: 1, text: 'Complete', colour: COLOURS.text },
                  ],
                  width: 110,
                },
                { name: 'Name', label: 'account_name' },
                { name: 'Tunnels', expr: tunnelsOfAccount, width: 90 },
                ACCOUNT_COLUMN,
              ],
              infos: [maxBy('account_id, account_name', ofAccounts('cloudflare_tunnel_account_info'))],
              sortBy: { column: 'List', desc: false },
            }),
          ],
        ],
      },
    ],
  };
}
