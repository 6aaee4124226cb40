import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { type AnnotationQuery, AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { COLOURS, type Colour } from '../colours.ts';
import { DATASOURCE } from '../panels/target.ts';
import { CONNECTOR, highest, patience, TUNNEL } from '../promql/fold.ts';
import { namedIfAny, shortened } from '../promql/names.ts';
import { each, grown, ofAccounts, ofExporter, ofExportersOnly, ofTunnels } from '../promql/select.ts';
import { inSight } from './in-sight.ts';

type Annotation = Builder<AnnotationQuery>;

/** Marks restarts. Counters start at 0, and what happened in between is not counted. */
export function exporterRestarts(): Annotation {
  const starts = each`changes(${ofExporter('process_start_time_seconds')}[$__rate_interval])`;
  return annotation('Exporter restarted', {
    expr: `${highest('instance', ofExportersOnly(starts))} > 0`,
    text: '{{instance}}',
    colour: COLOURS.idle,
  });
}

/** Marks when nobody listed an account. A flat line there does not mean that nothing happened. */
export function accountsUnwatched(): Annotation {
  const listed = ofAccounts(
    'cloudflare_tunnel_exporter_collector_last_success_timestamp_seconds',
    'collector="tunnels"',
  );
  const info = highest('account_id', ofAccounts('cloudflare_tunnel_account_info'));
  const since = `time() - ${highest('account_id', each`last_over_time(${listed}[1d])`)}`;
  return annotation('Account not watched', {
    expr: namedIfAny(
      `${since} > on (account_id) ${patience()} or ${since} > 600 unless on (account_id) ${info}`,
    ),
    text: '{{account}}: no complete list of its tunnels',
    colour: COLOURS.odd,
  });
}

export function statusChanges(): Annotation {
  const transitions = ofTunnels('cloudflare_tunnel_status_transitions_total', 'status!="inactive"');
  return annotation('Status changed', {
    expr: `${highest(`${TUNNEL}, status`, grown(transitions))} > 0`,
    text: '{{tunnel_name}}: {{status}}',
    colour: COLOURS.warning,
  });
}

export function configurationChanges(): Annotation {
  const version = ofTunnels('cloudflare_tunnel_config_version');
  return annotation('Configuration changed', {
    expr: `${highest(TUNNEL, each`changes(${version}[$__rate_interval])`)} > 0`,
    text: '{{tunnel_name}}',
    colour: COLOURS.note,
  });
}

export function connectorStarts(): Annotation {
  const started = ofTunnels('cloudflare_tunnel_connector_started_timestamp_seconds');
  const recent = highest(CONNECTOR, each`time() - ${started} < 120`);
  return annotation('Connector started', {
    expr: `max by (${TUNNEL}, connector) (${shortened(recent, 'connector_id', { as: 'connector' })})`,
    text: '{{tunnel_name}}: {{connector}}',
    colour: COLOURS.note,
  });
}

export function failovers(): Annotation {
  return annotation('Failover', {
    expr: `${highest(TUNNEL, grown(ofTunnels('cloudflare_tunnel_ha_failovers_total')))} > 0`,
    text: '{{tunnel_name}}',
    colour: COLOURS.note,
  });
}

interface AnnotationSpec {
  readonly expr: string;
  readonly text: string;
  readonly colour: Colour;
}

function annotation(name: string, { expr, text, colour }: AnnotationSpec): Annotation {
  return inSight(
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(DATASOURCE)
      .enable(true)
      .hide(false)
      .iconColor(colour)
      .expr(expr)
      .step('1m')
      .titleFormat(name)
      .textFormat(text),
  );
}
