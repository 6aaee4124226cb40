import {
  TimelineValueAlignment,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  LegendDisplayMode,
  LegendPlacement,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorModeId, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { colourBy, COLOURS, thresholds } from '../colours.ts';
import { mappings, type State } from '../states.ts';
import type { Link } from '../board/links.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface StateTimelineSpec extends Omit<PanelSpec, 'unit'> {
  readonly states: readonly State[];
  readonly link?: Link;
}

/** A lane per series, coloured by its state. */
export function stateTimeline(spec: StateTimelineSpec): Panel {
  const panel = begin(new PanelBuilder(), { ...spec, unit: 'none', kind: 'range' })
    .mappings(mappings(spec.states))
    .colorScheme(colourBy(FieldColorModeId.Thresholds))
    .thresholds(thresholds(COLOURS.text))
    .mergeValues(true)
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
