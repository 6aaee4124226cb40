import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER } from '../../grafana/src/dashboards.ts';

/** What tests read of a dashboard's JSON. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly panels: readonly BoardPanel[];
  readonly templating: { readonly list: readonly BoardVariable[] };
  readonly annotations: { readonly list: readonly BoardAnnotation[] };
  readonly links: readonly BoardLink[];
}

export interface BoardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  /** Of a row. */
  readonly collapsed?: boolean;
  /** Of a collapsed row. */
  readonly panels?: readonly BoardPanel[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: DataSource;
  readonly targets?: readonly BoardTarget[];
  readonly transformations?: readonly BoardTransformation[];
  readonly maxDataPoints?: number;
  /** The least step. */
  readonly interval?: string;
  readonly options: {
    readonly mergeValues?: boolean;
    readonly perPage?: number;
    readonly legend?: { readonly showLegend: boolean };
    readonly sortBy?: readonly { readonly displayName: string }[];
    readonly layers?: readonly {
      readonly location: { readonly lookup: string; readonly gazetteer: string };
    }[];
  };
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly noValue?: string;
      readonly color?: { readonly mode: string; readonly fixedColor?: string };
      readonly mappings?: readonly unknown[];
      readonly links?: readonly { readonly url: string }[];
    };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
}

export interface BoardTarget {
  readonly refId?: string;
  readonly datasource: DataSource;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
  readonly range: boolean;
  readonly format?: string;
}

export interface BoardTransformation {
  readonly id: string;
  readonly options: {
    readonly indexByName?: Readonly<Record<string, number>>;
    readonly excludeByName?: Readonly<Record<string, boolean>>;
    readonly renameByName?: Readonly<Record<string, string>>;
  };
}

export interface BoardVariable {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly description: string;
  readonly query: string | { readonly query: string };
  readonly definition?: string;
  readonly regex?: string;
  readonly datasource?: DataSource;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

export interface BoardAnnotation {
  readonly name: string;
  readonly datasource: DataSource;
  readonly expr: string;
  readonly step: string;
  readonly textFormat: string;
}

export interface BoardLink {
  readonly url: string;
  readonly includeVars: boolean;
  readonly keepTime: boolean;
}

interface DataSource {
  readonly type: string;
  readonly uid: string;
}

export const FILES: readonly string[] = readdirSync(FOLDER).toSorted();

export function committedText(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

export function committed(file: string): Board {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it is, other tests check
  return JSON.parse(committedText(file)) as Board;
}

/** Without the rows. */
export function panelsOf(board: Board): readonly BoardPanel[] {
  return withCollapsed(board).filter(({ type }) => type !== 'row');
}

/** Rows and panels, those of collapsed rows behind their rows. */
export function withCollapsed({ panels }: Board): readonly BoardPanel[] {
  return panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
}

/** An expression of a dashboard, and where a person finds it. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
  /** `point`: the present; `range`: a graph; `variable`: the values of a variable. */
  readonly kind: 'point' | 'range' | 'variable';
}

export function expressionsOf(file: string): readonly Expression[] {
  const board = committed(file);
  const { title, templating, annotations } = board;
  return [
    ...panelsOf(board).flatMap((panel) =>
      (panel.targets ?? []).map(({ expr, refId, instant }): Expression => ({
        where: `${title} / ${panel.title} / ${refId}`,
        expr,
        kind: instant ? 'point' : 'range',
      })),
    ),
    ...annotations.list.map(({ name, expr }): Expression => ({
      where: `${title} / annotation ${name}`,
      expr,
      kind: 'range',
    })),
    ...templating.list.flatMap((variable): Expression[] => {
      const selector = selectorOf(variable);
      return selector === undefined
        ? []
        : [{ where: `${title} / variable ${variable.name}`, expr: selector, kind: 'variable' }];
    }),
  ];
}

export const EXPRESSIONS: readonly Expression[] = FILES.flatMap(expressionsOf);

/** What label_values or query_result asks. */
export function selectorOf({ query, name }: BoardVariable): string | undefined {
  if (typeof query === 'string') return undefined;
  const selector = new RegExp(`^(?:label_values\\((.+), ${name}\\)|query_result\\((.+)\\))$`, 's')
    .exec(query.query)
    ?.slice(1)
    .find((part) => part !== undefined);
  if (selector === undefined)
    throw new Error(`Cannot read the query of ${name}: current value is ${query.query}`);
  return selector;
}
