import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problemsOf } from './expressions.ts';
import { alertNames, rules } from './rule-file.ts';

const FOLDER = 'docs/runbooks';
const SECTIONS = ['Meaning', 'Impact', 'Diagnosis', 'Mitigation'];
const recorded = rules.flatMap((rule) => ('record' in rule ? [rule.record] : []));

test('every alert has a runbook, and no runbook is of an alert that is gone', () => {
  const runbooks = readdirSync(FOLDER).filter((file) => file.startsWith('CloudflareTunnel'));
  expect(runbooks.toSorted()).toEqual(alertNames.map((name) => `${name}.md`).toSorted());
});

test.each(alertNames)('the runbook of %s has every section, and commands to run', (name) => {
  const text = readFileSync(`${FOLDER}/${name}.md`, 'utf8');
  expect(text.startsWith(`# ${name}\n`)).toBe(true);
  expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual(SECTIONS);
  expect(text).toMatch(/^```(?:sh|promql)\n/m);
});

test.each(alertNames)('the queries of the runbook of %s are of what the exporter exposes', async (name) => {
  const text = readFileSync(`${FOLDER}/${name}.md`, 'utf8');
  for (const [, query = ''] of text.matchAll(/^```promql\n(.*?)^```$/gms)) {
    expect({ query, problems: await problemsOf(query, recorded) }).toEqual({ query, problems: [] });
  }
});

test('docs/alerts.md lists every alert with its severity', () => {
  const text = readFileSync('docs/alerts.md', 'utf8');
  const listed = [...text.matchAll(/^\| \[(\w+)\]\(runbooks\/(\w+)\.md\) \| ([\w, ]+) \|/gm)].map(
    ([, name, file, severities]) => {
      expect(file).toBe(name);
      return `${name}: ${severities}`;
    },
  );
  const expected = alertNames.map((name) => {
    const severities = rules.flatMap((rule) =>
      'alert' in rule && rule.alert === name ? [rule.labels['severity']] : [],
    );
    return `${name}: ${severities.join(', ')}`;
  });
  expect(listed.toSorted()).toEqual(expected.toSorted());
});
