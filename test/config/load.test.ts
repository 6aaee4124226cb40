import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import {
  ACCESS,
  ACCOUNT,
  configOf,
  load,
  loaded,
  OTHER_ACCOUNT,
  problemsOf,
  TOKEN,
  tunnelToken,
} from './support.ts';

/** An expression is compared by its source. */
const pattern = (source: string): unknown => expect.objectContaining({ source });

test('an account and a token are enough', () => {
  const { command, config, warnings, secrets } = loaded({ env: ACCESS });
  expect(command).toBe('run');
  expect(warnings).toEqual([]);
  expect(secrets).toEqual([TOKEN]);
  expect(config).toEqual({
    configFile: undefined,
    configCheck: false,
    accounts: [{ id: ACCOUNT, name: '', token: { kind: 'value', value: TOKEN } }],
    expectedTunnels: [],
    cloudflare: {
      apiUrl: 'https://api.cloudflare.com/client/v4',
      requestBudget: 600,
      concurrency: 8,
      requestTimeoutMs: 10_000,
      authorities: [],
      proxy: undefined,
    },
    poll: { schedule: '*/30 * * * * *', jitterMs: 5000, staleAfterMs: 600_000 },
    tunnels: {
      types: ['cfd_tunnel', 'warp_connector'],
      include: [],
      exclude: [],
      intermittent: [],
      ids: [],
      configurations: true,
      routes: true,
    },
    metrics: { originIp: false, features: false, hostnames: false, routes: false, allow: [], deny: [] },
    events: { history: 1000 },
    web: {
      listenAddresses: [{ host: undefined, port: 20240 }],
      telemetryPath: '/metrics',
      maxRequests: 40,
      configFile: undefined,
      enableLifecycle: false,
    },
    sidecar: undefined,
    shard: { total: 1, index: 0 },
    log: { level: 'info', format: 'json' },
  });
});

test('flags set every part of the configuration', () => {
  const config = configOf({
    argv: [
      '--cloudflare.api-url=http://127.0.0.1:8787/client/v4/',
      '--cloudflare.request-budget=1000',
      '--cloudflare.concurrency',
      '2',
      '--cloudflare.request-timeout=1500ms',
      '--poll.schedule=0 * * * * *',
      '--poll.jitter=0',
      '--poll.stale-after=1h30m',
      '--tunnels.types=gre, cni',
      '--tunnels.types=gre',
      '--tunnels.include=^a{1,2}$',
      '--tunnels.include=b',
      '--tunnels.exclude',
      '-test$',
      '--tunnels.id=c1744f8b-faa1-48a4-9e5c-02ac921467fa',
      '--no-tunnels.configurations',
      '--tunnels.routes=false',
      '--metrics.origin-ip',
      '--metrics.features=true',
      '--metrics.hostnames=1',
      '--metrics.routes',
      '--events.history=0',
      '--metrics.allow=info',
      '--metrics.deny=connector',
      '--web.listen-address=127.0.0.1:0',
      '--web.listen-address=[::1]:9000',
      '--web.telemetry-path=/prom/metrics',
      '--web.max-requests=1',
      '--web.enable-lifecycle',
      '--sidecar.cloudflared-url=http://127.0.0.1:20241/',
      '--sidecar.min-connections=2',
      '--log.level=debug',
      '--log.format=pretty',
      '--config.check',
    ],
  });
  expect(config).toMatchObject({
    configCheck: true,
    cloudflare: {
      apiUrl: 'http://127.0.0.1:8787/client/v4',
      requestBudget: 1000,
      concurrency: 2,
      requestTimeoutMs: 1500,
    },
    poll: { schedule: '0 * * * * *', jitterMs: 0, staleAfterMs: 5_400_000 },
    tunnels: {
      types: ['gre', 'cni'],
      include: [pattern('^a{1,2}$'), pattern('b')],
      exclude: [pattern('-test$')],
      ids: ['c1744f8b-faa1-48a4-9e5c-02ac921467fa'],
      configurations: false,
      routes: false,
    },
    events: { history: 0 },
    metrics: {
      originIp: true,
      features: true,
      hostnames: true,
      routes: true,
      allow: [pattern('info')],
      deny: [pattern('connector')],
    },
    web: {
      listenAddresses: [
        { host: '127.0.0.1', port: 0 },
        { host: '::1', port: 9000 },
      ],
      telemetryPath: '/prom/metrics',
      maxRequests: 1,
    },
    log: { level: 'debug', format: 'logfmt' },
  });
});

test('every flag has a variable, and an empty variable counts as unset', () => {
  const config = configOf({
    env: {
      TUNNEL_EXPORTER_POLL_STALE_AFTER: '7m\n',
      TUNNEL_EXPORTER_TUNNELS_CONFIGURATIONS: '0',
      TUNNEL_EXPORTER_METRICS_ORIGIN_IP: 'true',
      TUNNEL_EXPORTER_TUNNELS_INCLUDE: 'a{1,2}',
      TUNNEL_EXPORTER_WEB_LISTEN_ADDRESS: 'localhost:80,:81',
      TUNNEL_EXPORTER_LOG_LEVEL: '',
      TUNNEL_EXPORTER_NOT_EVEN_KNOWN: ' ',
    },
  });
  expect(config.poll.staleAfterMs).toBe(420_000);
  expect(config.tunnels.configurations).toBe(false);
  expect(config.metrics.originIp).toBe(true);
  expect(config.tunnels.include).toEqual([pattern('a{1,2}')]);
  expect(config.web.listenAddresses).toEqual([
    { host: 'localhost', port: 80 },
    { host: undefined, port: 81 },
  ]);
  expect(config.log.level).toBe('info');
});

test('a flag wins over a variable, a variable over the file, the file over the default', () => {
  const files = { 'c.yaml': 'poll: {stale-after: 1m, jitter: 1s}\nlog: {level: warn, format: logfmt}\n' };
  const config = configOf({
    argv: ['--config.file=c.yaml', '--poll.stale-after=3m'],
    env: { TUNNEL_EXPORTER_POLL_STALE_AFTER: '2m', TUNNEL_EXPORTER_POLL_JITTER: '2s' },
    files,
  });
  expect(config.configFile).toBe('c.yaml');
  expect(config.poll).toMatchObject({ staleAfterMs: 180_000, jitterMs: 2000 });
  expect(config.log).toEqual({ level: 'warn', format: 'logfmt' });
});

test('a wrong value is reported even if another source wins', () => {
  const env = { ...ACCESS, TUNNEL_EXPORTER_POLL_JITTER: 'soon' };
  expect(problemsOf({ argv: ['--poll.jitter=1s'], env })).toEqual([
    'TUNNEL_EXPORTER_POLL_JITTER (environment): "soon" is not a duration; use e.g. 30s, 5m or 1h30m',
  ]);
});

test('TUNNEL_EXPORTER_CLOUDFLARE_ACCOUNT_ID wins over CLOUDFLARE_ACCOUNT_ID', () => {
  const env = { ...ACCESS, TUNNEL_EXPORTER_CLOUDFLARE_ACCOUNT_ID: OTHER_ACCOUNT };
  expect(loaded({ env }).config.accounts.map(({ id }) => id)).toEqual([OTHER_ACCOUNT]);
});

test('keys of the file can have _ or -, be nested or dotted, use anchors, and have empty sections', () => {
  const files = {
    'c.yaml': [
      '---',
      'cloudflare:',
      '  request_budget: "300"',
      '  account-id:',
      '    - 023e105f4ecef8ad9ca31a8372d0c353',
      '    - 01234567890123456789012345678901 # digits alone are still an id',
      'poll.stale-after: &age 10m',
      'poll: {jitter: 5s}',
      'tunnels: {types: cfd_tunnel, include: [], exclude: [^test-, "a,b"]}',
      'metrics:',
      'web: {listen_address: ["[::]:1", ":2"]}',
    ].join('\n'),
  };
  const { config, warnings } = loaded({
    argv: ['--config.file', 'c.yaml'],
    env: { CLOUDFLARE_API_TOKEN: TOKEN },
    files,
  });
  expect(warnings).toEqual([]);
  expect(config.accounts.map(({ id }) => id)).toEqual([ACCOUNT, '01234567890123456789012345678901']);
  expect(config.cloudflare.requestBudget).toBe(300);
  expect(config.poll).toMatchObject({ staleAfterMs: 600_000, jitterMs: 5000 });
  expect(config.tunnels.exclude).toEqual([pattern('^test-'), pattern('a,b')]);
  expect(config.web.listenAddresses).toEqual([
    { host: '::', port: 1 },
    { host: undefined, port: 2 },
  ]);
});

test.each(['', '\n', '# only a comment\n', '---\n', '{}', 'poll:\n', 'accounts:\nexpected_tunnels: []\n'])(
  'a file without settings changes nothing: %j',
  (text) => {
    const config = configOf({ argv: ['--config.file=c.yaml'], files: { 'c.yaml': text } });
    expect({ ...config, configFile: undefined }).toEqual(configOf({}));
  },
);

test('accounts of the file have names and tokens of their own, or use the default token', () => {
  const files = {
    'c.yaml': [
      'cloudflare:',
      `  account-id: ${OTHER_ACCOUNT}`,
      'accounts:',
      `  - {id: ${ACCOUNT}, name: production, api_token_file: one}`,
      '  - {id: ffffffffffffffffffffffffffffffff, name: staging}',
      'expected_tunnels:',
      `  - {account_id: ${ACCOUNT}, name: web, min_connectors: 2}`,
      '  - {id: c1744f8b-faa1-48a4-9e5c-02ac921467fa}',
    ].join('\n'),
    one: 'token-of-production\n',
    shared: 'token-of-all\n',
  };
  const env = { CLOUDFLARE_API_TOKEN_FILE: 'shared' };
  const { config, secrets } = loaded({ argv: ['--config.file=c.yaml'], env, files });
  expect(config.accounts).toEqual([
    { id: ACCOUNT, name: 'production', token: { kind: 'file', path: 'one' } },
    { id: 'f'.repeat(32), name: 'staging', token: { kind: 'file', path: 'shared' } },
    { id: OTHER_ACCOUNT, name: '', token: { kind: 'file', path: 'shared' } },
  ]);
  expect(config.expectedTunnels).toEqual([
    { accountId: ACCOUNT, tunnel: 'web', minConnectors: 2 },
    { accountId: undefined, tunnel: 'c1744f8b-faa1-48a4-9e5c-02ac921467fa', minConnectors: undefined },
  ]);
  expect([...secrets].toSorted()).toEqual(['token-of-all', 'token-of-production']);
});

test('accounts with the same token have the same budget group', () => {
  const files = {
    'c.yaml': [
      'accounts:',
      `  - {id: ${ACCOUNT}, api_token_file: one, budget_group: alice}`,
      `  - {id: ${OTHER_ACCOUNT}, api_token_file: one}`,
      '  - {id: ffffffffffffffffffffffffffffffff}',
    ].join('\n'),
    one: 'token-of-alice',
  };
  const { config } = loaded({ argv: ['--config.file=c.yaml'], env: { CLOUDFLARE_API_TOKEN: TOKEN }, files });
  expect(config.accounts.map(({ budgetGroup }) => budgetGroup)).toEqual(['alice', 'alice', undefined]);
});

test('accounts that all have their own tokens need no default token', () => {
  const files = { 'c.yaml': `accounts: [{id: ${ACCOUNT}, api_token_file: one}]`, one: TOKEN };
  expect(loaded({ argv: ['--config.file=c.yaml'], files }).config.accounts).toHaveLength(1);
});

test('accounts named by a flag or variable are the only ones, with the names and tokens of the file', () => {
  const files = {
    'c.yaml': [
      'accounts:',
      `  - {id: ${ACCOUNT}, name: production}`,
      `  - {id: ${OTHER_ACCOUNT}, name: staging}`,
      'expected_tunnels:',
      `  - {account_id: ${OTHER_ACCOUNT}, name: web}`,
    ].join('\n'),
  };
  const { config, warnings } = loaded({ argv: ['--config.file=c.yaml'], env: ACCESS, files });
  expect(config.accounts).toMatchObject([{ id: ACCOUNT, name: 'production' }]);
  expect(config.expectedTunnels).toEqual([]);
  expect(warnings).toEqual([
    `accounts[1] (c.yaml:3): account "${OTHER_ACCOUNT}" is not watched, because CLOUDFLARE_ACCOUNT_ID (environment) names the accounts`,
  ]);
});

test('account ids from repeated flags and comma lists are watched once each', () => {
  const argv = [
    '--cloudflare.account-id',
    `${ACCOUNT},${OTHER_ACCOUNT},`,
    `--cloudflare.account-id=${ACCOUNT}`,
  ];
  expect(configOf({ argv }).accounts.map(({ id }) => id)).toEqual([ACCOUNT, OTHER_ACCOUNT]);
});

test('an unusual account id and a large budget are accepted with a warning', () => {
  const argv = ['--cloudflare.account-id=my-account', '--cloudflare.request-budget=1100'];
  expect(loaded({ argv, env: ACCESS }).warnings).toEqual([
    '--cloudflare.account-id (flag): "my-account" does not look like a Cloudflare account id (32 hex digits)',
    '--cloudflare.request-budget (flag): 1100 of 1200 requests leave little to dashboard and Terraform, which share the limit',
  ]);
});

const NEITHER = (given: string): string =>
  `"${given}" is neither a cron expression of 5 or 6 fields nor a duration; use e.g. */30 * * * * * or 30s`;

test('a pause between polls that makes series stale is a warning', () => {
  expect(loaded({ argv: ['--poll.schedule=0 */5 8-18 * * *'], env: ACCESS }).warnings).toEqual([
    'poll.stale-after (default): 10m is not longer than the 13h5m between two polls of 0 */5 8-18 * * *, so series will come and go',
  ]);
});

test.each(['*/10 * * * *', '15m', '36h'])(
  'the schedule %s is regular, and lists are kept for three intervals: no warning',
  (schedule) => {
    expect(loaded({ argv: [`--poll.schedule=${schedule}`], env: ACCESS }).warnings).toEqual([]);
  },
);

test('in sidecar mode, observations are kept for poll.stale-after only', () => {
  const env = { CLOUDFLARE_API_TOKEN: TOKEN, TUNNEL_TOKEN: tunnelToken() };
  const argv = ['--poll.schedule=15m', '--sidecar.cloudflared-url=http://127.0.0.1:20241'];
  expect(loaded({ argv, env }).warnings).toEqual([
    'poll.stale-after (default): 10m is not longer than the 15m between two polls of 15m, so series will come and go',
  ]);
});

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

test('variables of Kubernetes and of other programs are ignored', () => {
  const env = {
    ...ACCESS,
    CLOUDFLARE_EMAIL: 'a@b.example',
    CLOUDFLARE_ZONE_ID: 'x',
    TUNNEL_EXPORTER_PORT: 'tcp://10.0.0.1:20240',
    TUNNEL_EXPORTER_SERVICE_HOST: '10.0.0.1',
    TUNNEL_EXPORTER_SERVICE_PORT: '20240',
    TUNNEL_EXPORTER_SERVICE_PORT_METRICS: '20240',
    TUNNEL_EXPORTER_PORT_20240_TCP: 'tcp://10.0.0.1:20240',
    TUNNEL_EXPORTER_PORT_20240_TCP_ADDR: '10.0.0.1',
  };
  expect(loaded({ env }).warnings).toEqual([]);
  expect(problemsOf({ env: { ...ACCESS, TUNNEL_EXPORTER_PORT: '20240' } })).toEqual([
    'TUNNEL_EXPORTER_PORT (environment): unknown variable',
  ]);
});

test('the default log format is logfmt on a terminal and JSON elsewhere', () => {
  expect(configOf({ isTerminal: true }).log.format).toBe('logfmt');
  expect(configOf({ isTerminal: false }).log.format).toBe('json');
  expect(configOf({ isTerminal: true, argv: ['--log.format=json'] }).log.format).toBe('json');
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

test('all problems are reported at once', () => {
  const files = { 'config.yaml': 'poll:\n  stale-after: 5 m\nwebb: {}\n' };
  const argv = ['--config.file=config.yaml', '--poll.jitter', '5', '--log.levle=x', 'once', 'twice'];
  const env = { TUNNEL_EXPORTER_WEB_MAX_REQUESTS: 'many', TUNNEL_EXPORTER_STALE_AFTER: '5m' };
  expect(problemsOf({ argv, env, files })).toEqual([
    '--log.levle (flag): unknown flag; did you mean --log.level?',
    '"twice" (argument): unexpected, the command is once',
    'TUNNEL_EXPORTER_STALE_AFTER (environment): unknown variable; did you mean TUNNEL_EXPORTER_POLL_STALE_AFTER?',
    'webb (config.yaml:3): unknown key',
    '--poll.jitter (flag): "5" has no unit; use e.g. 30s, 5m or 1h30m',
    'poll.stale-after (config.yaml:2): "5 m" is not a duration; use e.g. 30s, 5m or 1h30m',
    'TUNNEL_EXPORTER_WEB_MAX_REQUESTS (environment): "many" is not a whole number from 1 to 100000',
    'cloudflare.api-token (not set): set CLOUDFLARE_API_TOKEN, or name its file by --cloudflare.api-token-file or CLOUDFLARE_API_TOKEN_FILE',
  ]);
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

test('if the file cannot be read, settings that it can hold are not reported as missing', () => {
  expect(problemsOf({ argv: ['--config.file=no/such.yaml'] })).toHaveLength(1);
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

const QUOTED = 'has quotes around it, which belong to the value here; give the API token alone';
const GLOBAL_KEY =
  'is a global API key, which has all permissions and is not accepted; create an API token with Cloudflare Tunnel Read at dash.cloudflare.com/profile/api-tokens';

test.each([
  [
    'a token with spaces',
    'holds white space, control or non-ASCII characters inside; give the API token alone',
  ],
  ['a\u0000b', 'holds white space, control or non-ASCII characters inside; give the API token alone'],
  ['tökén', 'holds white space, control or non-ASCII characters inside; give the API token alone'],
  ['Bearer abcdefgh', 'begins with "Bearer"; give the API token alone'],
  [`"${TOKEN}"`, QUOTED],
  [`'${TOKEN}'`, QUOTED],
  [`${TOKEN}"`, QUOTED],
  [`\u201C${TOKEN}\u201D`, QUOTED],
  [`CLOUDFLARE_API_TOKEN=${TOKEN}`, 'begins with the name of a variable; give the API token alone'],
  ['\uFFFD\uFFFDa\u0000b\u0000', 'is not text in UTF-8; save it as UTF-8, with the API token alone'],
  ['0123456789abcdef0123456789abcdef01234', GLOBAL_KEY],
  ['0123456789abcdef0123456789abcdef0123456789abc', GLOBAL_KEY],
  [`cfk_${'a1B2'.repeat(10)}0a1b2c3d`, GLOBAL_KEY],
  [
    `cloudflared tunnel run --token ${Buffer.from(JSON.stringify({ a: ACCOUNT, t: 'c1744f8b', s: 'x' })).toString('base64')}`,
    'is a tunnel token, what cloudflared runs with; an API token is needed, from dash.cloudflare.com/profile/api-tokens',
  ],
  [
    Buffer.from(JSON.stringify({ a: ACCOUNT, t: 'c1744f8b', s: 'secret' })).toString('base64'),
    'is a tunnel token, what cloudflared runs with; an API token is needed, from dash.cloudflare.com/profile/api-tokens',
  ],
])('the token %j is refused without being shown', (token, problem) => {
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: token } })).toEqual([
    `CLOUDFLARE_API_TOKEN (environment): ${problem}`,
  ]);
});

test.each([
  `cfut_${'a1B2'.repeat(10)}0a1b2c3d`,
  `cfat_${'a1B2'.repeat(10)}0a1b2c3d`,
  'A23456789abcdef0123456789abcdef0123456789',
  '0123456789abcdef0123456789abcdef',
])('the token %j is accepted', (token) => {
  expect(loaded({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: token } }).secrets).toEqual([token]);
});

test('an e-mail address is not an account id', () => {
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_ACCOUNT_ID: 'me@example.com' } })).toEqual([
    'CLOUDFLARE_ACCOUNT_ID (environment): "me@example.com" is an e-mail address, not an account id; it has 32 hex digits, and follows dash.cloudflare.com/ in the address of the dashboard',
  ]);
});

test('white space around a token is removed', () => {
  const { config, secrets } = loaded({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN: ` ${TOKEN}\n` } });
  expect(config.accounts[0]?.token).toEqual({ kind: 'value', value: TOKEN });
  expect(secrets).toEqual([TOKEN]);
});

test('a token file is kept as a path, to be read again', () => {
  const { config, secrets } = loaded({
    argv: ['--cloudflare.api-token-file=token'],
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT },
    files: { token: `${TOKEN}\n` },
  });
  expect(config.accounts[0]?.token).toEqual({ kind: 'file', path: 'token' });
  expect(secrets).toEqual([TOKEN]);
});

test('a token file that cannot be read for lack of permission is named', () => {
  const result = loadConfig({
    argv: [],
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN_FILE: '/run/token' },
    // Thrown here, since root may read everything.
    readFile: () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    },
    isTerminal: false,
  });
  expect(result).toEqual({
    kind: 'invalid',
    problems: ['CLOUDFLARE_API_TOKEN_FILE (environment): cannot read "/run/token": permission denied'],
  });
});

test('two tokens are a problem that names both sources', () => {
  const files = { 'c.yaml': 'cloudflare: {api-token-file: token}', token: 'x' };
  expect(problemsOf({ env: { ...ACCESS, CLOUDFLARE_API_TOKEN_FILE: 'token' }, files })).toEqual([
    'CLOUDFLARE_API_TOKEN (environment) and CLOUDFLARE_API_TOKEN_FILE (environment): both give a token; keep one',
  ]);
  expect(problemsOf({ argv: ['--config.file=c.yaml'], env: ACCESS, files })).toEqual([
    'CLOUDFLARE_API_TOKEN (environment) and cloudflare.api-token-file (c.yaml:1): both give a token; keep one',
  ]);
});

test('a token in place of a path is not shown', () => {
  const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, CLOUDFLARE_API_TOKEN_FILE: TOKEN };
  expect(problemsOf({ env })).toEqual([
    'CLOUDFLARE_API_TOKEN_FILE (environment): cannot read "[hidden]": no such file',
  ]);
});

test('demo has its own account and API, polls often and never uses the real token', () => {
  const demo = {
    accounts: [{ id: 'demo', name: 'Demo', token: { kind: 'value', value: 'simulated' } }],
    apiUrl: 'http://127.0.0.1:1/client/v4',
  } as const;
  const files = { 'c.yaml': `accounts: [{id: ${ACCOUNT}, api_token_file: no/such/file}]\n` };
  const { config, warnings } = loaded({
    argv: ['demo', '--config.file=c.yaml', '--web.listen-address=:0'],
    env: { ...ACCESS, CLOUDFLARE_API_URL: 'not a url' },
    files,
    demo,
  });
  expect(config.accounts).toEqual(demo.accounts);
  expect(config.cloudflare.apiUrl).toBe(demo.apiUrl);
  expect(config.poll.schedule).toBe('*/5 * * * * *');
  expect(config.web.listenAddresses).toEqual([{ host: undefined, port: 0 }]);
  expect(JSON.stringify(config)).not.toContain(TOKEN);
  expect(warnings).toEqual([
    'CLOUDFLARE_ACCOUNT_ID (environment): ignored, demo brings its own account and API',
    'CLOUDFLARE_API_TOKEN (environment): ignored, demo brings its own account and API',
    'CLOUDFLARE_API_URL (environment): ignored, demo brings its own account and API',
  ]);
  expect(loaded({ argv: ['demo', '--poll.schedule=* * * * *'], demo }).config.poll.schedule).toBe(
    '* * * * *',
  );
});

test('healthcheck needs only a valid listen address', () => {
  const env = { TUNNEL_EXPORTER_WEB_LISTEN_ADDRESS: ':9000', TUNNEL_EXPORTER_POLL_JITTER: 'bad' };
  const { config, warnings } = loaded({ argv: ['healthcheck', '--config.file=no/such.yaml'], env });
  expect(config.web.listenAddresses).toEqual([{ host: undefined, port: 9000 }]);
  expect(warnings).toHaveLength(2);
  expect(problemsOf({ argv: ['healthcheck', '--web.listen-address=9000'] })).toEqual([
    '--web.listen-address (flag): "9000" is not a listen address; use :20240, host:port or [::1]:port',
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

test('no input makes loadConfig throw or breaks a problem line', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '--poll.jitter',
      '--',
      '-',
      '--config.file=c.yaml',
      '--no-',
      '--=x',
      'check',
      '--metrics.features',
    ),
  );
  const yaml = fc.oneof(
    fc.string({
      unit: fc.constantFrom('a', ':', ' ', '\n', '-', '[', ']', '{', '}', '&', '*', '!', '"', "'", '#', '|'),
    }),
    fc.json(),
    fc.constantFrom(
      'poll: &p {jitter: *p}',
      '&a [*a]',
      '? [a]\n: b',
      '? \n: b',
      'accounts: [~]',
      '<<: {a: b}',
    ),
  );
  fc.assert(
    fc.property(fc.array(word), yaml, fc.string(), (argv, text, value) => {
      const env = { ...ACCESS, TUNNEL_EXPORTER_LOG_LEVEL: value, TUNNEL_EXPORTER_TUNNELS_INCLUDE: value };
      const files = { 'c.yaml': text };
      const result = load({ argv: ['--config.file=c.yaml', ...argv], env, files });
      const lines = result.kind === 'invalid' ? result.problems : [];
      for (const line of lines) {
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(line).not.toContain(TOKEN);
      }
    }),
    { numRuns: 300 },
  );
});

test('a token pasted in the wrong place is not shown', () => {
  const places = [
    { argv: [TOKEN] },
    { argv: ['--cloudflare.api-tokn', TOKEN] },
    { argv: [`--token=${TOKEN}`] },
    { argv: ['run', TOKEN] },
    { argv: [`--log.level=${TOKEN}`] },
    { argv: [`--cloudflare.account-id=../${TOKEN}`] },
    { argv: [`--cloudflare.api-url=https://x:${TOKEN}@api.example.com`] },
    { argv: [`--cloudflare.api-url=https://api.example.com/?token=${TOKEN}`] },
    { argv: ['--poll.jitter', '--cloudflare.api-token', TOKEN] },
    { env: { TUNNEL_EXPORTER_TOKEN: TOKEN } },
    { env: { TUNNEL_EXPORTER_LOG_LEVEL: TOKEN } },
    { argv: ['--config.file=c.yaml'], files: { 'c.yaml': `api_token: ${TOKEN}` } },
    { argv: ['--config.file=c.yaml'], files: { 'c.yaml': `cloudflare: ${TOKEN}` } },
    { argv: ['--config.file=c.yaml'], files: { 'c.yaml': TOKEN } },
    { argv: ['--config.file=c.yaml'], files: { 'c.yaml': `cloudflare: {api_token:${TOKEN}}` } },
  ];
  for (const place of places) {
    const problems = problemsOf({ ...place, env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT, ...place.env } });
    expect(problems.join('\n')).not.toContain(TOKEN);
    expect(problems[0]).not.toContain('no problems');
  }
});

test('a regular expression takes linear time, whatever the name', () => {
  const argv = ['--tunnels.include=^(t|tunnel-|\\w+)+$', '--metrics.deny=(x+x+)+y'];
  const { tunnels, metrics } = configOf({ argv });
  expect(tunnels.include[0]?.test(`${'a'.repeat(100_000)}!`)).toBe(false);
  expect(tunnels.include[0]?.test('tunnel-t')).toBe(true);
  expect(metrics.deny[0]?.test('x'.repeat(100_000))).toBe(false);
});
