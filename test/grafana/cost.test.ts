import { expect, test } from 'vitest';
import { ask } from '../bench/dashboards/ask.ts';
import { createHistory } from '../bench/dashboards/history.ts';
import { openingOf } from '../bench/dashboards/opening.ts';
import { startPrometheusWith } from '../support/debian-server.ts';
import { FILES } from './committed.ts';
import { prometheusProgram } from './real-prometheus.ts';

/** Of variables, annotations and the panels of open rows together. */
const MOST_QUERIES = 40;
/**
 * Samples that Prometheus may read for each tunnel and exporter: for all figures of the present,
 * and for a point of all graphs.
 */
const MOST_SAMPLES = { present: 250, point: 7 };
const RANGE = 3600;

test('a dashboard sends at most 40 queries when it opens', () => {
  const counts = FILES.map((file) => ({ file, queries: openingOf(file, { range: RANGE }).flat().length }));
  expect(counts).toHaveLength(4);
  expect(counts.filter(({ queries }) => queries > MOST_QUERIES)).toEqual([]);
});

test.skipIf(prometheusProgram.missing)(
  `the Overview reads few samples for each tunnel and exporter when it opens${prometheusProgram.needs}`,
  { timeout: 180_000 },
  async () => {
    const prometheus = await startPrometheusWith({}, {}, ['--web.enable-remote-write-receiver']);
    const now = Date.now();
    const history = createHistory({ tunnels: 40, hours: 1, end: now });
    await history.writeUntil(now, prometheus);
    const end = history.lastScrape() / 1000;

    const read = { present: 0, point: 0 };
    let answered = 0;
    for (const asked of openingOf('overview.json', { range: RANGE, scrapeInterval: 30 }).flat()) {
      const { samples, series } = await ask(prometheus, asked, { end, range: RANGE });
      if (series > 0) answered += 1;
      // They follow the number of accounts.
      if (/^(?:annotation|variable)/.test(asked.where)) continue;
      if (asked.step === undefined) read.present += samples / history.tunnels();
      else read.point += samples / history.tunnels() / (RANGE / asked.step + 1);
    }
    expect(answered).toBeGreaterThan(12);
    expect(read.present).toBeGreaterThan(10);
    expect(read.present).toBeLessThan(MOST_SAMPLES.present);
    expect(read.point).toBeLessThan(MOST_SAMPLES.point);
  },
);
