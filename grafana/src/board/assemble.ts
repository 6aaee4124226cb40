import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type AnnotationQuery,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  TimePickerBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { arrange, type Section } from './layout.ts';
import { type Board, BOARDS, linksFrom } from './links.ts';
import { variables, type VariablesOptions } from './variables.ts';

/** The schema of Grafana 11. Newer versions migrate it when they load it. */
const SCHEMA_VERSION = 39;

export interface BoardSpec {
  readonly board: Board;
  readonly description: string;
  readonly variables: VariablesOptions;
  readonly annotations: readonly Builder<AnnotationQuery>[];
  readonly sections: readonly Section[];
}

export function assemble(spec: BoardSpec): Dashboard {
  const { uid, title } = BOARDS[spec.board];
  const dashboard = new DashboardBuilder(`Cloudflare Tunnel / ${title}`)
    .uid(uid)
    .description(spec.description)
    .tags(['cloudflare', 'cloudflare-tunnel'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .timepicker(new TimePickerBuilder())
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .links([...linksFrom(spec.board)])
    .variables([...variables(spec.variables)])
    .annotations([...spec.annotations])
    .build();
  return {
    ...dashboard,
    id: null,
    version: 1,
    schemaVersion: SCHEMA_VERSION,
    panels: arrange(spec.sections),
  };
}
