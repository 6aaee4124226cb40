import { expect, test } from 'vitest';
import { parseYaml, type YamlOptions, type YamlValue } from '../../src/config/yaml.ts';

/** Parses a text as file.yaml; returns the top-level value, and the problems that reading it adds to. */
function parsed(text: string, options: Partial<YamlOptions> = {}) {
  const problems: string[] = [];
  const top = parseYaml(text, { file: 'file.yaml', problem: (line) => void problems.push(line), ...options });
  return { top, problems };
}

const canonical = (key: string): string => key.replaceAll('_', '-');

const entriesOf = (value: YamlValue | undefined) => [...(value?.entries() ?? [])];

test('values have their kind, their text as written, and their location', () => {
  const { top } = parsed('a:\n  b: 010\n  c: [x, ~]\nd:\n');
  const [a, d] = entriesOf(top);
  const [b, c] = entriesOf(a);
  expect([a, b, c, d]).toMatchObject([
    { key: 'a', kind: 'mapping', location: 'a (file.yaml:1)' },
    { key: 'b', kind: 'text', text: '010', location: 'a.b (file.yaml:2)' },
    { key: 'c', kind: 'list', location: 'a.c (file.yaml:3)' },
    { key: 'd', kind: 'nothing', text: '', location: 'd (file.yaml:4)' },
  ]);
  expect(c?.items()).toMatchObject([
    { kind: 'text', text: 'x', location: 'a.c[0] (file.yaml:3)' },
    { kind: 'nothing', location: 'a.c[1] (file.yaml:3)' },
  ]);
});

test('an alias has the value of its anchor, even one that contains itself', () => {
  const [, second] = entriesOf(parsed('a: &a {x: 1, self: *a}\nb: *a').top);
  const [x, self] = entriesOf(second);
  expect(x).toMatchObject({ text: '1', name: 'b.x' });
  expect(entriesOf(self)[0]).toMatchObject({ text: '1', name: 'b.self.x' });
});

test('a key is given once, and is text', () => {
  const { top, problems } = parsed('a-b: 1\na_b: 2\n? [c]\n: 3\n"": 4\n', { canonical });
  expect(entriesOf(top).map(({ key }) => key)).toEqual(['a-b']);
  expect(problems).toEqual([
    'a_b (file.yaml:2): given twice',
    '? (file.yaml:3): a key must be a word',
    '? (file.yaml:5): a key must be a word',
  ]);
});

test('a key that contains a value is not shown', () => {
  const [entry] = entriesOf(parsed('{password:secret}').top);
  expect(entry).toMatchObject({ key: 'password:secret', location: '? (file.yaml:1)' });
});

test('a text that is not YAML is one problem', () => {
  expect(parsed('a: [\nb: }\n')).toMatchObject({
    top: undefined,
    problems: [expect.stringMatching(/^file\.yaml:\d+:\d+: not valid YAML: /)],
  });
});
