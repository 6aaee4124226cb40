import type { Section } from '../board/layout.ts';
import { connectionsPerAirport } from '../fleet.ts';
import { airportMap } from '../panels/airport-map.ts';
import { barGauge } from '../panels/bar-gauge.ts';

export function places(): Section {
  const noValue = 'No connection is observed';
  return {
    title: 'Where tunnels connect',
    collapsed: true,
    shelves: [
      {
        height: 12,
        panels: [
          [
            16,
            airportMap({
              title: 'Connections by airport',
              description:
                'Where the connections end: Cloudflare names its data centers after airports. A place far from your machines ' +
                'costs latency. Airports that Grafana does not know are in the list beside the map only.',
              unit: 'none',
              noValue,
              expr: connectionsPerAirport(),
              value: 'Connections',
            }),
          ],
          [
            8,
            barGauge({
              title: 'Connections by airport, in figures',
              description:
                'The 12 airports with the most connections. When Cloudflare has an incident in one, this is how much of the fleet it affects.',
              unit: 'none',
              noValue,
              queries: [{ expr: `sort_desc(topk(12, ${connectionsPerAirport()}))`, legend: '{{airport}}' }],
            }),
          ],
        ],
      },
    ],
  };
}
