import { parse } from 'yaml';
import { startPrometheusWith } from '../support/debian-server.ts';
import { debianProgram } from '../support/debian.ts';

export const prometheus = debianProgram('prometheus');

export interface Target {
  readonly job: string;
  readonly health: string;
  readonly lastError: string;
}

/**
 * Starts a Prometheus with these scrape jobs until the test ends. Resolves to a function that reads
 * its targets.
 */
export async function scrapedBy(jobs: readonly string[]): Promise<() => Promise<readonly Target[]>> {
  const url = await startPrometheusWith({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: jobs.map((job): unknown => parse(job)),
  });
  return async () => {
    const response = await fetch(`${url}/api/v1/targets`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
    const { data } = (await response.json()) as {
      readonly data: { readonly activeTargets: readonly (Target & { readonly scrapePool: string })[] };
    };
    return data.activeTargets.map(({ scrapePool, health, lastError }) => ({
      job: scrapePool,
      health,
      lastError,
    }));
  };
}
