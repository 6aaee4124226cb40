import { readFileSync } from 'node:fs';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { prometheusRule } from '../../../deploy/prometheus/src/prometheus-rule.ts';
import { readRules, RULES } from './rule-file.ts';

const committed = readFileSync('deploy/prometheus/prometheusrule.yaml', 'utf8');

test('the PrometheusRule is generated from the current rules (npm run alerts)', () => {
  expect(committed).toBe(prometheusRule(readFileSync(RULES, 'utf8')));
});

test('the PrometheusRule holds the same rules', () => {
  expect(parse(committed)).toMatchObject({ kind: 'PrometheusRule', spec: readRules() });
});

test('the PrometheusRule is valid for the operator', () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- validated in the next line
  const rule = new PrometheusRule(parse(committed) as ConstructorParameters<typeof PrometheusRule>[0]);
  expect(() => {
    rule.validate();
  }).not.toThrow();
});
