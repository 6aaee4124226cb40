import { startPrometheusWith } from '../support/debian-server.ts';
import { debianProgram } from '../support/debian.ts';

export const prometheusProgram = debianProgram('prometheus');

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** At least one value; NaN if Prometheus returns NaN. */
  readonly values: readonly number[];
}

export interface RealPrometheus {
  /** Evaluates at a time in seconds, or now. Throws Prometheus' error. */
  readonly query: (expr: string, at?: number) => Promise<readonly Series[]>;
  /** Every two seconds of the last five minutes. */
  readonly queryRange: (expr: string) => Promise<readonly Series[]>;
}

/**
 * Scrapes the exporters every second as one job, and evaluates rules as often; ended when the test
 * is.
 */
export async function startPrometheus(
  exporters: readonly string[],
  job: string,
  rules = '',
): Promise<RealPrometheus> {
  const targets = exporters.map((url) => new URL(url).host);
  const url = await startPrometheusWith(
    {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: job, static_configs: [{ targets }] }],
    },
    { 'rules.yaml': rules },
  );
  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Prometheus' API
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${parameters['query']}`);
    return answer;
  };
  return {
    query: async (query, at) =>
      (await ask('query', { query, ...(at === undefined ? {} : { time: String(at) }) })).data.result.map(
        ({ metric, value }) => ({
          metric,
          values: value === undefined ? [] : [Number(value[1])],
        }),
      ),
    queryRange: async (query) => {
      const end = Date.now() / 1000;
      const parameters = { query, start: String(end - 300), end: String(end), step: '2' };
      return (await ask('query_range', parameters)).data.result.map(({ metric, values = [] }) => ({
        metric,
        values: values.map(([, value]) => Number(value)),
      }));
    },
  };
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}
