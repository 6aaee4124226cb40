import { expect, test } from 'vitest';
import { negotiateFormat, negotiateGzip } from '../../src/web/negotiate.ts';

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_PROTOBUF = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,${PROMETHEUS_3}`;
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

test.each([
  [PROMETHEUS_2, 'openmetrics'],
  [PROMETHEUS_3, 'openmetrics'],
  [PROMETHEUS_PROTOBUF, 'openmetrics'],
  [BROWSER, 'text'],
  ['application/openmetrics-text; version=1.0.0', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text; version="1.0.0"', 'openmetrics'],
  ['APPLICATION/OpenMetrics-Text;VERSION=1.0.0', 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=0.0.1', 'text'],
  ['application/openmetrics-text; version=2.0.0', 'text'],
  ['application/openmetrics-text; version=0.0.1, */*;q=0.1', 'text'],
  ['text/plain', 'text'],
  ['text/plain; version=0.0.4', 'text'],
  ['*/*', 'text'],
  ['text/*, application/*', 'text'],
  ['application/*', 'openmetrics'],
  ['', 'text'],
  [undefined, 'text'],
  [';;;,,,q=1', 'text'],
  ['application/json', 'text'],
  ['text/plain, application/openmetrics-text;version=1.0.0', 'openmetrics'],
  ['application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.5', 'openmetrics'],
  ['text/plain;q=0.9, application/openmetrics-text;version=1.0.0;q=0.8', 'text'],
  ['text/plain;q=0.2, application/openmetrics-text;version=1.0.0;q=0.3', 'openmetrics'],
  ['*/*, application/openmetrics-text;version=1.0.0;q=0.5', 'text'],
  ['application/openmetrics-text;version=1.0.0;q=0, */*', 'text'],
  ['application/openmetrics-text;version=1.0.0;q=0', 'text'],
  ['text/plain;q=0, */*', 'openmetrics'],
  ['application/openmetrics-text;version=1.0.0;q=high', 'text'],
  ['application/openmetrics-text;version=1.0.0;q=2', 'text'],
])('Accept: %s gets %s', (accept, format) => {
  expect(negotiateFormat(accept)).toBe(format);
});

test.each([
  ['gzip', true],
  ['GZIP', true],
  ['x-gzip', true],
  ['gzip, deflate, br', true],
  ['br;q=1.0, gzip;q=0.8, *;q=0.1', true],
  ['*', true],
  ['gzip;q=0.5, identity;q=0.5', true],
  ['gzip, identity;q=0', true],
  ['gzip;q=0.5, identity;q=1', false],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['gzip;q=0.000', false],
  ['*;q=0', false],
  ['identity', false],
  ['identity;q=0', false],
  ['deflate, br', false],
  ['gzipped', false],
  ['gzip;q=much', false],
  ['', false],
  [undefined, false],
])('Accept-Encoding: %s gets gzip: %s', (acceptEncoding, gzip) => {
  expect(negotiateGzip(acceptEncoding)).toBe(gzip);
});
