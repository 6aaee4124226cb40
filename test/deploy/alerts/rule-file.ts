import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const RULES = 'deploy/prometheus/alerts.yaml';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type Rule = AlertRule | RecordingRule;

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

export function readRules(): RuleFile {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- promtool has the last word on its form
  return parse(readFileSync(RULES, 'utf8')) as RuleFile;
}

export function isAlert(rule: Rule): rule is AlertRule {
  return 'alert' in rule;
}

export const rules: readonly Rule[] = readRules().groups.flatMap((group) => group.rules);
export const alerts: readonly AlertRule[] = rules.filter(isAlert);
export const alertNames: readonly string[] = [...new Set(alerts.map(({ alert }) => alert))];
