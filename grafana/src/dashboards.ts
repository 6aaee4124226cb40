import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { exporter } from './exporter/exporter.ts';
import { overview } from './overview/overview.ts';
import { tunnel } from './tunnel/tunnel.ts';
import { warpHa } from './warp-ha.ts';

/** Dashboards by file name. */
export const DASHBOARDS: Readonly<Record<string, () => Dashboard>> = {
  'overview.json': overview,
  'tunnel.json': tunnel,
  'warp-ha.json': warpHa,
  'exporter.json': exporter,
};

export const FOLDER = 'grafana/dashboards';
