import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { ofAccounts, ofExporter } from '../promql.ts';
import { DATASOURCE } from '../panels/target.ts';

type Variable = DatasourceVariableBuilder | QueryVariableBuilder;

export interface VariablesOptions {
  /** Where a dashboard shows no tunnels, the choice is only passed on. */
  readonly tunnel: 'all' | 'first' | 'hidden';
}

/** The same on every dashboard, so that links can keep them. */
export function variables({ tunnel }: VariablesOptions): readonly Variable[] {
  const name = choice('tunnel_name', {
    label: 'Tunnel',
    description: 'Tunnels, by name.',
    series: ofAccounts('cloudflare_tunnel_info'),
    // An empty label is a value too.
    all: '.*',
  });
  return [
    new DatasourceVariableBuilder('datasource')
      .label('Data source')
      .description('The Prometheus that scrapes the exporter.')
      .type('prometheus'),
    current(
      choice('job', {
        label: 'Job',
        description: 'Scrape jobs of the exporter.',
        series: 'cloudflare_tunnel_exporter_build_info',
        all: '.+',
      }),
    ),
    current(
      choice('instance', {
        label: 'Instance',
        description: 'Replicas or shards of the exporter.',
        series: 'cloudflare_tunnel_exporter_build_info{job=~"$job"}',
        all: '.+',
      }),
    ),
    current(
      choice('account_id', {
        label: 'Account',
        description: 'Cloudflare accounts, by id; the Overview has their names.',
        series: ofExporter('cloudflare_tunnel_account_info'),
        // Tunnels that are expected in any account have an empty one.
        all: '.*',
      }),
    ),
    tunnel === 'first' ? name : current(name).hide(hideOf(tunnel)),
  ];
}

function hideOf(tunnel: VariablesOptions['tunnel']): VariableHide {
  return tunnel === 'hidden' ? VariableHide.HideVariable : VariableHide.DontHide;
}

interface Choice {
  readonly label: string;
  readonly description: string;
  /** A selector. */
  readonly series: string;
  readonly all: '.+' | '.*';
}

/** The values of the label called like the variable. */
function choice(name: string, { label, description, series, all }: Choice): QueryVariableBuilder {
  const query = `label_values(${series}, ${name})`;
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .definition(query)
    .query({ query, refId: 'StandardVariableQuery' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(all);
  // oxlint-disable-next-line unicorn/no-array-sort -- no array
  return variable.sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
}

function current(variable: QueryVariableBuilder): QueryVariableBuilder {
  return variable.current({ selected: true, text: ['All'], value: ['$__all'] });
}
