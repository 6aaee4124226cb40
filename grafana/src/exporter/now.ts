import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { maxBy, ofAccounts, ofExporter, ofExportersOnly } from '../promql.ts';
import { budgetUsed, oldestObservation, sinceSuccess } from './figures.ts';

export function now(): Section {
  const blocked = maxBy(
    'instance',
    ofExporter('cloudflare_tunnel_exporter_api_blocked_until_timestamp_seconds'),
  );
  const listed = maxBy(
    'account_id',
    ofAccounts('cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds', 'collector="tunnels"'),
  );
  return {
    title: 'Now',
    shelves: [
      {
        height: 4,
        panels: [
          [
            4,
            stat({
              title: 'Exporters down',
              description:
                'Exporters of the time range shown that Prometheus cannot scrape now. With none left, every alert about tunnels is silent: mend this first.',
              unit: 'none',
              queries: [{ expr: `sum(${maxBy('instance', scraped())} == bool 0)`, legend: 'Exporters' }],
              steps: [[1, COLOURS.bad]],
            }),
          ],
          [
            4,
            stat({
              title: 'Age of the lists',
              description:
                'Time since the tunnels of the account that waits longest were listed, by any replica. It should stay near the ' +
                "poll schedule. At --poll.stale-after (10 minutes) the account's series vanish.",
              unit: 's',
              queries: [{ expr: `max(time() - ${listed})`, legend: 'Oldest list' }],
              steps: [
                [120, COLOURS.warning],
                [300, COLOURS.bad],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Oldest observation',
              description:
                'Age of the connections of the tunnel that waits longest. Over 10 minutes: raise --cloudflare.request-budget, ' +
                'or split the accounts over several tokens.',
              unit: 's',
              queries: [{ expr: `max(${oldestObservation()})`, legend: 'Oldest' }],
              steps: [
                [600, COLOURS.warning],
                [1800, COLOURS.bad],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Budget used',
              description:
                'Requests of the exporter that uses most of its own budget. Near 100 % it observes connections more slowly, but ' +
                'stays within the budget.',
              unit: 'percentunit',
              queries: [{ expr: `max(${budgetUsed()})`, legend: 'Highest' }],
              steps: [[0.95, COLOURS.warning]],
            }),
          ],
          [
            4,
            stat({
              title: 'Blocked for',
              description:
                'Time until Cloudflare takes requests again; 0 while it does. Blocked: something else uses the budget of the ' +
                'same user. Give the exporter a token of its own.',
              unit: 's',
              queries: [{ expr: `max(clamp_min(${blocked} - time(), 0))`, legend: 'Blocked' }],
              steps: [[1, COLOURS.bad]],
            }),
          ],
          [
            4,
            stat({
              title: 'Configuration',
              description:
                'Whether every exporter could read its configuration when it last tried. Not good: it runs on with the old one; ' +
                'its log names the line.',
              unit: 'none',
              queries: [
                {
                  expr: `min(min by (instance) (${ofExporter('cloudflare_tunnel_exporter_config_last_reload_successful')}))`,
                  legend: 'Last load',
                },
              ],
              states: [
                { number: 0, text: 'Refused', colour: COLOURS.bad },
                { number: 1, text: 'Good', colour: COLOURS.text },
              ],
            }),
          ],
        ],
      },
      {
        height: 7,
        panels: [
          [
            10,
            table({
              title: 'Exporters',
              description:
                'Replicas or shards that are scraped, those that are down first. All should run one version.',
              columns: [
                {
                  name: 'Scrape',
                  expr: maxBy('job, instance', scraped()),
                  states: [
                    { number: 0, text: 'Down', colour: COLOURS.bad },
                    { number: 1, text: 'Up', colour: COLOURS.text },
                  ],
                  width: 80,
                },
                { name: 'Instance', label: 'instance' },
                { name: 'Version', label: 'version', width: 100 },
                { name: 'Node', label: 'nodeversion', width: 100 },
                {
                  name: 'Uptime',
                  expr: `time() - ${maxBy('job, instance', ofExportersOnly(ofExporter('process_start_time_seconds')))}`,
                  unit: 's',
                  decimals: 1,
                  width: 120,
                },
                { name: 'Job', label: 'job' },
              ],
              infos: [
                maxBy(
                  'job, instance, version, nodeversion',
                  ofExporter('cloudflare_tunnel_exporter_build_info'),
                ),
              ],
              sortBy: { column: 'Scrape', desc: false },
            }),
          ],
          [
            14,
            table({
              title: 'Collectors',
              description:
                "What is asked of each account, failing first, by the replica that does best. Failing: the exporter's log and " +
                '"cloudflare-tunnel-exporter check" name what is missing.',
              columns: [
                {
                  name: 'Last pass',
                  expr: maxBy(
                    'account_id, collector',
                    ofAccounts('cloudflare_tunnel_exporter_collector_success'),
                  ),
                  states: [
                    { number: 0, text: 'Failed', colour: COLOURS.bad },
                    { number: 1, text: 'Good', colour: COLOURS.text },
                  ],
                  width: 100,
                },
                { name: 'Collector', label: 'collector' },
                {
                  name: 'Last success before',
                  expr: sinceSuccess(),
                  unit: 's',
                  decimals: 0,
                  width: 170,
                },
                { name: 'Account', label: 'account_id', width: 290 },
              ],
              sortBy: { column: 'Last pass', desc: false },
            }),
          ],
        ],
      },
    ],
  };
}

function scraped(): string {
  return ofExportersOnly(ofExporter('up'), { seen: 'in range' });
}
