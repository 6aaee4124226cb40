import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { grown, maxBy, ofExporter, sumBy } from '../promql.ts';
import { budgetUsed, ofWindow, quantile } from './figures.ts';

export function api(): Section {
  const requests = ofExporter('cloudflare_tunnel_exporter_api_requests_total');
  const refused = ofExporter('cloudflare_tunnel_exporter_api_requests_total', 'code!="200"');
  const duration = 'cloudflare_tunnel_exporter_api_request_duration_seconds';
  return {
    title: 'Cloudflare API',
    shelves: [
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Budget used over time',
              description:
                "Requests of each exporter as a part of the budget that it allows itself. Cloudflare's own limit is 1,200 in five " +
                'minutes per user, all tokens and the dashboard together.',
              unit: 'percentunit',
              queries: [{ expr: budgetUsed(), legend: '{{instance}}' }],
              limits: [[1, COLOURS.warning]],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Requests left',
              description:
                'Requests that each exporter could send at once. At 0 it waits; that is no failure.',
              unit: 'none',
              decimals: 0,
              queries: [
                {
                  expr: maxBy('instance', ofExporter('cloudflare_tunnel_exporter_api_budget_available')),
                  legend: '{{instance}}',
                },
              ],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Requests per endpoint',
              description:
                'Requests per five minutes, all exporters together, as Cloudflare counts them where they share a user.',
              unit: 'none',
              draw: 'stacked',
              decimals: 0,
              queries: [{ expr: sumBy('endpoint', ofWindow(requests)), legend: '{{endpoint}}' }],
            }),
          ],
        ],
      },
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Latency, 95th percentile',
              description:
                'Time for an answer with its body, per endpoint. 0.3 s is usual. Near --cloudflare.request-timeout (10 s): Cloudflare ' +
                'or the network is slow.',
              unit: 's',
              queries: [{ expr: quantile(0.95, { of: duration, by: 'endpoint' }), legend: '{{endpoint}}' }],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Failed calls by reason',
              description:
                'Calls that failed after all retries. auth: the token is revoked or expired. permission: it lacks one; the log ' +
                'names it. rate_limited: see Blocked for. network, timeout, server: Cloudflare or the way there.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                {
                  expr: sumBy('reason', grown(ofExporter('cloudflare_tunnel_exporter_api_errors_total'))),
                  legend: '{{reason}}',
                },
              ],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Refused answers and retries',
              description:
                'Answers other than 200 by status, and requests made again. none: no answer came. 404 of a configuration that ' +
                'was never set is usual.',
              unit: 'none',
              draw: 'bars',
              decimals: 0,
              queries: [
                { expr: sumBy('code', grown(refused)), legend: '{{code}}' },
                {
                  expr: `sum(${grown(ofExporter('cloudflare_tunnel_exporter_api_retries_total'))})`,
                  legend: 'Retries',
                },
              ],
            }),
          ],
        ],
      },
    ],
  };
}
