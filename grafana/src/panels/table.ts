import { TableCellDisplayMode, TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import {
  type DataTransformerConfig,
  type DynamicConfigValue,
  MappingType,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import { dataLink, type Link } from '../board/links.ts';
import { byThresholds, COLOURS, type Step, thresholds } from '../colours.ts';
import { mappings, rangeMapping, type State, type StateRange } from '../states.ts';
import { begin, type PanelSpec } from './panel.ts';
import { refId } from './target.ts';

interface ColumnBase {
  readonly name: string;
  readonly width?: number;
  readonly link?: Link;
}

/** A label that the rows have. */
export interface LabelColumn extends ColumnBase {
  readonly label: string;
  /** Shows only the start of an id. Links and downloads have the whole id. */
  readonly short?: true;
}

/** A value: rows are joined by the labels that all the table's expressions share. */
export interface ValueColumn extends ColumnBase {
  readonly expr: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly states?: readonly State[];
  /** Shown instead of values that are as large. */
  readonly beyond?: StateRange;
  /** The least value of each colour. */
  readonly levels?: readonly Step[];
}

export type Column = LabelColumn | ValueColumn;

export interface Order {
  readonly column: string;
  readonly desc: boolean;
}

export interface TableSpec extends Omit<PanelSpec, 'queries' | 'unit'> {
  /** From left to right. */
  readonly columns: readonly Column[];
  /** Labels that only links need. */
  readonly hidden?: readonly string[];
  /** Expressions that add labels only. */
  readonly infos?: readonly string[];
  /** Shows only rows that have a value in this column. Default: all rows. */
  readonly rowsWith?: string;
  /** Worst first; the second key decides among equals. */
  readonly sortBy: readonly [Order, ...Order[]];
}

/** Labels by which rows are joined. Links can use them even if they are not shown. */
const IDENTITY = ['account_id', 'tunnel_id', 'tunnel_name', 'connector_id', 'runbook', 'severity'];

/** Present values, a row per thing. */
export function table(spec: TableSpec): Panel {
  const values = spec.columns.filter(isValue);
  const queries = [...values.map(({ expr }) => expr), ...(spec.infos ?? [])].map((expr) => ({
    expr,
    legend: '',
  }));
  const panel = begin(new PanelBuilder(), { ...spec, unit: 'none', queries, kind: 'table' })
    .transformations(transformations(spec, values))
    .sortBy(
      spec.sortBy.map(({ column, desc }) =>
        new TableSortByFieldStateBuilder().displayName(column).desc(desc),
      ),
    )
    .colorScheme(byThresholds())
    .thresholds(thresholds(COLOURS.text));
  for (const column of spec.columns) {
    const properties = propertiesOf(column);
    if (properties.length > 0) panel.overrideByName(column.name, properties);
  }
  for (const label of unseen(spec)) {
    panel.overrideByName(label, [
      { id: 'custom.hidden', value: true },
      { id: 'custom.hideFrom', value: { viz: true, legend: false, tooltip: false } },
    ]);
  }
  return panel.build();
}

function isValue(column: Column): column is ValueColumn {
  return 'expr' in column;
}

/** Labels that are in the table and not shown. */
function unseen({ columns, hidden = [] }: TableSpec): readonly string[] {
  const shown = columns.flatMap((column) => (isValue(column) ? [] : [column.label]));
  return hidden.filter((label) => !shown.includes(label));
}

function transformations(spec: TableSpec, values: readonly ValueColumn[]): DataTransformerConfig[] {
  const infos = (spec.infos ?? []).map((_, index) => `Value #${refId(values.length + index)}`);
  const fields = spec.columns.map((column) => ({
    name: column.name,
    field: isValue(column) ? `Value #${refId(values.indexOf(column))}` : column.label,
  }));
  // Grafana calls the value `Value` if only one query has an answer.
  const alone = values.slice(0, 1).map(({ name }) => ({ name, field: 'Value' }));
  const shown = new Set([...fields.map(({ field }) => field), ...unseen(spec)]);
  const excluded = ['Time', ...infos, ...IDENTITY.filter((label) => !shown.has(label))];
  const places = [...spec.columns.map(({ name }) => name), ...unseen(spec)];
  const organize = {
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(excluded.map((field) => [field, true])),
      indexByName: Object.fromEntries([
        ...[...fields, ...alone].map(({ name, field }) => [field, places.indexOf(name)]),
        ...unseen(spec).map((label) => [label, places.indexOf(label)]),
      ]),
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
  const properties: DynamicConfigValue[] = [];
  const add = (id: string, value: unknown): void => void properties.push({ id, value });
  if (column.width !== undefined) add('custom.width', column.width);
  if (column.link !== undefined) add('links', [dataLink(column.link)]);
  // Shown in a cell without a value. The panel's own text is for a table without rows.
  add('noValue', '–');
  if (!isValue(column)) {
    if (column.short === true) add('mappings', [startOnly()]);
    return properties;
  }
  const { unit, decimals, states, beyond, levels } = column;
  if (unit !== undefined) add('unit', unit);
  if (decimals !== undefined) add('decimals', decimals);
  if (states !== undefined) add('mappings', mappings(states));
  if (beyond !== undefined) add('mappings', [rangeMapping(beyond)]);
  // Words are left-aligned.
  if (states !== undefined && unit === undefined) add('custom.align', 'left');
  if (levels !== undefined) add('thresholds', thresholds(COLOURS.text, ...levels).build());
  if (states !== undefined || levels !== undefined)
    add('custom.cellOptions', { type: TableCellDisplayMode.ColorText });
  return properties;
}

function startOnly(): unknown {
  return {
    type: MappingType.RegexToText,
    options: { pattern: '(.{8}).*', result: { text: '$1', index: 0 } },
  };
}
