import { expect, test } from 'vitest';
import { parseExposition } from '../support/exposition-parser.ts';

const parse = (text: string, format: 'text' | 'openmetrics' = 'text'): unknown =>
  parseExposition(Buffer.from(text, 'latin1'), format);
const head = '# HELP up Whether.\n# TYPE up gauge\n';

test('the parser of these tests reads names, labels, escapes and values', () => {
  expect(parse(`${head}up{a="\\\\\\"\\n,}",b=""} -1.5e-7\nup +Inf\n`)).toEqual([
    {
      name: 'up',
      type: 'gauge',
      help: 'Whether.',
      samples: [
        {
          name: 'up',
          labels: new Map([
            ['a', '\\"\n,}'],
            ['b', ''],
          ]),
          value: -1.5e-7,
        },
        { name: 'up', labels: new Map(), value: Infinity },
      ],
    },
  ]);
});

test.each([
  ['no newline at the end', 'does not end with a newline', `${head}up 1`],
  ['a series twice', 'series twice', `${head}up{a="1",b="2"} 1\nup{b="2",a="1"} 1\n`],
  ['a family twice', 'name twice', `${head}up{a="1"} 1\n${head}up{a="2"} 1\n`],
  ['a sample outside its family', "not in its family's block", `${head}down 1\n`],
  ['a sample before any family', "not in a family's block", 'up 1\n'],
  ['HELP and TYPE of different names', 'different families', '# HELP up Whether.\n# TYPE down gauge\n'],
  ['no TYPE', 'out of form', '# HELP up Whether.\nup 1\n'],
  ['no HELP', "not in a family's block", '# TYPE up gauge\nup 1\n'],
  ['an unknown type', 'no type of this format', '# HELP up Whether.\n# TYPE up info\nup 1\n'],
  ['an unknown escape', 'unknown escape', `${head}up{a="\\t"} 1\n`],
  [
    'an escape in HELP that text does not have',
    'unknown escape',
    '# HELP up a \\"word\\"\n# TYPE up gauge\nup 1\n',
  ],
  ['a quote within a value', 'out of form', `${head}up{a="x"y"} 1\n`],
  ['a newline within a value', 'out of form', `${head}up{a="x\ny"} 1\n`],
  ['a label twice', 'label twice', `${head}up{a="x",a="y"} 1\n`],
  ['a comma too many', 'labels out of form', `${head}up{a="x",} 1\n`],
  ['an empty line', 'out of form', `${head}\nup 1\n`],
  ['a comment', 'out of form', `${head}# EOF\nup 1\n`],
  ['no value', 'out of form', `${head}up{a="x"} \n`],
  ['a value that is no number', 'out of form', `${head}up undefined\n`],
  ['a negative counter', 'negative counter', '# HELP a_total A.\n# TYPE a_total counter\na_total -1\n'],
  ['bytes that are no UTF-8', 'not valid', `${head}up{a="\xff"} 1\n`],
])('the parser of these tests refuses %s', (_, message, text) => {
  expect(() => parse(text)).toThrow(message);
});

test.each([
  ['no # EOF', 'does not end with # EOF', `${head}up 1\n`],
  ['# EOF without its newline', 'does not end with a newline', `${head}up 1\n# EOF`],
  ['something after # EOF', 'does not end with # EOF', `${head}up 1\n# EOF\nup 2\n`],
  ['# EOF twice', 'out of form', `${head}up 1\n# EOF\n# EOF\n`],
  [
    'a counter sample without _total',
    "not in its family's block",
    '# HELP a A.\n# TYPE a counter\na 1\n# EOF\n',
  ],
  ['an info that is not 1', 'an info that is not 1', '# HELP a A.\n# TYPE a info\na_info 0\n# EOF\n'],
  ['a quote in HELP', 'quote not escaped', '# HELP a "A".\n# TYPE a gauge\na 1\n# EOF\n'],
])('in OpenMetrics, the parser of these tests refuses %s', (_, message, text) => {
  expect(() => parse(text, 'openmetrics')).toThrow(message);
});
