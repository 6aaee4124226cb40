import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, type Query, type QueryKind, targets } from './target.ts';

/** What every panel has. */
export interface PanelSpec {
  readonly title: string;
  /** What it shows, and what to do about it. */
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Shown if there is nothing to show. Says whether that is good. */
  readonly noValue: string;
  /** The most steps. Fewer are cheaper. Default: one per pixel. */
  readonly steps?: number;
}

/** What the SDK's panel builders have in common. */
interface PanelBuilder extends Builder<Panel> {
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  datasource(datasource: typeof DATASOURCE): this;
  targets(targets: Builder<Dataquery>[]): this;
  noValue(noValue: string): this;
  maxDataPoints(maxDataPoints: number): this;
}

export function begin<B extends PanelBuilder>(builder: B, spec: PanelSpec & { readonly kind: QueryKind }): B {
  const panel = builder
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .noValue(spec.noValue)
    .datasource(DATASOURCE)
    .targets(targets(spec.queries, spec.kind));
  return spec.steps === undefined ? panel : panel.maxDataPoints(spec.steps);
}
