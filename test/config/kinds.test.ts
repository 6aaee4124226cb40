import { expect, test } from 'vitest';
import { ACCESS, configOf, loaded, problemsOf } from './support.ts';

test('an unusual account id and a large budget are accepted with a warning', () => {
  const argv = ['--cloudflare.account-id=my-account', '--cloudflare.request-budget=1100'];
  expect(loaded({ argv, env: ACCESS }).warnings).toEqual([
    '--cloudflare.account-id (flag): "my-account" does not look like a Cloudflare account id (32 hex digits)',
    '--cloudflare.request-budget (flag): 1100 of 1200 requests leave little to dashboard and Terraform, which share the limit',
  ]);
});

const NEITHER = (given: string): string =>
  `"${given}" is neither a cron expression of 5 or 6 fields nor a duration; use e.g. */30 * * * * * or 30s`;

test.each([
  ['1s', '1s'],
  ['30s', '30s'],
  ['90s', '1m30s'],
  ['1500ms', '1s500ms'],
  [' 5m ', '5m'],
  ['36h', '1d12h'],
])('a schedule of %j is accepted from flag, environment and file', (given, schedule) => {
  const file = 'config.yaml';
  for (const source of [
    { argv: [`--poll.schedule=${given}`] },
    { env: { TUNNEL_EXPORTER_POLL_SCHEDULE: given } },
    { argv: [`--config.file=${file}`], files: { [file]: `poll: {schedule: ${given}}` } },
  ])
    expect(configOf(source).poll.schedule).toBe(schedule);
});

test.each([
  ['0s', '"0s" must be from 1s to 1y'],
  ['0', '"0" must be from 1s to 1y'],
  ['999ms', '"999ms" must be from 1s to 1y'],
  ['1y1s', '"1y1s" must be from 1s to 1y'],
  ['30', '"30" has no unit; use e.g. 30s or 5m'],
  ['1.5', '"1.5" has no unit; use e.g. 30s or 5m'],
  ['1.5m', NEITHER('1.5m')],
  ['-30s', NEITHER('-30s')],
  ['30 s', NEITHER('30 s')],
  ['30sec', NEITHER('30sec')],
])('a schedule of %j is refused with one line', (given, problem) => {
  expect(problemsOf({ argv: [`--poll.schedule=${given}`], env: ACCESS })).toEqual([
    `--poll.schedule (flag): ${problem}`,
  ]);
});

test('an e-mail address is not an account id', () => {
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_ACCOUNT_ID: 'me@example.com' } })).toEqual([
    'CLOUDFLARE_ACCOUNT_ID (environment): "me@example.com" is an e-mail address, not an account id; it has 32 hex digits, and follows dash.cloudflare.com/ in the address of the dashboard',
  ]);
});

test.each([
  ['http://localhost:1/', 'http://localhost:1'],
  ['http://127.9.9.9/v4//', 'http://127.9.9.9/v4'],
  ['http://[::1]:1', 'http://[::1]:1'],
  ['https://api.example.com/client/v4/', 'https://api.example.com/client/v4'],
])('the API URL %s is accepted', (given, used) => {
  expect(configOf({ env: { CLOUDFLARE_API_URL: given } }).cloudflare.apiUrl).toBe(used);
});

test.each([
  'ftp://localhost',
  'api.cloudflare.com',
  'http://127.0.0.1.example.com',
  'http://[::2]',
  'https://',
  'https://a/#x',
])('the API URL %s is refused', (given) => {
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_API_URL: given } })).toHaveLength(1);
});

test.each([
  '/',
  '/livez',
  '/livez/',
  '/readyz',
  '/edge-ready',
  '/-/reload',
  '/api',
  '/api/metrics',
  '/tunnels',
  '/tunnels/metrics',
  '/a b',
  '/a?b',
  '//a',
  '/../a',
  '',
])('the telemetry path %j is refused', (given) => {
  expect(problemsOf({ argv: [`--web.telemetry-path=${given}`], env: ACCESS })).toHaveLength(1);
});

test('an expression matches anywhere in a name', () => {
  const [include] = configOf({ argv: ['--tunnels.include=prod'] }).tunnels.include;
  expect(include?.test('eu-prod-1')).toBe(true);
});

test('a regular expression takes linear time, whatever the name', () => {
  const argv = ['--tunnels.include=^(t|tunnel-|\\w+)+$', '--metrics.deny=(x+x+)+y'];
  const { tunnels, metrics } = configOf({ argv });
  expect(tunnels.include[0]?.test(`${'a'.repeat(100_000)}!`)).toBe(false);
  expect(tunnels.include[0]?.test('tunnel-t')).toBe(true);
  expect(metrics.deny[0]?.test('x'.repeat(100_000))).toBe(false);
});
