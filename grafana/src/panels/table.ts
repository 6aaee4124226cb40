import { TableCellDisplayMode, TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import {
  type DataTransformerConfig,
  type DynamicConfigValue,
  FieldColorModeId,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import { colourBy, COLOURS, type Step, thresholds } from '../colours.ts';
import { dataLink, type Link } from '../board/links.ts';
import { mappings, type State } from '../states.ts';
import { begin, type PanelSpec } from './panel.ts';
import { refId } from './target.ts';

interface ColumnBase {
  readonly name: string;
  readonly width?: number;
}

/** A label that the rows have. */
export interface LabelColumn extends ColumnBase {
  readonly label: string;
  readonly link?: Link;
}

/** A value: rows are joined by the labels that all the table's expressions share. */
export interface ValueColumn extends ColumnBase {
  readonly expr: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly states?: readonly State[];
  readonly steps?: readonly Step[];
}

export type Column = LabelColumn | ValueColumn;

export interface TableSpec extends Omit<PanelSpec, 'queries' | 'unit'> {
  /** From left to right. */
  readonly columns: readonly Column[];
  /** Expressions that bring labels only. */
  readonly infos?: readonly string[];
  /** Only rows that have a value there. Default: all rows. */
  readonly rowsWith?: string;
  /** Worst first. */
  readonly sortBy: { readonly column: string; readonly desc: boolean };
}

/** Labels by which rows are joined, shown or not. */
const IDENTITY = ['account_id', 'tunnel_id', 'tunnel_name'];

/** Present values, a row per thing. */
export function table(spec: TableSpec): Panel {
  const values = spec.columns.filter(isValue);
  const queries = [...values.map(({ expr }) => expr), ...(spec.infos ?? [])].map((expr) => ({
    expr,
    legend: '',
  }));
  const panel = begin(new PanelBuilder(), { ...spec, unit: 'none', queries, kind: 'table' })
    .transformations(transformations(spec, values))
    .sortBy([new TableSortByFieldStateBuilder().displayName(spec.sortBy.column).desc(spec.sortBy.desc)])
    .colorScheme(colourBy(FieldColorModeId.Thresholds))
    .thresholds(thresholds(COLOURS.text))
    .noValue('');
  for (const column of spec.columns) {
    const properties = propertiesOf(column);
    if (properties.length > 0) panel.overrideByName(column.name, properties);
  }
  return panel.build();
}

function isValue(column: Column): column is ValueColumn {
  return 'expr' in column;
}

function transformations(spec: TableSpec, values: readonly ValueColumn[]): DataTransformerConfig[] {
  const infos = (spec.infos ?? []).map((_, index) => `Value #${refId(values.length + index)}`);
  const fields = spec.columns.map((column) => ({
    name: column.name,
    field: isValue(column) ? `Value #${refId(values.indexOf(column))}` : column.label,
  }));
  // Where one query alone has an answer, Grafana calls its value so.
  const alone = values.slice(0, 1).map(({ name }) => ({ name, field: 'Value' }));
  const shown = new Set(fields.map(({ field }) => field));
  const hidden = ['Time', ...infos, ...IDENTITY.filter((label) => !shown.has(label))];
  const organize = {
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(hidden.map((field) => [field, true])),
      indexByName: Object.fromEntries([...fields, ...alone].map(({ field }, index) => [field, index])),
      renameByName: Object.fromEntries([...fields, ...alone].map(({ name, field }) => [field, name])),
      includeByName: {},
    },
  };
  const filter = {
    id: 'filterByValue',
    options: {
      filters: [{ fieldName: spec.rowsWith, config: { id: 'isNotNull', options: {} } }],
      type: 'include',
      match: 'all',
    },
  };
  return [{ id: 'merge', options: {} }, organize, ...(spec.rowsWith === undefined ? [] : [filter])];
}

function propertiesOf(column: Column): DynamicConfigValue[] {
  const width = column.width === undefined ? [] : [{ id: 'custom.width', value: column.width }];
  if (!isValue(column)) {
    const link = column.link === undefined ? [] : [{ id: 'links', value: [dataLink(column.link)] }];
    return [...width, ...link];
  }
  const { unit, decimals, states, steps } = column;
  return [
    ...width,
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(states === undefined ? [] : [{ id: 'mappings', value: mappings(states) }]),
    ...(steps === undefined ? [] : [{ id: 'thresholds', value: thresholds(COLOURS.text, ...steps).build() }]),
    ...(states === undefined && steps === undefined
      ? []
      : [{ id: 'custom.cellOptions', value: { type: TableCellDisplayMode.ColorText } }]),
  ];
}
