import type { ExpectedTunnel } from '../core/expected.ts';
import type { Account, KnownTunnelType } from '../core/model.ts';
import type { NamePattern } from '../core/name-pattern.ts';
import type { Shard } from '../core/shard.ts';

/** Where an API token comes from. The value form holds a secret: it is never logged. */
export type TokenSource =
  { readonly kind: 'value'; readonly value: string } | { readonly kind: 'file'; readonly path: string };

export interface AccountConfig extends Account {
  readonly token: TokenSource;
  /** Names whose request budget the token spends, where the user says so; the same for all accounts of the token. */
  readonly budgetGroup?: string | undefined;
}

/** An API token, and whose request budget it spends if the user says so. */
export type TokenConfig = Pick<AccountConfig, 'token' | 'budgetGroup'>;

/** Accounts that nobody names: those that tokens can list. */
export interface DiscoveryConfig {
  /** In order: an account that several of them list is watched with the first. */
  readonly tokens: readonly [TokenConfig, ...TokenConfig[]];
  /** Ids of accounts that are not watched. */
  readonly exclude: readonly string[];
  /** Names that the user gives to accounts, which win over those that the API gives. */
  readonly names: readonly Account[];
}

/** The proxy through which the API is asked. User and password are secrets: never logged. */
export interface ProxyConfig {
  readonly scheme: 'http' | 'https' | 'socks5';
  /** As in a URL: an IPv6 address has brackets. */
  readonly hostname: string;
  readonly port: number;
  /** '' where there is none; decoded, as the password. */
  readonly user: string;
  readonly password: string;
  /** The environment variable that names it. */
  readonly variable: string;
}

export interface SidecarConfig {
  /** Without trailing slash. */
  readonly cloudflaredUrl: string;
  readonly tunnel: { readonly accountId: string; readonly id: string };
  /** What `/edge-ready` asks for. */
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

/** Every setting, validated, in the units that the code uses: milliseconds, counts, compiled expressions. */
export interface Config {
  /** `--config.file` as given; what a reload reads again. */
  readonly configFile: string | undefined;
  /** `--config.check`: validate and exit, start nothing. */
  readonly configCheck: boolean;
  /** The accounts that the user names. */
  readonly accounts: readonly AccountConfig[];
  /** `undefined`: only `accounts` are watched. */
  readonly discovery: DiscoveryConfig | undefined;
  readonly expectedTunnels: readonly ExpectedTunnel[];
  readonly cloudflare: {
    /** Without trailing slash. */
    readonly apiUrl: string;
    /** Requests per five minutes and owner of tokens. */
    readonly requestBudget: number;
    readonly concurrency: number;
    readonly requestTimeoutMs: number;
    /** Certificates in PEM form of authorities to trust beside those that node trusts. */
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
    /** A name must match one of these where there are any. */
    readonly include: readonly NamePattern[];
    readonly exclude: readonly NamePattern[];
    /** Tunnels with a name that matches one of these may be down without an alert. */
    readonly intermittent: readonly NamePattern[];
    /** Only these ids, where there are any. */
    readonly ids: readonly string[];
    readonly configurations: boolean;
    /** Whether private network and host name routes are read. */
    readonly routes: boolean;
  };
  /** The cloudflared beside us and the tunnel that it runs; `undefined` where none is to be asked. */
  readonly sidecar: SidecarConfig | undefined;
  /** Of which `accounts` are the part, and of which discovered accounts are watched. */
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
    /** How many are kept for the status page and the API. */
    readonly history: number;
  };
  readonly web: {
    readonly listenAddresses: readonly ListenAddress[];
    readonly telemetryPath: string;
    readonly maxRequests: number;
    /** `--web.config.file`: TLS, client certificates, passwords. */
    readonly configFile: string | undefined;
    /** `--web.enable-lifecycle`: whether `POST /-/reload` is answered. */
    readonly enableLifecycle: boolean;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
}
