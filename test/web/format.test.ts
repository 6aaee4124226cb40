import { expect, test } from 'vitest';
import { html, visible } from '../../src/web/html.ts';
import { formatCount, formatDuration, formatTime } from '../../src/web/format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each([
  [-5_000, '0 s'],
  [0, '0 s'],
  [59_999, '59 s'],
  [MINUTE, '1 min'],
  [HOUR - 1, '59 min'],
  [HOUR, '1 h'],
  [2 * HOUR + 13 * MINUTE + 59_000, '2 h 13 min'],
  [24 * HOUR, '1 d'],
  [76 * HOUR + 59 * MINUTE, '3 d 4 h'],
  [400 * 24 * HOUR, '400 d'],
])('%d ms are formatted as %s', (ms, words) => {
  expect(formatDuration(ms)).toBe(words);
});

test('counts use the singular for 1 only', () => {
  expect([0, 1, 2].map((count) => formatCount(count, 'tunnel'))).toEqual([
    '0 tunnels',
    '1 tunnel',
    '2 tunnels',
  ]);
});

test('a time outside the range of Date is unknown', () => {
  expect(formatTime(Date.UTC(2026, 2, 1, 9, 47, 59))).toBe('2026-03-01 09:47 UTC');
  expect(formatTime(9e15)).toBe('an unknown time');
});

test.each([
  ['plain', 'plain'],
  ['a\u202Eb\u2066c', 'a⟨U+202E⟩b⟨U+2066⟩c'],
  ['\u0000\t\n\u007F\u0085', '⟨U+0000⟩⟨U+0009⟩⟨U+000A⟩⟨U+007F⟩⟨U+0085⟩'],
  ['zero\u200Bwidth\uFEFF', 'zero⟨U+200B⟩width⟨U+FEFF⟩'],
  ['tag\u{E0041}', 'tag⟨U+E0041⟩'],
  ['\uDC00', '\uFFFD'],
  ['👩‍👩‍👧 漢字 می‌خواهم', '👩‍👩‍👧 漢字 می‌خواهم'],
  ['x'.repeat(257), `${'x'.repeat(256)}… (257 characters)`],
])('%j is shown as %j', (text, seen) => {
  expect(visible(text)).toBe(seen);
});

test('a template escapes strings and keeps markup', () => {
  expect(
    html`<p title="${`"'`}">${'<&>'} ${1} ${html`<b>${'<'}</b>`} ${[html`<i></i>`, html`<u></u>`]}</p>`
      .markup,
  ).toBe('<p title="&quot;&#39;">&lt;&amp;&gt; 1 <b>&lt;</b> <i></i><u></u></p>');
});
