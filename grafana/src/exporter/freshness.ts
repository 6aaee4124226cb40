import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { highest } from '../promql/fold.ts';
import { namedIfAny } from '../promql/names.ts';
import { ofAccounts } from '../promql/select.ts';
import { oldestObservation, perInstance, sinceSuccess } from './figures.ts';

export function freshness(): Section {
  return {
    title: 'Freshness',
    shelves: [
      {
        height: 8,
        panels: [
          [
            9,
            timeseries({
              title: 'Time since the last success',
              legend: 'table',
              description:
                'Per collector and account, from the best replica. A sawtooth as high as the poll interval is normal; a slope is a collector that fails.',
              unit: 'dthms',
              noValue: 'No collector has succeeded yet',
              queries: [{ expr: namedIfAny(sinceSuccess()), legend: '{{account}}: {{collector}}' }],
            }),
          ],
          [
            5,
            timeseries({
              title: 'Age of the oldest observation',
              description:
                'Per account, of the tunnel whose connections wait longest. The budget sets its level. Over 15 minutes, raise the budget or split accounts over several tokens.',
              unit: 'dthms',
              noValue: 'No tunnel is observed',
              queries: [{ expr: oldestObservation(), legend: '{{account}}' }],
              limits: [[900, COLOURS.warning]],
            }),
          ],
          [
            5,
            timeseries({
              title: 'Planned time between two lists',
              description:
                'Per account, as the exporter plans it from its schedule and budget. Changes of status are noticed with this delay. If it grows, the budget is too small for so many accounts and pages.',
              unit: 'dthms',
              noValue: 'This version of the exporter does not report it',
              draw: 'jumps',
              queries: [
                {
                  expr: namedIfAny(
                    highest('account_id', ofAccounts('cloudflare_tunnel_exporter_list_interval_seconds')),
                  ),
                  legend: '{{account}}',
                },
              ],
            }),
          ],
          [
            5,
            timeseries({
              title: 'Tunnels waiting for an observation',
              description:
                'Tunnels whose connections were due, but for which the budget had no request left. Above 0 all the time: the budget is too small to observe every tunnel at each poll.',
              unit: 'none',
              noValue: 'No exporter reports',
              draw: 'jumps',
              decimals: 0,
              queries: [
                {
                  expr: perInstance('cloudflare_tunnel_exporter_detail_queue_tunnels'),
                  legend: '{{instance}}',
                },
              ],
            }),
          ],
        ],
      },
    ],
  };
}
