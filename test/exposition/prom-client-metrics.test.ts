import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { encodePromClientMetrics } from '../../src/exposition/prom-client-metrics.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { HOSTILE_NAMES } from './hostile.ts';

test.each(['text', 'openmetrics'] as const)(
  "the exporter's own metrics in %s are escaped as those of tunnels are",
  async (format) => {
    const registry = new Registry();
    const help = 'A "quoted" word, a \\ and\ntwo lines.';
    const gauge = new Gauge({ name: 'own', help, labelNames: ['label'], registers: [registry] });
    for (const [index, label] of HOSTILE_NAMES.entries()) gauge.set({ label }, index);
    const text = encodePromClientMetrics([await gauge.get()], format) + (format === 'text' ? '' : '# EOF\n');
    expect(parseExposition(Buffer.from(text), format)).toEqual([
      {
        name: 'own',
        type: 'gauge',
        help,
        samples: HOSTILE_NAMES.map((label, value) => ({
          name: 'own',
          labels: new Map([['label', label.toWellFormed()]]),
          value,
        })),
      },
    ]);
  },
);

test('values that are no usual numbers are written as both formats have them', async () => {
  const gauge = new Gauge({ name: 'own', help: 'Own.', labelNames: ['n'], registers: [new Registry()] });
  for (const [n, value] of [Infinity, -Infinity, Number.NaN, -0.5, 1e21, 1e-7].entries())
    gauge.set({ n }, value);
  expect(
    encodePromClientMetrics([await gauge.get()], 'text')
      .split('\n')
      .slice(2, -1),
  ).toEqual([
    'own{n="0"} +Inf',
    'own{n="1"} -Inf',
    'own{n="2"} NaN',
    'own{n="3"} -0.5',
    'own{n="4"} 1e+21',
    'own{n="5"} 1e-7',
  ]);
});
