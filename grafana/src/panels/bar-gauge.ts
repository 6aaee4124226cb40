import {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeValueMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { always, COLOURS } from '../colours.ts';
import { begin, type PanelSpec } from './panel.ts';

/** Present values side by side, as bars with their names. */
export function barGauge(spec: PanelSpec): Panel {
  return begin(new PanelBuilder(), { ...spec, kind: 'instant' })
    .displayMode(BarGaugeDisplayMode.Basic)
    .valueMode(BarGaugeValueMode.Text)
    .namePlacement(BarGaugeNamePlacement.Left)
    .orientation(VizOrientation.Horizontal)
    .showUnfilled(false)
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']).fields(''))
    .colorScheme(always(COLOURS.note))
    .min(0)
    .decimals(0)
    .build();
}
