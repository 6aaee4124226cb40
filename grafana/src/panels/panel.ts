import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, type Query, type QueryKind, targets } from './target.ts';

/** What every panel tells. */
export interface PanelSpec {
  readonly title: string;
  /** What it shows, and what to do about it. */
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** What the SDK's panel builders have in common. */
interface PanelBuilder extends Builder<Panel> {
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  datasource(datasource: typeof DATASOURCE): this;
  targets(targets: Builder<Dataquery>[]): this;
}

export function begin<B extends PanelBuilder>(builder: B, spec: PanelSpec & { readonly kind: QueryKind }): B {
  return builder
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(DATASOURCE)
    .targets(targets(spec.queries, spec.kind));
}
