import {
  AxisPlacement,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Link } from '../board/links.ts';
import { type Colour, COLOURS, inTurn, shadesOf, type Step, thresholds } from '../colours.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface TimeseriesSpec extends PanelSpec {
  /**
   * Default: lines. `jumps` for numbers that jump; `stacked` for parts of a whole; `bars` for
   * events.
   */
  readonly draw?: 'lines' | 'jumps' | 'stacked' | 'bars';
  /** Default: below the graph. A table with the last and highest values is for many series. */
  readonly legend?: 'list' | 'table';
  /** By the legend's text. Default: colours in turn, which mean nothing. */
  readonly colours?: Readonly<Record<string, Colour>>;
  /** Instead of colours in turn: shades of one, for series that mean the same. */
  readonly shadesOf?: Colour;
  /** Draws lines at these values. */
  readonly limits?: readonly Step[];
  readonly decimals?: number;
  readonly max?: number;
  readonly link?: Link;
}

/** Values over time. */
export function timeseries(spec: TimeseriesSpec): Panel {
  const { draw = 'lines', legend = 'list' } = spec;
  const panel = begin(new PanelBuilder(), { ...spec, kind: 'range' })
    .legend(legend === 'table' ? legendTable() : legendList())
    .tooltip(allValues())
    .colorScheme(spec.shadesOf === undefined ? inTurn() : shadesOf(spec.shadesOf))
    .drawStyle(draw === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineInterpolation(draw === 'lines' ? LineInterpolation.Linear : LineInterpolation.StepAfter)
    .lineWidth(1)
    .fillOpacity(draw === 'bars' ? 80 : draw === 'stacked' ? 30 : 0)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .stacking(
      new StackingConfigBuilder().mode(
        draw === 'stacked' || draw === 'bars' ? StackingMode.Normal : StackingMode.None,
      ),
    )
    .axisPlacement(AxisPlacement.Auto)
    .axisSoftMin(0)
    .thresholds(thresholds(COLOURS.text, ...(spec.limits ?? [])));
  if (spec.limits !== undefined) {
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  // With shorter steps, $__rate_interval overlaps and one event is several bars.
  if (draw === 'bars') panel.interval('2m');
  // Without it, a single bar is as wide as the panel.
  if (draw === 'bars') panel.barMaxWidth(24);
  if (spec.decimals !== undefined) panel.decimals(spec.decimals);
  // Without it, the axis of a graph that is all 0 goes to 100.
  if (spec.decimals === 0) panel.axisSoftMax(1);
  if (spec.max !== undefined) panel.max(spec.max);
  if (spec.link !== undefined) panel.dataLinks([spec.link]);
  for (const [name, colour] of Object.entries(spec.colours ?? {})) {
    panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }]);
  }
  return panel.build();
}

function allValues(): VizTooltipOptionsBuilder {
  const tooltip = new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi);
  // oxlint-disable-next-line unicorn/no-array-sort -- no array
  return tooltip.sort(SortOrder.Descending);
}

function legendList(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom);
}

function legendTable(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.Table)
    .placement(LegendPlacement.Right)
    .calcs(['lastNotNull', 'max'])
    .sortBy('Last *')
    .sortDesc(true);
}
