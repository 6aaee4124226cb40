import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problemsOf } from './expressions.ts';
import { alertNames, alerts, rules } from './rule-file.ts';

const FOLDER = 'docs/runbooks';
const SECTIONS = ['Meaning', 'Impact', 'Diagnosis', 'Mitigation'];
/** The first sections of a runbook about a tunnel. */
const FIRST_OF_TUNNELS = ['What changed', 'What is behind it'];
const ofTunnels = new Set(
  alerts.filter(({ labels }) => labels['subject'] === 'tunnel').map(({ alert }) => alert),
);
const recorded = rules.flatMap((rule) => ('record' in rule ? [rule.record] : []));

test('every alert has a runbook, and every runbook an alert', () => {
  const runbooks = readdirSync(FOLDER).filter((file) => file.startsWith('CloudflareTunnel'));
  expect(runbooks.toSorted()).toEqual(alertNames.map((name) => `${name}.md`).toSorted());
});

test.each(alertNames)('the runbook of %s has every section, and commands to run', (name) => {
  const text = readFileSync(`${FOLDER}/${name}.md`, 'utf8');
  expect(text.startsWith(`# ${name}\n`)).toBe(true);
  expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual(
    ofTunnels.has(name) ? [...FIRST_OF_TUNNELS, ...SECTIONS] : SECTIONS,
  );
  expect(text).toMatch(/^```(?:sh|promql)\n/m);
});

test.each(alertNames)('the queries of the runbook of %s are of what the exporter exposes', async (name) => {
  const text = readFileSync(`${FOLDER}/${name}.md`, 'utf8');
  for (const [, query = ''] of text.matchAll(/^```promql\n(.*?)^```$/gms)) {
    expect({ query, problems: await problemsOf(query, recorded) }).toEqual({ query, problems: [] });
  }
});

test.each([...ofTunnels])('the runbook of %s queries events by API and in the log', (name) => {
  const text = readFileSync(`${FOLDER}/${name}.md`, 'utf8');
  expect(text).toContain('/api/v1/events?');
  expect(text).toMatch(/^```logql\n.*event/m);
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
