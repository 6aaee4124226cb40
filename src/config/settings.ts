import { TUNNEL_TYPES } from '../core/model.ts';
import type { NamePattern } from '../core/select.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat } from './config.ts';
import { parseDuration } from './duration.ts';
import * as kinds from './kinds.ts';
import { list, one, onOff, optional, type Setting } from './setting.ts';
import { parseToken } from './api-token.ts';
import { parseTunnelToken } from './tunnel-token.ts';

const duration = (min: string, max: string) =>
  kinds.duration({ min: parseDuration(min) ?? 0, max: parseDuration(max) ?? 0 });
const count = (min: number, max: number) => kinds.count({ min, max });

const words = { commas: true, sameBy: (value: string): string => value } as const;
const expressions = { commas: false, sameBy: ({ source }: NamePattern): string => source } as const;

/**
 * Cloudflare's limit per user or account token
 * (developers.cloudflare.com/fundamentals/api/reference/limits).
 */
const REQUESTS_PER_FIVE_MINUTES = 1200;

const requestBudget = kinds.withWarning(count(1, REQUESTS_PER_FIVE_MINUTES), (requests) =>
  requests > 1000
    ? `${requests} of ${REQUESTS_PER_FIVE_MINUTES} requests leave little to dashboard and Terraform, which share the limit`
    : undefined,
);

/**
 * The registry of settings: flags, variables, keys of the file, `--help` and the README's table all
 * come from here. To add a setting, add it here and to `Config`, and assign it in load.ts.
 */
export const SETTINGS = {
  accountIds: list('cloudflare.account-id', kinds.accountId, {
    ...words,
    help: 'Accounts to watch; repeatable, or a comma list.',
    shownDefault: 'every account that the token can list',
    otherVariables: ['CLOUDFLARE_ACCOUNT_ID'],
    isAccess: true,
  }),
  excludedAccountIds: list('cloudflare.exclude-account-id', kinds.accountId, {
    ...words,
    help: 'Accounts not to watch even if the token can list them; repeatable, or a comma list.',
    isAccess: true,
  }),
  apiToken: optional(
    'cloudflare.api-token',
    { placeholder: 'TOKEN', parse: parseToken },
    {
      help: 'API token; neither a flag nor a key of the file.',
      otherVariables: ['CLOUDFLARE_API_TOKEN'],
      allowed: 'environment',
      isAccess: true,
    },
  ),
  apiTokenFile: optional('cloudflare.api-token-file', kinds.path, {
    help: 'File that holds the API token; read again when it changes.',
    otherVariables: ['CLOUDFLARE_API_TOKEN_FILE'],
    isAccess: true,
  }),
  apiUrl: one('cloudflare.api-url', kinds.apiUrl, {
    help: "Base URL of Cloudflare's API; plain http only to loopback.",
    default: 'https://api.cloudflare.com/client/v4',
    otherVariables: ['CLOUDFLARE_API_URL'],
    isAccess: true,
  }),
  caFile: optional('cloudflare.ca-file', kinds.path, {
    help: 'PEM file of certificate authorities to trust for the API and a proxy, in addition to those of Node.js; read again on reload.',
    isAccess: true,
  }),
  requestBudget: one('cloudflare.request-budget', requestBudget, {
    help: 'Requests per five minutes and owner (all user tokens together, each account-owned token), 1 to 1200.',
    default: '600',
  }),
  concurrency: one('cloudflare.concurrency', count(1, 100), {
    help: 'Concurrent requests of each token; all tokens together have at most 128.',
    default: '8',
  }),
  requestTimeout: one('cloudflare.request-timeout', duration('100ms', '5m'), {
    help: 'Timeout of a request, including the body of the response.',
    default: '10s',
  }),
  schedule: one('poll.schedule', kinds.schedule, {
    help: 'When to poll: cron with 5 fields, or 6 with seconds first, in UTC; or a duration such as 30s.',
    default: '*/30 * * * * *',
  }),
  jitter: one('poll.jitter', duration('0s', '1h'), {
    help: 'Maximum offset from the schedule; the offset is fixed for a host name.',
    default: '5s',
  }),
  staleAfter: one('poll.stale-after', duration('1ms', '1y'), {
    help: 'Tunnel series of an account are removed when its list could not be renewed for this long.',
    default: '10m',
  }),
  types: list('tunnels.types', kinds.oneOf(TUNNEL_TYPES), {
    ...words,
    help: `Tunnel types to watch: ${TUNNEL_TYPES.join(', ')}.`,
    default: 'cfd_tunnel,warp_connector',
  }),
  include: list('tunnels.include', kinds.expression, {
    ...expressions,
    help: 'Watch only tunnels whose name contains a match of this regular expression (RE2 syntax); repeatable, commas belong to the expression.',
  }),
  exclude: list('tunnels.exclude', kinds.expression, {
    ...expressions,
    help: 'Do not watch tunnels whose name contains a match of this regular expression; repeatable.',
  }),
  intermittent: list('tunnels.intermittent', kinds.expression, {
    ...expressions,
    help: 'Tunnels that can be down without an alert, such as those of laptops: a regular expression on the name; repeatable.',
  }),
  tunnelIds: list('tunnels.id', kinds.tunnelId, {
    ...words,
    help: 'Watch only tunnels with these ids; repeatable, or a comma list.',
  }),
  configurations: onOff('tunnels.configurations', {
    help: 'Poll tunnel configurations, at a low rate.',
    default: 'true',
  }),
  routes: onOff('tunnels.routes', {
    help: 'Poll private network and host name routes, at a low rate; without the permission, one log line and no routes.',
    default: 'true',
  }),
  cloudflaredUrl: optional('sidecar.cloudflared-url', kinds.localUrl, {
    help: 'Metrics server of the cloudflared that the exporter is a sidecar of, e.g. http://127.0.0.1:20241; its /ready is polled.',
    isAccess: true,
  }),
  tunnelToken: optional(
    'sidecar.tunnel-token',
    { placeholder: 'TOKEN', parse: parseTunnelToken },
    {
      help: "cloudflared's own token, which names the account and the tunnel to watch; its secret is not used.",
      otherVariables: ['TUNNEL_TOKEN'],
      allowed: 'environment',
      isAccess: true,
    },
  ),
  tunnelTokenFile: optional('sidecar.tunnel-token-file', kinds.path, {
    help: "File that holds cloudflared's own token.",
    otherVariables: ['TUNNEL_TOKEN_FILE'],
    isAccess: true,
  }),
  minConnections: one('sidecar.min-connections', count(1, 100), {
    help: 'Connections of this connector that Cloudflare must report for /edge-ready to succeed.',
    default: '1',
  }),
  shardTotal: one('shard.total', count(1, 1000), {
    help: 'Number of exporters that share the accounts; each account is watched by one of them.',
    default: '1',
    isAccess: true,
  }),
  shardIndex: optional('shard.index', count(0, 999), {
    help: 'Index of this exporter among them, counted from 0.',
    shownDefault: 'the number at the end of the host name',
    isAccess: true,
  }),
  originIp: onOff('metrics.origin-ip', {
    help: 'Label connectors with the IP address of their origin.',
    default: 'false',
  }),
  features: onOff('metrics.features', {
    help: 'A series per feature of each connector.',
    default: 'false',
  }),
  hostnames: onOff('metrics.hostnames', {
    help: 'A series per host name that a tunnel serves.',
    default: 'false',
  }),
  routeLabels: onOff('metrics.routes', {
    help: 'A series per private network and host name that leads to a tunnel.',
    default: 'false',
  }),
  allow: list('metrics.allow', kinds.expression, {
    ...expressions,
    help: 'Serve only metrics whose name contains a match of this regular expression; repeatable.',
  }),
  deny: list('metrics.deny', kinds.expression, {
    ...expressions,
    help: 'Do not serve metrics whose name contains a match of this regular expression; repeatable.',
  }),
  eventsHistory: one('events.history', count(0, 100_000), {
    help: 'Number of events kept in memory for the status page and /api/v1/events; 0 keeps none.',
    default: '1000',
  }),
  listenAddresses: list('web.listen-address', kinds.listenAddress, {
    commas: true,
    sameBy: ({ host, port }) => `${host ?? ''} ${port}`,
    repeats: 'refused',
    help: 'Address to listen on: :20240, host:port or [::1]:port; repeatable.',
    default: ':20240',
  }),
  telemetryPath: one('web.telemetry-path', kinds.telemetryPath, {
    help: 'Path of the metrics.',
    default: '/metrics',
  }),
  maxRequests: one('web.max-requests', count(1, 100_000), {
    help: 'Maximum number of concurrent scrapes; further ones get 503.',
    default: '40',
  }),
  webConfigFile: optional('web.config.file', kinds.path, {
    help: "File with TLS, client certificates and basic auth, in exporter-toolkit's format.",
  }),
  enableLifecycle: onOff('web.enable-lifecycle', {
    help: 'Enable POST /-/reload, which reads the configuration again, as SIGHUP does.',
    default: 'false',
  }),
  logLevel: one('log.level', kinds.oneOf(LOG_LEVELS), {
    help: `Minimum level of log lines: ${LOG_LEVELS.join(', ')}.`,
    default: 'info',
  }),
  logFormat: optional('log.format', kinds.oneOf<LogFormat>(LOG_FORMATS, { pretty: 'logfmt' }), {
    help: 'Format of log lines: json or logfmt (also called pretty).',
    shownDefault: 'json; logfmt on a terminal',
  }),
  configFile: optional('config.file', kinds.path, {
    help: 'YAML file with any of these settings, accounts, tokens and expected tunnels.',
    allowed: 'outside-file',
  }),
  configCheck: {
    ...onOff('config.check', { help: 'Validate the configuration and exit.', default: 'false' }),
    allowed: 'outside-file',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export const ALL_SETTINGS: readonly Setting<unknown>[] = Object.values(SETTINGS);
