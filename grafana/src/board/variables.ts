import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from '../panels/target.ts';
import { missingTunnels } from '../problems.ts';
import { highest, seriesOf } from '../promql/fold.ts';
import { accounts } from '../promql/names.ts';
import { each, ofAccounts, ofExporter } from '../promql/select.ts';

type Variable = DatasourceVariableBuilder | QueryVariableBuilder;

export interface VariablesOptions {
  /** `hidden`: the dashboard shows no tunnels, and only passes the choice on. */
  readonly tunnel: 'all' | 'one' | 'hidden';
}

/** Variables have the same names on every dashboard, so that links can keep them. */
export function variables({ tunnel }: VariablesOptions): readonly Variable[] {
  return [
    new DatasourceVariableBuilder('datasource')
      .label('Data source')
      .description('The Prometheus that scrapes the exporter.')
      .type('prometheus'),
    several('job', {
      label: 'Job',
      description: 'Scrape jobs of the exporter.',
      query: 'label_values(cloudflare_tunnel_exporter_build_info, job)',
      all: '.+',
    }),
    several('instance', {
      label: 'Instance',
      description: 'Replicas or shards of the exporter.',
      query: 'label_values(cloudflare_tunnel_exporter_build_info{job=~"$job"}, instance)',
      all: '.+',
    }),
    several('account_id', {
      label: 'Account',
      description: 'Cloudflare accounts, by name; by the start of their ids if they have none.',
      query: `query_result(${accounts(ofExporter('cloudflare_tunnel_account_info'))})`,
      // Prometheus sorts labels, so this is their order.
      regex: '/account="(?<text>.*)",account_id="(?<value>[^"]*)"/',
      // `account_id` is empty for tunnels that are expected in any account.
      all: '.*',
    }),
    tunnel === 'one' ? oneTunnel() : tunnels().hide(hideOf(tunnel)),
  ];
}

function tunnels(): QueryVariableBuilder {
  return several('tunnel_name', {
    label: 'Tunnel',
    description: 'Tunnels, by name.',
    query: `label_values(${seriesOf(ofAccounts('cloudflare_tunnel_info'))}, tunnel_name)`,
    // Matches the empty label, too.
    all: '.*',
  });
}

/** Tunnels at either end of the time range, and tunnels that are expected but missing. */
function oneTunnel(): QueryVariableBuilder {
  const info = ofAccounts('cloudflare_tunnel_info');
  const listed = highest('tunnel_name', each`${info} or ${info} offset $__range`);
  return choice('tunnel_name', {
    label: 'Tunnel',
    description: 'One tunnel, by name.',
    query: `query_result(${listed} or max by (tunnel_name) (${missingTunnels()}))`,
    regex: '/tunnel_name="(?<text>.*)"\\}/',
  }).multi(false);
}

function hideOf(tunnel: VariablesOptions['tunnel']): VariableHide {
  return tunnel === 'hidden' ? VariableHide.HideVariable : VariableHide.DontHide;
}

interface Choice {
  readonly label: string;
  readonly description: string;
  readonly query: string;
  /** Takes values, and the texts shown for them, from what the query returns. */
  readonly regex?: string;
}

function several(
  name: string,
  { all, ...spec }: Choice & { readonly all: '.+' | '.*' },
): QueryVariableBuilder {
  return choice(name, spec)
    .multi(true)
    .includeAll(true)
    .allValue(all)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function choice(name: string, { label, description, query, regex }: Choice): QueryVariableBuilder {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .definition(query)
    .query({ query, refId: 'StandardVariableQuery' })
    .refresh(VariableRefresh.OnTimeRangeChanged);
  if (regex !== undefined) variable.regex(regex);
  // oxlint-disable-next-line unicorn/no-array-sort -- no array
  return variable.sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
}
