import { expect, test } from 'vitest';
import { ALL_SETTINGS } from '../../src/config/settings.ts';
import { usage } from '../../src/config/command-line.ts';
import { ACCESS, ACCOUNT, load, loaded, problemsOf, TOKEN } from './support.ts';

const lines = usage().split('\n');

test.each(ALL_SETTINGS)('--help describes $flag in one line', (setting) => {
  const [variable = ''] = setting.variables;
  const telling = lines.filter((line) => line.includes(`[${variable}]`) || line.includes(`[${variable},`));
  expect(telling).toHaveLength(1);
  expect(telling[0]).toContain(setting.help);
  expect(telling[0]).toContain(setting.shownDefault);
  const shown = setting.allowed === 'environment' ? 'environment only' : setting.flag;
  expect(telling[0]).toContain(shown);
});

test('each flag and each variable belongs to one setting', () => {
  const flags = ALL_SETTINGS.map(({ flag }) => flag);
  const variables = ALL_SETTINGS.flatMap((setting) => setting.variables);
  expect(new Set(flags).size).toBe(flags.length);
  expect(new Set(variables).size).toBe(variables.length);
});

test('no flag was renamed or removed', () => {
  expect(ALL_SETTINGS.map(({ flag }) => flag).toSorted()).toEqual([
    'cloudflare.account-id',
    'cloudflare.api-token',
    'cloudflare.api-token-file',
    'cloudflare.api-url',
    'cloudflare.ca-file',
    'cloudflare.concurrency',
    'cloudflare.exclude-account-id',
    'cloudflare.request-budget',
    'cloudflare.request-timeout',
    'config.check',
    'config.file',
    'events.history',
    'log.format',
    'log.level',
    'metrics.allow',
    'metrics.deny',
    'metrics.features',
    'metrics.hostnames',
    'metrics.origin-ip',
    'metrics.routes',
    'poll.jitter',
    'poll.schedule',
    'poll.stale-after',
    'shard.index',
    'shard.total',
    'sidecar.cloudflared-url',
    'sidecar.min-connections',
    'sidecar.tunnel-token',
    'sidecar.tunnel-token-file',
    'tunnels.configurations',
    'tunnels.exclude',
    'tunnels.id',
    'tunnels.include',
    'tunnels.intermittent',
    'tunnels.routes',
    'tunnels.types',
    'web.config.file',
    'web.enable-lifecycle',
    'web.listen-address',
    'web.max-requests',
    'web.telemetry-path',
  ]);
});

test.each([
  [[], 'run'],
  [['run'], 'run'],
  [['once'], 'once'],
  [['--log.level=debug', 'check'], 'check'],
  [['--config.check', 'check'], 'check'],
] as const)('%j runs the command %s', (argv, command) => {
  expect(loaded({ argv, env: ACCESS }).command).toBe(command);
});

test.each([[['--help']], [['-h']], [['once', '--nonsense', '--help']]])('%j prints the help', (argv) => {
  expect(load({ argv }).kind).toBe('help');
});

test('--version prints the version', () => {
  expect(load({ argv: ['--version', '--nonsense'] })).toEqual({ kind: 'version' });
});

test.each([
  [
    ['onec'],
    '"onec" (argument): unknown command; use one of run, once, check, healthcheck, demo; did you mean once?',
  ],
  [['--poll.jitter'], '--poll.jitter (flag): needs a value'],
  [['--poll.jitter', '--log.level', 'info'], '--poll.jitter (flag): needs a value'],
  [['--poll.jitter='], '--poll.jitter (flag): is empty; give a value or leave it out'],
  [['--tunnels.types=,'], '--tunnels.types (flag): is empty; give a value or leave it out'],
  [['--poll.jitter=1s', '--poll.jitter=2s'], '--poll.jitter (flag): given twice'],
  [['--metrics.features', 'false'], '--metrics.features (flag): write --metrics.features=false'],
  [['--metrics.features=yes'], '--metrics.features (flag): "yes" is not true or false'],
  [['--no-metrics.features=true'], '--no-metrics.features (flag): takes no value'],
  [['--no-poll.jitter'], '--no-poll.jitter (flag): unknown flag; did you mean --poll.jitter?'],
  [['-v'], '-v (flag): unknown flag'],
  [['--stale-after=5m'], '--stale-after (flag): unknown flag; did you mean --poll.stale-after?'],
  [['--web.config.file=no/web.yaml'], '--web.config.file (flag): cannot read "no/web.yaml": no such file'],
  [['--config.file=no/such.yaml'], '--config.file (flag): cannot read "no/such.yaml": no such file'],
  [['--config.file=test'], '--config.file (flag): cannot read "test": it is a directory'],
])('%j is refused: %s', (argv, problem) => {
  expect(problemsOf({ argv, env: ACCESS })).toEqual([problem]);
});

test.each([
  [['--cloudflare.api-token', TOKEN]],
  [[`--cloudflare.api-token=${TOKEN}`]],
  [['demo', '--cloudflare.api-token', TOKEN]],
  [['healthcheck', '--cloudflare.api-token', TOKEN]],
])('a token in the arguments is refused and not shown: %j', (argv) => {
  const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN: 'another-token' };
  expect(problemsOf({ argv, env })).toEqual([
    '--cloudflare.api-token (flag): never give the token as an argument, where every process can read it; use CLOUDFLARE_API_TOKEN or --cloudflare.api-token-file',
  ]);
});
