import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseDocument, stringify } from 'yaml';
import { kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ciValues, renderChart } from './chart.ts';

/**
 * The values that the documentation shows: blocks that begin with a comment on values, and those of
 * Argo CD's example.
 */
function examplesIn(file: string): readonly unknown[] {
  const blocks = [...readFileSync(file, 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, text = '']) => text,
  );
  return blocks.flatMap((text) => {
    if (/^# (?:Helm )?values\n/.test(text)) return [parse(text) as unknown];
    const ofArgo = parseDocument(text).getIn(['spec', 'source', 'helm', 'valuesObject']);
    return ofArgo === undefined ? [] : [ofArgo];
  });
}

const EXAMPLES = ['docs/kubernetes.md', 'docs/alerts.md'].flatMap((file) =>
  examplesIn(file).map((values, index) => ({ file, index, values })),
);

test('the documentation shows values', () => {
  expect(EXAMPLES.length).toBeGreaterThan(4);
});

describe.skipIf(kubectlLayer.missing)(`the chart takes the values${kubectlLayer.needs}`, () => {
  test.each(EXAMPLES)('of $file, example $index', ({ values }) => {
    const folder = mkdtempSync(join(tmpdir(), 'chart-docs-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'values.yaml'), stringify(values));
    expect(
      renderChart(ciValues('token-only'), ['--values', join(folder, 'values.yaml')]).length,
    ).toBeGreaterThan(4);
  });
});
