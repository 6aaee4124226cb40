import {
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from '@grafana/grafana-foundation-sdk/prometheus';

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const;

export interface Query {
  readonly expr: string;
  /** May contain {{label}}. */
  readonly legend: string;
}

/** `range`: a value per step; `instant`: the present value; `table`: the same with labels as columns. */
export type QueryKind = 'range' | 'instant' | 'table';

/** Grafana's names of queries: A, B, C. */
export function refId(index: number): string {
  return 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.charAt(index);
}

export function targets(queries: readonly Query[], kind: QueryKind): DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) => {
    const target = new DataqueryBuilder()
      .datasource(DATASOURCE)
      .editorMode(QueryEditorMode.Code)
      .expr(expr)
      .legendFormat(legend)
      .refId(refId(index));
    if (kind === 'range') return target.range();
    return kind === 'table' ? target.instant().format(PromQueryFormat.Table) : target.instant();
  });
}
