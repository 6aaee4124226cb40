import { expect, test } from 'vitest';
import { airportOf, UNKNOWN_COLO } from '../../src/core/colo.ts';

test.each([
  ['khh01', 'KHH'],
  ['ams06', 'AMS'],
  ['DFW', 'DFW'],
  ['lhr', 'LHR'],
  ['sjc-pig', 'SJC'],
])('the airport of %s is %s', (colo, airport) => {
  expect(airportOf(colo)).toBe(airport);
});

test.each(['', 'x1', 'ab', '123', 'unknown', UNKNOWN_COLO, 'frankfurt', '日本語01'])(
  'there is no airport in "%s"',
  (colo) => {
    expect(airportOf(colo)).toBe('');
  },
);
