import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorModeId, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { colourBy, COLOURS, type Step, thresholds } from '../colours.ts';
import { mappings, type State } from '../states.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface StatSpec extends PanelSpec {
  /** Above which values are coloured. */
  readonly steps?: readonly Step[];
  /** By the legend of a query, where each has its own. */
  readonly stepsOf?: Readonly<Record<string, readonly Step[]>>;
  readonly states?: readonly State[];
  readonly decimals?: number;
}

/** Present values, large. */
export function stat(spec: StatSpec): Panel {
  const panel = begin(new PanelBuilder(), { ...spec, kind: 'instant' })
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .textMode(BigValueTextMode.Auto)
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']).fields(''))
    .colorScheme(colourBy(FieldColorModeId.Thresholds))
    .thresholds(thresholds(COLOURS.text, ...(spec.steps ?? [])))
    .decimals(spec.decimals ?? 0);
  if (spec.states !== undefined) panel.mappings(mappings(spec.states));
  for (const [name, steps] of Object.entries(spec.stepsOf ?? {})) {
    panel.overrideByName(name, [{ id: 'thresholds', value: thresholds(COLOURS.text, ...steps).build() }]);
  }
  return panel.build();
}
