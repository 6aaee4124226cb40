import { expect, test } from 'vitest';
import { ALL_SETTINGS } from '../../src/config/settings.ts';
import { usage } from '../../src/config/command-line.ts';

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
