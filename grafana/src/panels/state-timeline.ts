import {
  LegendDisplayMode,
  LegendPlacement,
  TimelineValueAlignment,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  MappingType,
  type Panel,
  SpecialValueMatch,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import type { Link } from '../board/links.ts';
import { always, COLOURS } from '../colours.ts';
import { mappings, type State } from '../states.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface StateTimelineSpec extends Omit<PanelSpec, 'unit'> {
  readonly states: readonly State[];
  readonly link?: Link;
}

/**
 * Without it, a gap has the panel's text for "nothing to show", and the legend lists that as a
 * state.
 */
const GAP: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.Null, result: { text: '', color: 'transparent', index: 99 } },
};

/** A lane per series, coloured by its state. */
export function stateTimeline(spec: StateTimelineSpec): Panel {
  const panel = begin(new PanelBuilder(), { ...spec, unit: 'none', kind: 'range' })
    .mappings([...mappings(spec.states), GAP])
    // With colours by thresholds, merged values lose their mappings: Grafana then shows one colour
    // and the legend "-∞+".
    .colorScheme(always(COLOURS.text))
    .mergeValues(true)
    .perPage(12)
    .showValue(VisibilityMode.Never)
    .alignValue(TimelineValueAlignment.Left)
    .rowHeight(0.8)
    .lineWidth(0)
    .fillOpacity(80)
    .spanNulls(false)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
  if (spec.link !== undefined) panel.dataLinks([spec.link]);
  return panel.build();
}
