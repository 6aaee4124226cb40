import {
  FrameGeometrySourceBuilder,
  FrameGeometrySourceMode,
  MapLayerOptionsBuilder,
  ScaleDimensionMode,
} from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  ControlsOptionsBuilder,
  MapCenterID,
  MapViewConfigBuilder,
  PanelBuilder,
  TooltipMode,
  TooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/geomap';
import { COLOURS } from '../colours.ts';
import { begin, type PanelSpec } from './panel.ts';

export interface AirportMapSpec extends Omit<PanelSpec, 'queries'> {
  /** One value per `airport`. */
  readonly expr: string;
  /** The name of the value. */
  readonly value: string;
}

/** Values on a map of the world. Airports are looked up in Grafana's gazetteer. */
export function airportMap({ expr, value, ...spec }: AirportMapSpec): Panel {
  return begin(new PanelBuilder(), { ...spec, queries: [{ expr, legend: '' }], kind: 'table' })
    .transformations([
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: { airport: 0, Value: 1 },
          renameByName: { Value: value },
        },
      },
    ])
    .view(new MapViewConfigBuilder().id(MapCenterID.Coords).lat(20).lon(0).zoom(1.5))
    .controls(
      new ControlsOptionsBuilder()
        .showZoom(true)
        .mouseWheelZoom(false)
        .showAttribution(true)
        .showScale(false),
    )
    .basemap(new MapLayerOptionsBuilder().type('default').name('Map').config({}))
    .layers([
      new MapLayerOptionsBuilder()
        .type('markers')
        .name('Airports')
        .tooltip(true)
        .location(
          new FrameGeometrySourceBuilder()
            .mode(FrameGeometrySourceMode.Lookup)
            .lookup('airport')
            .gazetteer('public/gazetteer/airports.geojson'),
        )
        .config({
          showLegend: false,
          style: {
            color: { fixed: COLOURS.note },
            opacity: 0.6,
            size: { field: value, fixed: 5, min: 4, max: 20, mode: ScaleDimensionMode.Linear },
            symbol: { mode: 'fixed', fixed: 'img/icons/marker/circle.svg' },
            rotation: { fixed: 0, mode: 'mod', min: -360, max: 360 },
            text: { mode: 'field', field: 'airport', fixed: '' },
            textConfig: {
              fontSize: 12,
              offsetX: 0,
              offsetY: 14,
              textAlign: 'center',
              textBaseline: 'middle',
            },
          },
        }),
    ])
    .tooltip(new TooltipOptionsBuilder().mode(TooltipMode.Details))
    .decimals(0)
    .build();
}
