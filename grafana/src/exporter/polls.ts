import type { Section } from '../board/layout.ts';
import { timeseries } from '../panels/timeseries.ts';
import { grown, maxBy, ofExporter, sumBy } from '../promql.ts';
import { quantile } from './figures.ts';

export function polls(): Section {
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
                'failure: an account could not be listed whole. skipped: one was due while another ran; Cloudflare is slow, or ' +
                'the schedule too dense.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                {
                  expr: sumBy(
                    'result, instance',
                    grown(ofExporter('cloudflare_tunnel_exporter_polls_total')),
                  ),
                  legend: '{{result}} {{instance}}',
                },
              ],
            }),
          ],
          [
            6,
            timeseries({
              title: 'Duration of a poll, 95th percentile',
              description:
                "From the first request of a poll to the last. Above the schedule's distance, polls are skipped.",
              unit: 's',
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
              description: 'Time to turn what changed into the page. Scrapes do not wait for it.',
              unit: 's',
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
                'Series on the page. It follows the fleet; a jump is an opt-in label, or many new tunnels. --metrics.deny takes some away.',
              unit: 'short',
              draw: 'steps',
              queries: [
                {
                  expr: maxBy('instance', ofExporter('cloudflare_tunnel_exporter_snapshot_series')),
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
