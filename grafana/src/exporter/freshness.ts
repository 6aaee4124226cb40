import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { maxBy, ofExporter } from '../promql.ts';
import { oldestObservation, sinceSuccess } from './figures.ts';

export function freshness(): Section {
  return {
    title: 'Freshness',
    shelves: [
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Time since the last success',
              description:
                'Per collector and account, by the replica that does best. A saw at the height of the schedule is good; a slope is ' +
                'a collector that fails.',
              unit: 's',
              queries: [{ expr: sinceSuccess(), legend: '{{collector}} {{account_id}}' }],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Age of the oldest observation',
              description:
                'Per account, of the tunnel whose connections wait longest. It settles where the budget allows; over 10 minutes, ' +
                'raise the budget or split accounts over several tokens.',
              unit: 's',
              queries: [{ expr: oldestObservation(), legend: '{{account_id}}' }],
              limits: [[600, COLOURS.warning]],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Tunnels waiting for an observation',
              description:
                'Tunnels whose connections were due, but for which the budget had no request left. Above 0 all the time: they take turns.',
              unit: 'none',
              draw: 'steps',
              decimals: 0,
              queries: [
                {
                  expr: maxBy('instance', ofExporter('cloudflare_tunnel_exporter_detail_queue_tunnels')),
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
