import type { Section } from '../board/layout.ts';
import { boardLink, cloudflareLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { ACCOUNT_COLUMN, HIDDEN, LONG_AGE, TUNNEL_COLUMN } from '../columns.ts';
import { table } from '../panels/table.ts';
import { releaseAgeEach, SUPPORTED_SECONDS } from '../problems.ts';
import { byNewestObservation, CONNECTOR, highest } from '../promql/fold.ts';
import { named } from '../promql/names.ts';
import { countBy } from '../promql/promql.ts';
import { each, ofAccounts, ofTunnels, type PerExporter, sumEach } from '../promql/select.ts';

const INFO = ofTunnels('cloudflare_tunnel_connector_info');

export function versions(): Section {
  const ages = [
    [SUPPORTED_SECONDS * 0.75, COLOURS.note],
    [SUPPORTED_SECONDS, COLOURS.warning],
  ] as const;
  const up = ofAccounts('cloudflare_tunnel_exporter_account_up');
  return {
    title: 'Versions and accounts',
    collapsed: true,
    shelves: [
      {
        height: 10,
        panels: [
          [
            7,
            table({
              title: 'Versions',
              description:
                'Connectors that run each version, the oldest release first. One version, or two during a rollout, is how it should ' +
                'be. Versions that name no date have no age.',
              noValue: 'No connector is observed',
              columns: [
                { name: 'Version', label: 'version', width: 110 },
                { name: 'Connectors', expr: countBy('version', byVersion()), width: 120 },
                { name: 'Release age', expr: versionAges(), ...LONG_AGE, levels: ages },
              ],
              sortBy: [
                { column: 'Release age', desc: true },
                { column: 'Connectors', desc: true },
              ],
            }),
          ],
          [
            10,
            table({
              title: 'Oldest connectors',
              description:
                'The 50 connectors with the oldest releases. Cloudflare supports a release for one year: update what is coloured. ' +
                'Versions that name no date are not here.',
              noValue: 'No connector is observed',
              columns: [
                {
                  name: 'Release age',
                  expr: named(`topk(50, ${byNewestObservation(`${CONNECTOR}, version`, agesWithVersion())})`),
                  ...LONG_AGE,
                  levels: ages,
                  width: 150,
                },
                { name: 'Version', label: 'version', width: 90 },
                TUNNEL_COLUMN,
                {
                  name: 'Connector',
                  label: 'connector_id',
                  short: true,
                  width: 90,
                  link: cloudflareLink('Connector ${__value.raw}: show its account at Cloudflare'),
                },
                ACCOUNT_COLUMN,
              ],
              hidden: HIDDEN,
              rowsWith: 'Release age',
              sortBy: [
                { column: 'Release age', desc: true },
                { column: 'Tunnel', desc: false },
              ],
            }),
          ],
          [
            7,
            table({
              title: 'Accounts',
              description:
                'Accounts that the exporter watches, unreadable ones first. A click on the name shows the account at Cloudflare.',
              noValue: 'No exporter reports',
              columns: [
                {
                  name: 'List',
                  expr: named(highest('account_id', up)),
                  states: [
                    { number: 0, text: 'Unreadable', colour: COLOURS.bad },
                    { number: 1, text: 'Complete', colour: COLOURS.good },
                  ],
                  width: 100,
                  link: boardLink('exporter', { from: 'overview' }),
                },
                {
                  name: 'Account',
                  label: 'account',
                  link: cloudflareLink('Account ${__data.fields.account_id}: show it at Cloudflare'),
                },
                { name: 'Tunnels', expr: tunnelsOfAccount(), width: 80 },
                { name: 'Orphan routes', expr: orphanRoutes(), levels: [[1, COLOURS.warning]], width: 110 },
              ],
              hidden: HIDDEN,
              sortBy: [
                { column: 'List', desc: false },
                { column: 'Account', desc: false },
              ],
            }),
          ],
        ],
      },
    ],
  };
}

function byVersion(): string {
  return byNewestObservation(`${CONNECTOR}, version`, INFO);
}

/** A version's connectors all have the same release date. */
function versionAges(): string {
  return highest('version', agesWithVersion());
}

function agesWithVersion(): PerExporter {
  const labels = 'job, instance, account_id, tunnel_id, connector_id';
  return each`floor(${releaseAgeEach()}) * on (${labels}) group_left (version) ${INFO}`;
}

/** Tunnels per account. Exporters may watch parts of an account, so the highest count is the best. */
function tunnelsOfAccount(): string {
  return highest('account_id', sumEach('account_id', ofAccounts('cloudflare_tunnel_account_tunnels')));
}

/** Routes per account that lead to tunnels which are not listed. */
function orphanRoutes(): string {
  return highest('account_id', ofAccounts('cloudflare_tunnel_orphan_routes'));
}
