import type { Section } from '../board/layout.ts';
import { COLOURS } from '../colours.ts';
import { runbook } from '../board/links.ts';
import { ACCOUNT_COLUMN, AGE } from '../columns.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { highest, lowest } from '../promql/fold.ts';
import { namedIfAny } from '../promql/names.ts';
import { age } from '../promql/promql.ts';
import { ofAccounts, ofExporter, ofExportersOnly, type PerExporter } from '../promql/select.ts';
import { budgetUsed, oldestObservation, perInstance, sinceSuccess } from './figures.ts';

export function now(): Section {
  const blocked = perInstance('cloudflare_tunnel_exporter_api_blocked_until_timestamp_seconds');
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
              link: runbook('ExporterDown'),
              noValue: 'No exporter reports',
              description:
                'Exporters of the time range shown that Prometheus cannot scrape now. With none left, every alert about tunnels is silent: fix this first.',
              unit: 'none',
              queries: [{ expr: `sum(${highest('instance', scraped())} == bool 0)`, legend: 'Exporters' }],
              levels: [[1, COLOURS.bad]],
            }),
          ],
          [
            4,
            stat({
              title: 'Age of the lists',
              link: runbook('AccountUnwatched'),
              noValue: 'No list yet',
              description:
                'Time since the tunnels of the account that waits longest were listed, by any replica. It should stay near the ' +
                "poll schedule. At --poll.stale-after (10 minutes) the account's series disappear.",
              unit: 's',
              queries: [{ expr: `max(${sinceSuccess('collector="tunnels"')})`, legend: 'Oldest list' }],
              levels: [
                [150, COLOURS.warning],
                [600, COLOURS.bad],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Oldest observation',
              link: runbook('ExporterBudgetTooSmall'),
              noValue: 'No tunnel is observed',
              description:
                'Age of the connections of the tunnel that waits longest. Over 15 minutes: raise --cloudflare.request-budget, ' +
                'or split the accounts over several tokens.',
              unit: 's',
              queries: [{ expr: `max(${oldestObservation()})`, legend: 'Oldest' }],
              levels: [
                [900, COLOURS.warning],
                [1800, COLOURS.bad],
              ],
            }),
          ],
          [
            4,
            stat({
              title: 'Budget used',
              link: runbook('ExporterBudgetTooSmall'),
              noValue: 'No exporter reports',
              description:
                'Requests of the last five minutes, of the exporter that uses most of its own budget. Near 100 % is normal for a ' +
                'large fleet. The age of the observations shows whether the budget is enough.',
              unit: 'percentunit',
              queries: [{ expr: `max(${budgetUsed()})`, legend: 'Highest' }],
            }),
          ],
          [
            4,
            stat({
              title: 'Blocked for',
              link: runbook('ExporterRateLimited'),
              noValue: 'No exporter reports',
              description:
                'Time until Cloudflare accepts requests again; 0 if it does. Blocked: something else uses the budget of the ' +
                'same user. Give the exporter a token of its own.',
              unit: 's',
              queries: [{ expr: `max(clamp_min(${blocked} - time(), 0))`, legend: 'Blocked' }],
              levels: [[1, COLOURS.bad]],
            }),
          ],
          [
            4,
            stat({
              title: 'Configuration',
              link: runbook('ExporterConfigReloadFailed'),
              noValue: 'No exporter reports',
              description:
                'Whether every exporter could read its configuration at the last try. Refused: the exporter keeps the old one, and ' +
                'its log names the line.',
              unit: 'none',
              queries: [
                {
                  expr: `min(${lowest('instance', ofExporter('cloudflare_tunnel_exporter_config_last_reload_successful'))})`,
                  legend: 'Last load',
                },
              ],
              states: [
                { number: 0, text: 'Refused', colour: COLOURS.bad },
                { number: 1, text: 'Good', colour: COLOURS.good },
              ],
            }),
          ],
        ],
      },
      {
        height: 7,
        panels: [
          [
            12,
            table({
              title: 'Exporters',
              noValue: 'No exporter is scraped: nothing watches the tunnels',
              description:
                'Replicas or shards that are scraped, those that are down first. All should run one version.',
              columns: [
                {
                  name: 'Scrape',
                  expr: highest('job, instance', scraped()),
                  states: [
                    { number: 0, text: 'Down', colour: COLOURS.bad },
                    { number: 1, text: 'Up', colour: COLOURS.good },
                  ],
                  width: 80,
                },
                { name: 'Instance', label: 'instance' },
                { name: 'Version', label: 'version', width: 100 },
                { name: 'Node', label: 'nodeversion', width: 100 },
                {
                  name: 'Uptime',
                  expr: age(
                    highest('job, instance', ofExportersOnly(ofExporter('process_start_time_seconds'))),
                  ),
                  ...AGE,
                  width: 125,
                },
                { name: 'Job', label: 'job' },
              ],
              infos: [
                highest(
                  'job, instance, version, nodeversion',
                  ofExporter('cloudflare_tunnel_exporter_build_info'),
                ),
              ],
              sortBy: [
                { column: 'Scrape', desc: false },
                { column: 'Instance', desc: false },
              ],
            }),
          ],
          [
            12,
            table({
              title: 'Collectors',
              noValue: 'No exporter reports',
              description:
                "Collectors of each account, failing ones first, from the best replica. Failing: the exporter's log and " +
                '"cloudflare-tunnel-exporter check" name what is missing.',
              columns: [
                {
                  name: 'Last time',
                  expr: namedIfAny(
                    highest(
                      'account_id, collector',
                      ofAccounts('cloudflare_tunnel_exporter_collector_success'),
                    ),
                  ),
                  states: [
                    { number: 0, text: 'Failed', colour: COLOURS.bad },
                    { number: 1, text: 'Good', colour: COLOURS.good },
                  ],
                  width: 90,
                },
                { name: 'Collector', label: 'collector' },
                { name: 'Reason', label: 'reason', width: 120 },
                { name: 'Since the last success', expr: sinceSuccess(), ...AGE, width: 195 },
                ACCOUNT_COLUMN,
              ],
              infos: [failureReasons()],
              rowsWith: 'Last time',
              sortBy: [
                { column: 'Last time', desc: false },
                { column: 'Since the last success', desc: true },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

function scraped(): PerExporter {
  return ofExportersOnly(ofExporter('up'), { seen: 'in range' });
}

/** One reason for each collector that fails with every exporter. */
function failureReasons(): string {
  const reasons = ofAccounts('cloudflare_tunnel_exporter_collector_failure_reason');
  const failing = lowest('account_id, collector, reason', reasons);
  return `topk by (account_id, collector) (1, ${failing} == 1)`;
}
