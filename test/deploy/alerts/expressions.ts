import {
  COLLECTORS,
  FAILURE_REASONS,
  HA_MODES,
  HA_STATUSES,
  TUNNEL_STATUSES,
  TUNNEL_TYPES,
} from '../../../src/core/model.ts';
import { type KnownMetric, knownMetrics, TO_COME } from '../../grafana/metrics.ts';
import { analyse, type Selector } from '../../grafana/promql.ts';
import { isAlert, type RecordingRule, rules } from './rule-file.ts';

/** Of the scrape, on every series. */
const OF_THE_SCRAPE = ['job', 'instance'];

/** A typing error in one of these makes an alert that never fires. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  status: TUNNEL_STATUSES,
  ha_status: HA_STATUSES,
  ha_mode: HA_MODES,
  tunnel_type: TUNNEL_TYPES,
  collector: COLLECTORS,
  reason: FAILURE_REASONS,
};

/** Rules may use those that stand before them, which each call names. */
const recordedNames = new Set(rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record])));
const metrics = knownMetrics().then(
  (known) => new Map([...TO_COME, ...known].filter(([name]) => !recordedNames.has(name))),
);

/**
 * What the exporter does not expose, or what is no PromQL. `recorded` are the recording rules that
 * may be used.
 */
export async function problemsOf(expr: string, recorded: readonly string[] = []): Promise<readonly string[]> {
  const known = await metrics;
  const { errors, selectors, grouping, made } = analyse(expr);
  const labelsOf = (metric: string): readonly string[] | undefined =>
    recorded.includes(metric) ? labelsOfRecorded(metric, known) : known.get(metric)?.labels;
  const joinable = new Set([
    ...selectors.flatMap(({ metric }) => labelsOf(metric) ?? []),
    ...OF_THE_SCRAPE,
    ...made,
  ]);
  return [
    ...errors,
    ...selectors.flatMap((selector) => {
      const labels = labelsOf(selector.metric);
      return labels === undefined ? [`no metric ${selector.metric}`] : problemsOfMatchers(selector, labels);
    }),
    ...grouping
      .filter(
        (label) => selectors.every(({ metric }) => labelsOf(metric) !== undefined) && !joinable.has(label),
      )
      .map((label) => `no label ${label} to group by or join on`),
  ];
}

function problemsOfMatchers({ metric, matchers }: Selector, labels: readonly string[]): readonly string[] {
  return matchers.flatMap(({ label, operator, value }) => {
    if (![...labels, ...OF_THE_SCRAPE].includes(label)) return [`no label ${label} of ${metric}`];
    const known = VALUES[label];
    const asked = operator.endsWith('~') ? value.split('|') : [value];
    return asked
      .filter((each) => each !== '' && known !== undefined && !known.includes(each))
      .map((each) => `no value ${each} of label ${label} of ${metric}`);
  });
}

/** What its outermost aggregation groups by, or else all labels of what it is made of. */
function labelsOfRecorded(name: string, known: ReadonlyMap<string, KnownMetric>): readonly string[] {
  const rule = rules.find((each): each is RecordingRule => !isAlert(each) && each.record === name);
  if (rule === undefined) return [];
  const { selectors, grouping, made } = analyse(rule.expr);
  const labelsOf = (metric: string): readonly string[] =>
    known.get(metric)?.labels ?? labelsOfRecorded(metric, known);
  return [
    ...new Set([
      ...grouping,
      ...made,
      ...Object.keys(rule.labels ?? {}),
      ...selectors.flatMap(({ metric }) => labelsOf(metric)),
    ]),
  ];
}
