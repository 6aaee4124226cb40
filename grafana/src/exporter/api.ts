import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { timeseries } from '../panels/timeseries.ts';
import { total } from '../promql/fold.ts';
import { grown, ofExporter } from '../promql/select.ts';
import { budgetUsed, inWindow, perInstance, quantile } from './figures.ts';

export function api(): Section {
  const requests = ofExporter('cloudflare_tunnel_exporter_api_requests_total');
  const refused = ofExporter('cloudflare_tunnel_exporter_api_requests_total', 'code!="200"');
  const errors = ofExporter('cloudflare_tunnel_exporter_api_errors_total');
  const retries = ofExporter('cloudflare_tunnel_exporter_api_retries_total');
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
                'Requests of each exporter in the last five minutes, as a part of what it allows itself. Near 100 % is normal for a ' +
                'large fleet, and over it after a pause: unused budget is kept. See whether the observations are recent enough.',
              unit: 'percentunit',
              noValue: 'No exporter reports',
              queries: [{ expr: budgetUsed(), legend: '{{instance}}' }],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Requests left',
              description:
                'Requests that each exporter could send at once. At 0 it waits, which is not a failure.',
              unit: 'none',
              noValue: 'No exporter reports',
              decimals: 0,
              queries: [
                {
                  expr: perInstance('cloudflare_tunnel_exporter_api_budget_available'),
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
                'Requests in the last five minutes, all exporters together, as Cloudflare counts them if they share a user. Its limit ' +
                'is 1,200 per user, all tokens and the dashboard together.',
              unit: 'none',
              noValue: 'No request in this time range',
              draw: 'stacked',
              decimals: 0,
              queries: [{ expr: `${total('endpoint', inWindow(requests))} > 0`, legend: '{{endpoint}}' }],
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
              noValue: 'No request in this time range',
              queries: [{ expr: quantile(0.95, { of: duration, by: 'endpoint' }), legend: '{{endpoint}}' }],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Failed calls by reason',
              description:
                'Calls that failed after all retries. auth: the token is revoked or expired. permission: it lacks one, which the log ' +
                'names. rate_limited: see Blocked for. network, timeout, server: Cloudflare, or the network on the way.',
              unit: 'none',
              noValue: 'No call failed',
              draw: 'bars',
              decimals: 0,
              queries: [{ expr: `${total('reason', grown(errors))} > 0`, legend: '{{reason}}' }],
              colours: {
                auth: COLOURS.bad,
                permission: COLOURS.bad,
                rate_limited: COLOURS.warning,
                timeout: COLOURS.warning,
                network: COLOURS.warning,
                server: COLOURS.warning,
                malformed: COLOURS.odd,
                not_found: COLOURS.odd,
              },
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
              noValue: 'Every answer was 200',
              draw: 'bars',
              decimals: 0,
              queries: [
                { expr: `${total('code', grown(refused))} > 0`, legend: '{{code}}' },
                { expr: `${total('', grown(retries))} > 0`, legend: 'Retries' },
              ],
              colours: {
                '401': COLOURS.bad,
                '403': COLOURS.bad,
                '429': COLOURS.warning,
                '500': COLOURS.warning,
                '502': COLOURS.warning,
                '503': COLOURS.warning,
                none: COLOURS.odd,
                Retries: COLOURS.idle,
              },
            }),
          ],
        ],
      },
    ],
  };
}
