/** Pieces of PromQL. Every selector takes both scrape labels; replicas of the exporter are folded by max, never added. */

const SCRAPE = ['job=~"$job"', 'instance=~"$instance"'];
const ACCOUNT = 'account_id=~"$account_id"';
const NAME = 'tunnel_name=~"$tunnel_name"';

/** The labels that identify a tunnel. */
export const TUNNEL = 'account_id, tunnel_id, tunnel_name';
export const CONNECTOR = `${TUNNEL}, connector_id`;

/** Series of the chosen tunnels. */
export function ofTunnels(metric: string, ...matchers: readonly string[]): string {
  return select(metric, [...SCRAPE, ACCOUNT, NAME, ...matchers]);
}

/** Series of the chosen accounts that do not tell a tunnel's name. */
export function ofAccounts(metric: string, ...matchers: readonly string[]): string {
  return select(metric, [...SCRAPE, ACCOUNT, ...matchers]);
}

/** Series of the exporter itself. */
export function ofExporter(metric: string, ...matchers: readonly string[]): string {
  return select(metric, [...SCRAPE, ...matchers]);
}

/**
 * Only the series of exporters: a metric that every program may have, such as process_*, with "all" jobs chosen. `seen` for what
 * tells of an exporter that is down.
 */
export function ofExportersOnly(
  vector: string,
  { seen = 'now' }: { readonly seen?: 'now' | 'in range' } = {},
): string {
  const own = ofExporter('cloudflare_tunnel_exporter_build_info');
  return `${vector} and on (job, instance) ${seen === 'now' ? own : `last_over_time(${own}[$__range])`}`;
}

/** One series per group, however many replicas of the exporter are scraped. */
export function maxBy(labels: string, vector: string): string {
  return `max by (${labels}) (${vector})`;
}

export function sumBy(labels: string, vector: string): string {
  return `sum by (${labels}) (${vector})`;
}

export function countBy(labels: string, vector: string): string {
  return `count by (${labels}) (${vector})`;
}

/** What a counter grew by in each step of a graph. */
export function grown(counter: string): string {
  return `increase(${counter}[$__rate_interval])`;
}

/** What a counter grew by in the whole time range shown. */
export function grownInRange(counter: string): string {
  return `increase(${counter}[$__range])`;
}

export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** The alternatives one per line: the first that a series is in gives its value. */
export function firstOf(...vectors: readonly string[]): string {
  return vectors.join('\nor\n');
}

function select(metric: string, matchers: readonly string[]): string {
  return `${metric}{${matchers.join(',')}}`;
}
