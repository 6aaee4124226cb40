import type { ExpectedTunnel } from '../core/expected.ts';
import type { Account, KnownTunnelType } from '../core/model.ts';
import type { NamePattern } from '../core/select.ts';
import type { Shard } from '../core/discovery.ts';

/** The source of an API token. A value is a secret. */
export type TokenSource =
  { readonly kind: 'value'; readonly value: string } | { readonly kind: 'file'; readonly path: string };

export interface AccountConfig extends Account {
  readonly token: TokenSource;
  /**
   * The request budget that the token spends, if the user names it. The same for all accounts of a
   * token.
   */
  readonly budgetGroup?: string | undefined;
}

export type TokenConfig = Pick<AccountConfig, 'token' | 'budgetGroup'>;

/** Watches the accounts that tokens can list. */
export interface DiscoveryConfig {
  /** An account that several tokens list is watched with the first of them. */
  readonly tokens: readonly [TokenConfig, ...TokenConfig[]];
  /** Ids of accounts that are not watched. */
  readonly exclude: readonly string[];
  /** The user's names for accounts, used instead of those of the API. */
  readonly names: readonly Account[];
}

/** The proxy for requests to the API. User and password are secrets. */
export interface ProxyConfig {
  readonly scheme: 'http' | 'https' | 'socks5';
  /** As in a URL: an IPv6 address has brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Decoded, like the password; '' if there is none. */
  readonly user: string;
  readonly password: string;
  /** The environment variable that names it. */
  readonly variable: string;
}

export interface SidecarConfig {
  /** Without trailing slash. */
  readonly cloudflaredUrl: string;
  readonly tunnel: { readonly accountId: string; readonly id: string };
  /** `/edge-ready` succeeds if Cloudflare reports at least this many connections. */
  readonly minConnections: number;
}

export interface ListenAddress {
  /** `undefined` listens on every interface. */
  readonly host: string | undefined;
  readonly port: number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['json', 'logfmt'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * All settings, validated, in the units of the code: milliseconds, counts, compiled expressions.
 */
export interface Config {
  /** `--config.file`, which a reload reads again. */
  readonly configFile: string | undefined;
  /** `--config.check`: validate the configuration and exit. */
  readonly configCheck: boolean;
  /** The accounts that the user names. */
  readonly accounts: readonly AccountConfig[];
  /** `undefined` if only `accounts` are watched. */
  readonly discovery: DiscoveryConfig | undefined;
  readonly expectedTunnels: readonly ExpectedTunnel[];
  readonly cloudflare: {
    /** Without trailing slash. */
    readonly apiUrl: string;
    /** Requests per five minutes and owner of tokens. */
    readonly requestBudget: number;
    readonly concurrency: number;
    readonly requestTimeoutMs: number;
    /** Certificates of authorities, in PEM form, to trust in addition to those of node. */
    readonly authorities?: readonly string[];
    readonly proxy?: ProxyConfig | undefined;
  };
  readonly poll: {
    /** Cron expression with seconds, UTC. */
    readonly schedule: string;
    readonly jitterMs: number;
    readonly staleAfterMs: number;
  };
  readonly tunnels: {
    readonly types: readonly KnownTunnelType[];
    /** If there are any, a name must match one of these. */
    readonly include: readonly NamePattern[];
    readonly exclude: readonly NamePattern[];
    /** Tunnels whose name matches one of these can be down without an alert. */
    readonly intermittent: readonly NamePattern[];
    /** If there are any, only these tunnels are watched. */
    readonly ids: readonly string[];
    readonly configurations: boolean;
    /** Whether private network and host name routes are polled. */
    readonly routes: boolean;
  };
  /** The local cloudflared and its tunnel; `undefined` if the exporter is no sidecar. */
  readonly sidecar: SidecarConfig | undefined;
  /**
   * `accounts` are those of this shard. Of the discovered accounts, those of this shard are
   * watched.
   */
  readonly shard: Shard;
  readonly metrics: {
    readonly originIp: boolean;
    readonly features: boolean;
    readonly hostnames: boolean;
    readonly routes: boolean;
    readonly allow: readonly NamePattern[];
    readonly deny: readonly NamePattern[];
  };
  readonly events: {
    /** The number of events kept for the status page and the API. */
    readonly history: number;
  };
  readonly web: {
    readonly listenAddresses: readonly ListenAddress[];
    readonly telemetryPath: string;
    readonly maxRequests: number;
    /** `--web.config.file`: TLS, client certificates, passwords. */
    readonly configFile: string | undefined;
    /** `--web.enable-lifecycle`: whether `POST /-/reload` is enabled. */
    readonly enableLifecycle: boolean;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
}
