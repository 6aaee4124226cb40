import { type Board, type BoardPanel, committed, selectorOf } from '../../grafana/committed.ts';

/** A query that Grafana sends, with its variables filled in. */
export interface Asked {
  readonly where: string;
  readonly expr: string;
  /** Seconds between two points of a graph; `undefined` for the present only. */
  readonly step: number | undefined;
}

/** What Grafana sends when a dashboard opens: requests at a time, each with the queries of a panel. */
export type Opening = readonly (readonly Asked[])[];

export interface OpeningOptions {
  /** Seconds. */
  readonly range: number;
  /** Seconds; the data source's setting. */
  readonly scrapeInterval?: number;
  /** Pixels of the grid's 24 columns. */
  readonly width?: number;
  /** Other than all. */
  readonly values?: Readonly<Record<string, string>>;
}

const COLUMNS = 24;
/** The width that a panel's edges take. */
const EDGES = 40;
/**
 * Steps that Grafana chooses from, in seconds, each with the calculated step up to which it is
 * chosen.
 */
const NICE_STEPS: readonly (readonly [step: number, upTo: number])[] = [
  [1, 1.5],
  [2, 3.5],
  [5, 7.5],
  [10, 12.5],
  [15, 17.5],
  [20, 25],
  [30, 45],
  [60, 90],
  [120, 210],
  [300, 450],
  [600, 750],
  [900, 1050],
  [1200, 1500],
  [1800, 2700],
  [3600, 5400],
];

export function openingOf(file: string, options: OpeningOptions): Opening {
  const board = committed(file);
  return [
    ...panelsInSight(board).map((panel) => queriesOf(panel, options)),
    ...besidesPanels(board, options),
  ];
}

/** Panels of open rows. Those of a collapsed row are in the row, and send no query. */
function panelsInSight({ panels }: Board): readonly BoardPanel[] {
  return panels.filter(({ type }) => type !== 'row');
}

function queriesOf(panel: BoardPanel, options: OpeningOptions): readonly Asked[] {
  const { width = 1600, range, scrapeInterval = 15 } = options;
  const pixels = (panel.gridPos.w / COLUMNS) * width - EDGES;
  const least = Math.max(scrapeInterval, panel.interval === undefined ? 0 : secondsOf(panel.interval));
  const step = Math.max(least, niceStep(range / (panel.maxDataPoints ?? pixels)));
  return (panel.targets ?? []).map(({ expr, refId, instant }) => ({
    where: `${panel.title} / ${refId}`,
    expr: substituted(expr, step, options),
    step: instant ? undefined : step,
  }));
}

/** Annotations and the values of the variables. */
function besidesPanels(board: Board, options: OpeningOptions): Opening {
  const annotations = board.annotations.list.map(({ name, expr, step }): Asked => ({
    where: `annotation ${name}`,
    expr: substituted(expr, secondsOf(step), options),
    step: secondsOf(step),
  }));
  const variables = board.templating.list.flatMap((variable): Asked[] => {
    const expr = selectorOf(variable);
    return expr === undefined
      ? []
      : [{ where: `variable ${variable.name}`, expr: substituted(expr, 15, options), step: undefined }];
  });
  return [...variables, ...annotations].map((one) => [one]);
}

function substituted(
  expr: string,
  step: number,
  { range, scrapeInterval = 15, values }: OpeningOptions,
): string {
  const all: Readonly<Record<string, string>> = {
    $__rate_interval: `${Math.max(step + scrapeInterval, 4 * scrapeInterval)}s`,
    $__range_s: String(range),
    $__range: `${range}s`,
    $__interval: `${step}s`,
    $job: '.+',
    $instance: '.+',
    $account_id: '.*',
    $tunnel_name: '.*',
    ...values,
  };
  return Object.entries(all).reduce((text, [name, value]) => text.replaceAll(name, value), expr);
}

function niceStep(seconds: number): number {
  return NICE_STEPS.find(([, upTo]) => seconds <= upTo)?.[0] ?? 7200;
}

function secondsOf(duration: string): number {
  const { amount = '', unit = '' } = /^(?<amount>\d+)(?<unit>[smh])$/.exec(duration)?.groups ?? {};
  return Number(amount) * ({ s: 1, m: 60, h: 3600 }[unit] ?? NaN);
}
