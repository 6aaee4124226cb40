import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { JsonSchema } from './json-schema.ts';
import { duration, flag, name, object, texts } from './json-schema.ts';

const ALERTS = 'deploy/prometheus/alerts.yaml';

interface Rule {
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What the chart can change of each alert, by the alerts of the rule file. */
export function alertValues(): JsonSchema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- promtool has the last word on its form
  const file = parse(readFileSync(ALERTS, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  const rules = file.groups.flatMap((group) => group.rules);
  const byName = Map.groupBy(rules, ({ alert }) => alert ?? '');
  byName.delete('');
  return object(
    Object.fromEntries(
      [...byName].map(([alert, own]) => [
        alert,
        object({
          enabled: flag,
          severity: severityOf(own.map(({ labels }) => labels?.['severity'] ?? '')),
          for: duration,
          keepFiringFor: duration,
          labels: texts,
          annotations: texts,
          ...Object.fromEntries(
            thresholdsOf(rules, alert).map((key) => [key, { type: 'number', minimum: 0 }] as const),
          ),
        }),
      ]),
    ),
  );
}

/** An alert with two stages has a severity for each, by the one that the rule file gives it. */
function severityOf(severities: readonly string[]): JsonSchema {
  return severities.length === 1
    ? name
    : object(Object.fromEntries(severities.map((severity) => [severity, name])));
}

/** Thresholds stand in the rules as `180 # Down.after`. */
function thresholdsOf(rules: readonly Rule[], alert: string): readonly string[] {
  const text = rules.map(({ expr }) => expr).join('\n');
  const found = [...text.matchAll(/[\d.]+ # (\w+)\.(\w+)/g)].filter(
    ([, short = '']) => `CloudflareTunnel${short}` === alert,
  );
  return [...new Set(found.map(([, , key = '']) => key))];
}
