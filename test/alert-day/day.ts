import { alertmanagerConfig } from '../deploy/alerts/alertmanager-config.ts';
import { rules } from '../deploy/alerts/rule-file.ts';
import { analyse } from '../grafana/promql.ts';
import { type Message, messagesOf } from './alertmanager.ts';
import { evaluate, type Firing } from './evaluate.ts';
import { createVirtualExporter } from './exporter.ts';
import { ACCOUNTS, EXPECTED, INTERMITTENT } from './fleet.ts';
import { BLOCK_AT, type Incident, incidentsOf } from './incidents.ts';
import { LIFE, type LifeEvent, type LifeKind, live } from './life.ts';
import { createSeriesRecorder } from './series.ts';
import { createWorld, HOUR, MINUTE } from './world.ts';

export interface DayOptions {
  readonly seed: number;
  readonly hours: number;
  /** How often Prometheus evaluates the rules; a multiple of the 30 seconds at which it scrapes. */
  readonly evaluationMs: number;
  readonly tunnels: number;
  readonly replicas: number;
  readonly incidents: boolean;
  readonly life: ReadonlySet<LifeKind>;
  /** Whether `--tunnels.intermittent` matches the laptops. */
  readonly intermittent: boolean;
}

export const EVERYTHING: ReadonlySet<LifeKind> = new Set(LIFE);
/** Four hours with every incident, as in the tests. */
export const SHORT: DayOptions = {
  seed: 20_240,
  hours: 4,
  evaluationMs: 60_000,
  tunnels: 60,
  replicas: 1,
  incidents: true,
  life: EVERYTHING,
  intermittent: true,
};
export const LONG: DayOptions = { ...SHORT, hours: 25, evaluationMs: 30_000, tunnels: 300 };

export interface Day {
  readonly options: DayOptions;
  readonly incidents: readonly Incident[];
  readonly events: readonly LifeEvent[];
  /** Virtual time of the start; evaluations and messages count from it. */
  readonly start: number;
  readonly intervalMs: number;
  readonly firing: Firing;
  readonly messages: readonly Message[];
}

/** Scrape interval of Prometheus. */
const INTERVAL_MS = 30_000;
/** How long before a scrape the exporter polls. */
const POLL_BEFORE_MS = 20_000;
const START = Date.UTC(2026, 10, 24, 8);
const SHORT_HOURS = 4;

/**
 * Simulates a day in virtual time: evaluates the rules on the exporter's metrics, and sends the
 * alerts through Alertmanager.
 */
export async function passDay(options: DayOptions): Promise<Day> {
  const durationMs = options.hours * HOUR;
  const stretch = options.hours / SHORT_HOURS;
  const isLong = stretch > 1;
  const world = createWorld({ seed: options.seed, start: START, durationMs, tunnels: options.tunnels });
  const exporters = Array.from({ length: options.replicas }, (_, index) =>
    createVirtualExporter({
      simulation: world.simulation,
      instance: `exporter-${index}`,
      now: world.now,
      start: START,
      accounts: ACCOUNTS,
      expected: EXPECTED,
      intermittent: options.intermittent ? INTERMITTENT : [],
      shows: metricsOfRules(),
    }),
  );
  const minutes = (count: number): number => START + count * MINUTE;
  const events = live(world, {
    kinds: options.life,
    exporters,
    evening: isLong ? { from: minutes(570), to: minutes(660) } : { from: minutes(60), to: minutes(150) },
    morning: isLong ? { from: minutes(1440), to: minutes(1500) } : { from: minutes(900), to: minutes(960) },
    blockAt: minutes(BLOCK_AT * stretch),
  });
  const incidents = options.incidents ? incidentsOf({ stretch, exporters, isLong }) : [];
  for (const { at, minutes: lasting, begin } of incidents) {
    world.at(minutes(at), () => {
      const end = begin(world);
      if (lasting < Infinity) world.at(world.now() + lasting * MINUTE, end);
    });
  }

  const recorder = createSeriesRecorder();
  const scrapes = Math.floor(durationMs / INTERVAL_MS);
  for (let index = 0; index < scrapes; index += 1) {
    const scrapeAt = START + index * INTERVAL_MS;
    for (const [turn, exporter] of exporters.entries()) {
      world.advanceTo(Math.max(START, scrapeAt - POLL_BEFORE_MS + turn * 5000));
      exporter.poll();
    }
    world.advanceTo(scrapeAt);
    recorder.scrape(
      index,
      exporters.flatMap((exporter) => exporter.scrape()),
    );
  }
  const firing = await evaluate({
    series: recorder.series(),
    scrapeMs: INTERVAL_MS,
    intervalMs: options.evaluationMs,
    evaluations: Math.floor(durationMs / options.evaluationMs),
  });
  return {
    options,
    incidents,
    events,
    start: START,
    intervalMs: options.evaluationMs,
    firing,
    messages: messagesOf(alertmanagerConfig(), { firing, intervalMs: options.evaluationMs }),
  };
}

function metricsOfRules(): ReadonlySet<string> {
  return new Set(rules.flatMap(({ expr }) => analyse(expr).selectors.map(({ metric }) => metric)));
}
