import { expect, test } from 'vitest';
import { notesOf } from '../../../deploy/release/notes.ts';

const CHANGELOG = `# Changelog

About it.

## Unreleased

## [1.10.0] - 2026-11-24

### Added

- A thing that
  takes two lines.
- Another
  - with a part

## 1.1.0

- An older thing.
`;

test.each([
  ['1.10.0', '### Added\n\n- A thing that takes two lines.\n- Another\n  - with a part'],
  ['1.1.0', '- An older thing.'],
  ['1.1', undefined],
  ['Unreleased', undefined],
  ['2.0.0', undefined],
])('the notes of %s', (version, notes) => {
  expect(notesOf(CHANGELOG, version)).toBe(notes);
});
