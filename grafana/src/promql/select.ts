/** Selectors. Each uses the variables whose labels its metric has. */

const SCRAPE = ['job=~"$job"', 'instance=~"$instance"'];
const ACCOUNT = 'account_id=~"$account_id"';
const NAME = 'tunnel_name=~"$tunnel_name"';

/**
 * A vector whose series still have the labels `job` and `instance`: several exporters may report
 * the same thing. It is not a string, so that no panel can show it. Only a fold (fold.ts) makes a
 * query of it.
 */
export interface PerExporter {
  readonly perExporter: string;
}

/** Series of the chosen tunnels. */
export function ofTunnels(metric: string, ...matchers: readonly string[]): PerExporter {
  return select(metric, [...SCRAPE, ACCOUNT, NAME, ...matchers]);
}

/** Series of the chosen accounts that have no label for a tunnel's name. */
export function ofAccounts(metric: string, ...matchers: readonly string[]): PerExporter {
  return select(metric, [...SCRAPE, ACCOUNT, ...matchers]);
}

/** Series of the exporter itself. */
export function ofExporter(metric: string, ...matchers: readonly string[]): PerExporter {
  return select(metric, [...SCRAPE, ...matchers]);
}

/** PromQL around vectors that are not folded yet. The text must keep `job` and `instance`. */
export function each(
  text: TemplateStringsArray,
  ...parts: readonly (PerExporter | string | number)[]
): PerExporter {
  const texts = parts.map((part) => (typeof part === 'object' ? part.perExporter : String(part)));
  return { perExporter: text.map((piece, index) => piece + (texts[index] ?? '')).join('') };
}

/** Sums within each exporter. */
export function sumEach(labels: string, vector: PerExporter): PerExporter {
  return each`sum by (job, instance, ${labels}) (${vector})`;
}

/** Counts within each exporter. */
export function countEach(labels: string, vector: PerExporter): PerExporter {
  return each`count by (job, instance, ${labels}) (${vector})`;
}

/** The increase of a counter in each step of a graph. */
export function grown(counter: PerExporter): PerExporter {
  return each`increase(${counter}[$__rate_interval])`;
}

/** The increase of a counter in the whole time range shown. */
export function grownInRange(counter: PerExporter): PerExporter {
  return each`increase(${counter}[$__range])`;
}

export function rate(counter: PerExporter): PerExporter {
  return each`rate(${counter}[$__rate_interval])`;
}

/**
 * Keeps the series of exporters. Other programs have metrics such as process_*, too, and "all" jobs
 * may be chosen. `seen: 'in range'` keeps exporters that are down now.
 */
export function ofExportersOnly(
  vector: PerExporter,
  { seen = 'now' }: { readonly seen?: 'now' | 'in range' } = {},
): PerExporter {
  const own = ofExporter('cloudflare_tunnel_exporter_build_info');
  return seen === 'now'
    ? each`${vector} and on (job, instance) ${own}`
    : each`${vector} and on (job, instance) last_over_time(${own}[$__range])`;
}

function select(metric: string, matchers: readonly string[]): PerExporter {
  return { perExporter: `${metric}{${matchers.join(',')}}` };
}
