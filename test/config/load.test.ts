import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ACCESS,
  ACCOUNT,
  configOf,
  load,
  loaded,
  pattern,
  problemsOf,
  TOKEN,
  tunnelToken,
} from './support.ts';

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

test('the default log format is logfmt on a terminal and JSON elsewhere', () => {
  expect(configOf({ isTerminal: true }).log.format).toBe('logfmt');
  expect(configOf({ isTerminal: false }).log.format).toBe('json');
  expect(configOf({ isTerminal: true, argv: ['--log.format=json'] }).log.format).toBe('json');
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

test('if the file cannot be read, settings that it can hold are not reported as missing', () => {
  expect(problemsOf({ argv: ['--config.file=no/such.yaml'] })).toHaveLength(1);
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
