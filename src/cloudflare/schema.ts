import * as v from 'valibot';
import {
  HA_MODES,
  HA_STATUSES,
  TUNNEL_STATUSES,
  TUNNEL_TYPES,
  type Account,
  type Configuration,
  type Connection,
  type Connector,
  type HaMode,
  type IngressRule,
  type KnownTunnelType,
  type ListEntry,
  type Route,
  type RouteKind,
} from '../core/model.ts';
import type { ApiError } from './errors.ts';
import { createInterner } from './intern.ts';

/**
 * Unknown JSON to domain types; the only place that knows the names on the wire. Structure is strict: a wrong shape is
 * a problem with its path, for "no connections" read out of nonsense would be a lie. Descriptions are lenient: any may
 * be null, missing or of a wrong type, and is then absent.
 */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** Path and expectation, without any of the content. */
  | { readonly ok: false; readonly problem: string };

const anything = v.optional(v.unknown());

const isRecord = (input: unknown): input is object =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

/** A JSON object (valibot's own also takes arrays) whose values are all descriptions. Copies nothing: lists are long. */
const described = <Key extends string>(..._keys: readonly Key[]): v.GenericSchema<Described<Key>> =>
  v.custom<Described<Key>>(isRecord);
type Described<Key extends string> = Readonly<Partial<Record<Key, unknown>>>;

/** A JSON object with structure below it. */
const structured = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(v.unknown(), v.check(isRecord), v.object(entries));

function parse<S extends v.GenericSchema>(schema: S, input: unknown, root: string): Parsed<v.InferOutput<S>> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return { ok: true, value: result.output };
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const where = (path === null ? root : `${root}.${path}`).replaceAll(/\.(\d+)/g, '[$1]');
  return { ok: false, problem: `${where} is ${kindOf(issue.input)}, expected ${wantedBy(issue)}` };
}

/** There are three demands: arrays, objects (our own checks), and strings that identify. */
function wantedBy(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'array') return 'an array';
  return issue.type === 'custom' || issue.type === 'check' ? 'an object' : 'a string';
}

/** What a value is, without telling it. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'empty';
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}

// --- The envelope of every answer

export interface PageInfo {
  readonly page: number | undefined;
  readonly perPage: number | undefined;
  readonly totalCount: number | undefined;
}

export interface Envelope {
  /** The API says that the call failed: by `errors`, or by `success: false`. */
  readonly failed: boolean;
  readonly errors: readonly ApiError[];
  readonly result: unknown;
  readonly info: PageInfo | undefined;
}

const envelope = described('success', 'errors', 'result', 'result_info');
const errorItem = described('code', 'message', 'error_chain');
const infoObject = described('page', 'per_page', 'total_count');

export function parseEnvelope(json: unknown): Parsed<Envelope> {
  const parsed = parse(envelope, json, 'the answer');
  if (!parsed.ok) return parsed;
  const { success, errors: rawErrors, result, result_info } = parsed.value;
  const errors = parseErrors(rawErrors);
  const info = v.is(infoObject, result_info) ? result_info : undefined;
  return {
    ok: true,
    value: {
      failed: success === false || errors.length > 0,
      errors,
      result,
      info: info && {
        page: count(info.page),
        perPage: count(info.per_page),
        totalCount: count(info.total_count),
      },
    },
  };
}

/** Cloudflare's own chains have two or three levels. */
const DEEPEST_CHAIN = 10;

function parseErrors(input: unknown, depth = 0): readonly ApiError[] {
  if (!Array.isArray(input) || depth > DEEPEST_CHAIN) return [];
  return input.flatMap((item: unknown) => {
    if (!v.is(errorItem, item)) return [];
    const chain = parseErrors(item.error_chain, depth + 1).flatMap((error) => error.codes);
    const code = count(item.code) ?? count(Number(text(item.code) ?? Number.NaN));
    return [{ codes: code === undefined ? chain : [code, ...chain], message: text(item.message) ?? '' }];
  });
}

// --- Tunnels

export interface ListedItem {
  readonly id: string;
  /** The API lists it as deleted, though it was asked not to. */
  readonly deleted: boolean;
  readonly entry: ListEntry;
}

/** Well-formed before it is compared: two ids that differ only in lone surrogates are one on the page. */
const id = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.transform((value) => value.toWellFormed()),
);
const tunnelItem = structured({
  id,
  name: anything,
  tun_type: anything,
  status: anything,
  config_src: anything,
  remote_config: anything,
  created_at: anything,
  deleted_at: anything,
  conns_active_at: anything,
  conns_inactive_at: anything,
  connections: anything,
});
const tunnelItems = v.array(tunnelItem);

export interface TunnelContext {
  readonly accountId: string;
  /** The type of an item that does not tell its own; undefined where the list holds several. */
  readonly listType: KnownTunnelType | undefined;
}

/** One page of a tunnel list: the `result` of its envelope. */
export function parseTunnels(
  result: unknown,
  { accountId, listType }: TunnelContext,
): Parsed<readonly ListedItem[]> {
  const parsed = parse(tunnelItems, result, 'result');
  if (!parsed.ok) return parsed;
  const value = parsed.value.map((item): ListedItem => ({
    id: item.id,
    deleted: time(item.deleted_at) !== undefined,
    entry: {
      tunnel: {
        id: item.id,
        accountId,
        name: text(item.name) ?? '',
        type:
          oneOf(TUNNEL_TYPES, item.tun_type) ??
          (text(item.tun_type) === undefined ? listType : undefined) ??
          'unknown',
        status: oneOf(TUNNEL_STATUSES, item.status) ?? 'unknown',
        configSource: configSource(item.config_src, item.remote_config),
        createdAt: time(item.created_at),
        activeAt: time(item.conns_active_at),
        inactiveAt: time(item.conns_inactive_at),
      },
      embedded: embeddedConnectors(item.connections),
    },
  }));
  return { ok: true, value };
}

/** `remote_config` is deprecated in favour of `config_src`, which older answers lack. */
function configSource(source: unknown, remote: unknown): string {
  if (typeof source === 'string') return source.toWellFormed();
  if (typeof remote === 'boolean') return remote ? 'cloudflare' : 'local';
  return '';
}

/**
 * The connections that the API embedded in lists until October 2026 (API changelog, 2026-07-09), by connector. Anything
 * but a populated array of objects is no embedding: the tunnel is then observed through its own endpoint.
 */
function embeddedConnectors(input: unknown): readonly Connector[] | undefined {
  if (!Array.isArray(input) || input.length === 0) return undefined;
  const items = parse(connectionItems, input, '');
  if (!items.ok) return undefined;
  const byClient = Map.groupBy(items.value, (item) => text(item.client_id) ?? '');
  return Array.from(byClient, ([clientId, conns]) => ({
    id: clientId,
    version: shared.text(firstText(conns.map((conn) => conn.client_version))),
    arch: undefined,
    features: [],
    startedAt: undefined,
    configVersion: undefined,
    haStatus: undefined,
    connections: distinct(conns.map(toConnection)),
  }));
}

// --- Connections

const connectionItem = described(
  'id',
  'uuid',
  'colo_name',
  'is_pending_reconnect',
  'opened_at',
  'origin_ip',
  'client_id',
  'client_version',
);
type WireConnection = v.InferOutput<typeof connectionItem>;
const connectionItems = v.array(connectionItem);
const connectorItem = structured({
  id: anything,
  version: anything,
  arch: anything,
  features: anything,
  run_at: anything,
  config_version: anything,
  ha_status: anything,
  conns: v.nullish(connectionItems),
});
const connectorItems = v.array(connectorItem);

const shared = createInterner();
const NO_FEATURES: readonly string[] = [];

/** A tunnel's connectors: the `result` of `/connections`. */
export function parseConnectors(result: unknown): Parsed<readonly Connector[]> {
  const parsed = parse(connectorItems, result, 'result');
  if (!parsed.ok) return parsed;
  const connectors = new Map<string, Connector>();
  for (const item of parsed.value) {
    const conns = item.conns ?? [];
    const connector: Connector = {
      id: text(item.id) ?? firstText(conns.map((conn) => conn.client_id)) ?? '',
      version: shared.text(text(item.version) ?? firstText(conns.map((conn) => conn.client_version))),
      arch: shared.text(text(item.arch)),
      features: Array.isArray(item.features)
        ? // The API's order is random; a change of order is no change.
          shared.texts(distinctTexts(item.features).toSorted())
        : NO_FEATURES,
      startedAt: time(item.run_at),
      configVersion: count(item.config_version),
      haStatus:
        oneOf(HA_STATUSES, item.ha_status) ?? (text(item.ha_status) === undefined ? undefined : 'unknown'),
      connections: distinct(conns.map(toConnection)),
    };
    const known = connectors.get(connector.id);
    connectors.set(connector.id, known === undefined ? connector : merge(known, connector));
  }
  return { ok: true, value: [...connectors.values()] };
}

/** One connector: the `result` of `/connectors/{id}`. */
export function parseConnector(result: unknown): Parsed<Connector | undefined> {
  const parsed = parseConnectors([result]);
  return parsed.ok ? { ok: true, value: parsed.value[0] } : parsed;
}

function toConnection(item: WireConnection): Connection {
  return {
    id: text(item.id) ?? text(item.uuid),
    colo: shared.text(text(item.colo_name)?.toLowerCase()),
    pendingReconnect: item.is_pending_reconnect === true,
    openedAt: time(item.opened_at),
    // The connections of a connector come from one address.
    originIp: shared.text(text(item.origin_ip)),
  };
}

/** The same connector listed twice: the first description that says something, and the connections of both. */
const merge = (first: Connector, second: Connector): Connector => ({
  id: first.id,
  version: first.version ?? second.version,
  arch: first.arch ?? second.arch,
  features: first.features.length > 0 ? first.features : second.features,
  startedAt: first.startedAt ?? second.startedAt,
  configVersion: first.configVersion ?? second.configVersion,
  haStatus: first.haStatus ?? second.haStatus,
  connections: distinct([...first.connections, ...second.connections]),
});

/** Each id once; connections without one are all kept. */
function distinct(connections: readonly Connection[]): readonly Connection[] {
  const seen = new Set<string>();
  return connections.filter((connection) => {
    if (connection.id === undefined) return true;
    if (seen.has(connection.id)) return false;
    seen.add(connection.id);
    return true;
  });
}

// --- Configurations

const ingressRule = described('hostname', 'service', 'path');
const cloudflaredConfiguration = structured({
  version: anything,
  config: v.nullish(structured({ ingress: v.nullish(v.array(ingressRule)) })),
});
const warpConfiguration = described('configuration_version', 'ha_mode');

/** The `result` of `/cfd_tunnel/{id}/configurations`. One never set has version 0 and a null `config`: no rules. */
export function parseCloudflaredConfiguration(result: unknown): Parsed<Configuration> {
  const parsed = parse(cloudflaredConfiguration, result, 'result');
  if (!parsed.ok) return parsed;
  const { version, config } = parsed.value;
  const ingress = config === undefined ? undefined : (config?.ingress ?? []).map(toIngressRule);
  return { ok: true, value: { version: count(version), ingress, haMode: undefined } };
}

/** The `result` of `/warp_connector/{id}/configurations`. */
export function parseWarpConfiguration(result: unknown): Parsed<Configuration> {
  const parsed = parse(warpConfiguration, result, 'result');
  if (!parsed.ok) return parsed;
  const { configuration_version, ha_mode } = parsed.value;
  const haMode: HaMode | undefined = oneOf(HA_MODES, ha_mode);
  return { ok: true, value: { version: count(configuration_version), ingress: undefined, haMode } };
}

const toIngressRule = (rule: v.InferOutput<typeof ingressRule>): IngressRule => ({
  hostname: text(rule.hostname) ?? '',
  service: text(rule.service) ?? '',
  path: text(rule.path) ?? '',
});

// --- Routes

export interface RouteItem {
  readonly id: string;
  /** The API lists it as deleted, though it was asked not to. */
  readonly deleted: boolean;
  readonly route: Route;
}

const routeItems = v.array(
  structured({
    id,
    network: anything,
    hostname: anything,
    deleted_at: anything,
    tunnel_id: anything,
    tun_type: anything,
    virtual_network_id: anything,
    virtual_network_name: anything,
  }),
);

/** One page of a list of routes: the `result` of its envelope. */
export function parseRoutes(result: unknown, kind: RouteKind): Parsed<readonly RouteItem[]> {
  const parsed = parse(routeItems, result, 'result');
  if (!parsed.ok) return parsed;
  const value = parsed.value.map((item): RouteItem => ({
    id: item.id,
    deleted: time(item.deleted_at) !== undefined,
    route: {
      id: item.id,
      target: text(kind === 'network' ? item.network : item.hostname) ?? '',
      tunnelId: text(item.tunnel_id) ?? '',
      tunnelType:
        oneOf(TUNNEL_TYPES, item.tun_type) ?? (text(item.tun_type) === undefined ? undefined : 'unknown'),
      virtualNetwork: text(item.virtual_network_name) ?? text(item.virtual_network_id) ?? '',
    },
  }));
  return { ok: true, value };
}

// --- Accounts

const accountItems = v.array(structured({ id, name: anything }));

export function parseAccounts(result: unknown): Parsed<readonly Account[]> {
  const items = parse(accountItems, result, 'result');
  if (!items.ok) return items;
  return {
    ok: true,
    value: items.value.map((item) => ({ id: item.id, name: text(item.name) ?? '' })),
  };
}

// --- Token verification

export interface TokenStatus {
  /** As the API says: active, disabled or expired; 'unknown' where it does not say. */
  readonly status: string;
  readonly expiresAt: number | undefined;
}

const verification = described('status', 'expires_on');

export function parseVerification(result: unknown): Parsed<TokenStatus> {
  const parsed = parse(verification, result, 'result');
  if (!parsed.ok) return parsed;
  const { status, expires_on } = parsed.value;
  return { ok: true, value: { status: text(status) ?? 'unknown', expiresAt: time(expires_on) } };
}

// --- Scalars: what they say, or undefined

/** Empty says nothing. Lone surrogates become U+FFFD here, or two texts that differ only there were one on the page. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined;

const distinctTexts = (values: readonly unknown[]): readonly string[] => [
  ...new Set(values.map(text).filter((value) => value !== undefined)),
];

const firstText = (values: readonly unknown[]): string | undefined =>
  values.map(text).find((value) => value !== undefined);

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const oneOf = <T extends string>(known: readonly T[], value: unknown): T | undefined =>
  known.find((candidate) => candidate === value);

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const ZERO_TIME = Date.parse('0001-01-01T00:00:00Z');

/** Milliseconds; fractions have up to six digits. Go's zero time means never. */
function time(value: unknown): number | undefined {
  if (typeof value !== 'string' || !RFC3339.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms <= ZERO_TIME ? undefined : ms;
}
