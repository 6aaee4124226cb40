import type { Asked } from './opening.ts';

export interface Cost {
  readonly series: number;
  /** Samples that Prometheus read, counting repeated reads. */
  readonly samples: number;
}

/** Sends a query as Grafana does. Throws Prometheus' error. */
export async function ask(
  prometheus: string,
  { expr, step }: Asked,
  { end, range }: { readonly end: number; readonly range: number },
): Promise<Cost> {
  const when =
    step === undefined
      ? { time: String(end) }
      : {
          start: String(Math.floor((end - range) / step) * step),
          end: String(Math.floor(end / step) * step),
          step: String(step),
        };
  const response = await fetch(`${prometheus}/api/v1/${step === undefined ? 'query' : 'query_range'}`, {
    method: 'POST',
    body: new URLSearchParams({ query: expr, stats: 'true', ...when }),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
  const answer = (await response.json()) as {
    readonly error?: string;
    readonly data?: {
      readonly result: readonly unknown[];
      readonly stats: { readonly samples: { readonly totalQueryableSamples: number } };
    };
  };
  if (answer.data === undefined) throw new Error(`${answer.error ?? ''}: ${expr}`);
  return { series: answer.data.result.length, samples: answer.data.stats.samples.totalQueryableSamples };
}
