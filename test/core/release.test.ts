import { expect, test } from 'vitest';
import { releaseTime } from '../../src/core/release.ts';

test.each([
  ['2025.11.1', '2025-11-01T00:00:00Z'],
  ['2026.2.0', '2026-02-01T00:00:00Z'],
  ['2024.12.12', '2024-12-01T00:00:00Z'],
])('version %s was released in the month of %s', (version, day) => {
  expect(releaseTime(version)).toBe(Date.parse(day));
});

test.each([
  '',
  'n/a',
  'libcfd_1',
  'libcfd_2025.1.1',
  '2025.13.1',
  '2025.0.1',
  '2025.1',
  '2025.1.1.1',
  '2025.1.1-dirty',
  '2025.1.x',
  'v2025.1.1',
  ' 2025.1.1',
  '2025-1-1',
  '1.2.3',
  '25.1.1',
  'DEV',
])('version "%s" names no month', (version) => {
  expect(releaseTime(version)).toBeUndefined();
});
