import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { type AnnotationQuery, AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { COLOURS, type Colour } from '../colours.ts';
import { inSight } from './in-sight.ts';
import { DATASOURCE } from '../panels/target.ts';
import { grown, maxBy, ofExporter, ofExportersOnly, ofTunnels, TUNNEL } from '../promql.ts';

/** Counters begin anew, and what happened meanwhile is not counted. */
export function exporterRestarts(): Builder<AnnotationQuery> {
  const starts = `changes(${ofExporter('process_start_time_seconds')}[$__rate_interval])`;
  return annotation('Exporter restarted', {
    expr: `${maxBy('instance', ofExportersOnly(starts))} > 0`,
    title: 'Exporter restarted',
    text: '{{instance}}',
    colour: COLOURS.idle,
  });
}

export function tunnelsWentDown(): Builder<AnnotationQuery> {
  const transitions = ofTunnels('cloudflare_tunnel_status_transitions_total', 'status="down"');
  return annotation('Tunnel went down', {
    expr: `${maxBy(TUNNEL, grown(transitions))} > 0`,
    title: 'Tunnel went down',
    text: '{{tunnel_name}}',
    colour: COLOURS.bad,
  });
}

export function failovers(): Builder<AnnotationQuery> {
  return annotation('Failover', {
    expr: `${maxBy(TUNNEL, grown(ofTunnels('cloudflare_tunnel_ha_failovers_total')))} > 0`,
    title: 'Failover',
    text: '{{tunnel_name}}',
    colour: COLOURS.note,
  });
}

interface Annotation {
  readonly expr: string;
  readonly title: string;
  readonly text: string;
  readonly colour: Colour;
}

function annotation(name: string, { expr, title, text, colour }: Annotation): Builder<AnnotationQuery> {
  return inSight(
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(DATASOURCE)
      .enable(true)
      .hide(false)
      .iconColor(colour)
      .expr(expr)
      .step('1m')
      .titleFormat(title)
      .textFormat(text),
  );
}
