import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { total } from '../promql/fold.ts';
import { grown, ofExporter } from '../promql/select.ts';
import { perInstance, quantile } from './figures.ts';

export function polls(): Section {
  const polled = ofExporter('cloudflare_tunnel_exporter_polls_total');
  return {
    title: 'Polls and rendering',
    shelves: [
      {
        height: 8,
        panels: [
          [
            6,
            timeseries({
              title: 'Polls by result',
              description:
                'Of all exporters together. failure: an account could not be listed whole. skipped: one was due while another ran; Cloudflare is slow, or ' +
                'the schedule too dense.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              noValue: 'No poll in this time range',
              queries: [{ expr: `${total('result', grown(polled))} > 0`, legend: '{{result}}' }],
              colours: { success: COLOURS.good, failure: COLOURS.bad, skipped: COLOURS.warning },
            }),
          ],
          [
            6,
            timeseries({
              title: 'Duration of a poll, 95th percentile',
              description:
                'From the first request of a poll to the last. If it is longer than the poll interval, polls are skipped.',
              // With the unit `s`, Grafana shows 100 s as 1.67 mins.
              unit: 'suffix: s',
              noValue: 'No poll in this time range',
              queries: [
                {
                  expr: quantile(0.95, {
                    of: 'cloudflare_tunnel_exporter_poll_duration_seconds',
                    by: 'instance',
                  }),
                  legend: '{{instance}}',
                },
              ],
            }),
          ],
          [
            6,
            timeseries({
              title: 'Rendering, 95th percentile',
              description: 'Time to render what changed. Scrapes do not wait for it.',
              unit: 's',
              noValue: 'No poll in this time range',
              queries: [
                {
                  expr: quantile(0.95, {
                    of: 'cloudflare_tunnel_exporter_render_duration_seconds',
                    by: 'instance',
                  }),
                  legend: '{{instance}}',
                },
              ],
            }),
          ],
          [
            6,
            timeseries({
              title: 'Series about tunnels',
              description:
                'Series on the page. It follows the fleet; a jump is an opt-in label, or many new tunnels. --metrics.deny removes some.',
              unit: 'short',
              noValue: 'No exporter reports',
              draw: 'jumps',
              queries: [
                {
                  expr: perInstance('cloudflare_tunnel_exporter_snapshot_series'),
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
