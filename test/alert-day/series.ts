/** A sample's series, as PromQL writes it, and its value. */
export type Sample = readonly [series: string, value: number];

interface Recorded {
  /** In promtool's notation: `1x4` is 1 five times, `_x4` is nothing four times. */
  readonly runs: string[];
  value: number | undefined;
  times: number;
  lastScrape: number;
}

export interface SeriesRecorder {
  /** Adds the samples of a scrape. A series that is missing in it becomes stale, as in Prometheus. */
  readonly scrape: (index: number, samples: Iterable<Sample>) => void;
  /** `input_series` of a promtool test. */
  readonly series: () => readonly { readonly series: string; readonly values: string }[];
}

export function createSeriesRecorder(): SeriesRecorder {
  const recorded = new Map<string, Recorded>();
  let scrapes = 0;

  const endRun = (entry: Recorded): void => {
    if (entry.times > 0) entry.runs.push(runOf(entry.value, entry.times));
    entry.times = 0;
  };
  const add = (entry: Recorded, value: number | undefined, times = 1): void => {
    if (entry.times > 0 && entry.value !== value) endRun(entry);
    entry.value = value;
    entry.times += times;
  };
  const becomeStale = (entry: Recorded): void => {
    if (entry.value === undefined) return;
    endRun(entry);
    entry.runs.push('stale');
    entry.value = undefined;
  };

  return {
    scrape: (index, samples) => {
      for (const [series, value] of samples) {
        let entry = recorded.get(series);
        if (entry === undefined) {
          entry = { runs: [], value: undefined, times: 0, lastScrape: -1 };
          recorded.set(series, entry);
        }
        const missed = index - entry.lastScrape - 1;
        if (missed > 0 && entry.runs.at(-1) !== 'stale') add(entry, undefined, missed);
        else if (missed > 1) add(entry, undefined, missed - 1);
        add(entry, value);
        entry.lastScrape = index;
      }
      for (const entry of recorded.values()) if (entry.lastScrape === index - 1) becomeStale(entry);
      scrapes = index + 1;
    },
    series: () => {
      for (const entry of recorded.values()) {
        if (entry.lastScrape < scrapes - 1) becomeStale(entry);
        endRun(entry);
      }
      return [...recorded].map(([series, { runs }]) => ({ series, values: runs.join(' ') }));
    },
  };
}

function runOf(value: number | undefined, times: number): string {
  const text = value === undefined ? '_' : String(value);
  if (times === 1) return text;
  // `_x3` is no sample three times, but `1x3` is 1 four times.
  return `${text}x${value === undefined ? times : times - 1}`;
}
