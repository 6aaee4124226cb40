import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import type { Link } from '../board/links.ts';
import { byThresholds, COLOURS, type Step, thresholds } from '../colours.ts';
import { mappings, type State } from '../states.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface StatSpec extends Omit<PanelSpec, 'steps'> {
  /** The least value of each colour. */
  readonly levels?: readonly Step[];
  /** By the legends of the queries, if each has its own. */
  readonly series?: Readonly<Record<string, Series>>;
  readonly states?: readonly State[];
  readonly decimals?: number;
  /** Leads to what explains the figure. */
  readonly link: Link;
}

interface Series {
  /** Shown instead of the legend. */
  readonly name?: string;
  readonly levels?: readonly Step[];
}

/** Present values, large. */
export function stat({ levels = [], series = {}, ...spec }: StatSpec): Panel {
  const panel = begin(new PanelBuilder(), { ...spec, kind: 'instant' })
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .textMode(BigValueTextMode.Auto)
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']).fields(''))
    .colorScheme(byThresholds())
    .thresholds(thresholds(COLOURS.text, ...levels))
    .decimals(spec.decimals ?? 0)
    .dataLinks([spec.link]);
  if (spec.states !== undefined) panel.mappings(mappings(spec.states));
  for (const [legend, { name, levels: own }] of Object.entries(series)) {
    panel.overrideByName(legend, [
      ...(name === undefined ? [] : [{ id: 'displayName', value: name }]),
      ...(own === undefined ? [] : [{ id: 'thresholds', value: thresholds(COLOURS.text, ...own).build() }]),
    ]);
  }
  return panel.build();
}
