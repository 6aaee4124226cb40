import { expect, test } from 'vitest';
import { ACCESS, configOf, loaded, OTHER_ACCOUNT, pattern, problemsOf } from './support.ts';

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

test('TUNNEL_EXPORTER_CLOUDFLARE_ACCOUNT_ID wins over CLOUDFLARE_ACCOUNT_ID', () => {
  const env = { ...ACCESS, TUNNEL_EXPORTER_CLOUDFLARE_ACCOUNT_ID: OTHER_ACCOUNT };
  expect(loaded({ env }).config.accounts.map(({ id }) => id)).toEqual([OTHER_ACCOUNT]);
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
