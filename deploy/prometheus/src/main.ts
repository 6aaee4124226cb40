/** Writes prometheusrule.yaml: npm run alerts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { prometheusRule } from './prometheus-rule.ts';

const FOLDER = 'deploy/prometheus';
writeFileSync(`${FOLDER}/prometheusrule.yaml`, prometheusRule(readFileSync(`${FOLDER}/alerts.yaml`, 'utf8')));
