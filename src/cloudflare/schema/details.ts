import * as v from 'valibot';
import {
  HA_MODES,
  HA_STATUSES,
  type Configuration,
  type Connection,
  type Connector,
  type IngressRule,
} from '../../core/model.ts';
import {
  anything,
  count,
  createInterner,
  described,
  distinctTexts,
  firstText,
  oneOf,
  oneOfOrUnknown,
  parse,
  structured,
  text,
  time,
  type Parsed,
} from './fields.ts';

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
const connectorItems = v.array(
  structured({
    id: anything,
    version: anything,
    arch: anything,
    features: anything,
    run_at: anything,
    config_version: anything,
    ha_status: anything,
    conns: v.nullish(connectionItems),
  }),
);

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
        ? // The API returns them in random order; another order is no change.
          shared.texts(distinctTexts(item.features).toSorted())
        : NO_FEATURES,
      startedAt: time(item.run_at),
      configVersion: count(item.config_version),
      haStatus: oneOfOrUnknown(HA_STATUSES, item.ha_status),
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

/**
 * The connections that the API embedded in lists until October 2026 (API changelog, 2026-07-09), by
 * connector. Returns undefined unless the value is a non-empty array of objects: the tunnel is then
 * observed through its own endpoint.
 */
export function parseEmbeddedConnectors(input: unknown): readonly Connector[] | undefined {
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

function toConnection(item: WireConnection): Connection {
  return {
    id: text(item.id) ?? text(item.uuid),
    colo: shared.text(text(item.colo_name)?.toLowerCase()),
    pendingReconnect: item.is_pending_reconnect === true,
    openedAt: time(item.opened_at),
    // All connections of a connector usually have the same address.
    originIp: shared.text(text(item.origin_ip)),
  };
}

/**
 * Merges two entries of one connector: the first description that is present, and the connections
 * of both.
 */
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

/** Each id once; all connections without an id. */
function distinct(connections: readonly Connection[]): readonly Connection[] {
  const seen = new Set<string>();
  return connections.filter((connection) => {
    if (connection.id === undefined) return true;
    if (seen.has(connection.id)) return false;
    seen.add(connection.id);
    return true;
  });
}

const ingressRule = described('hostname', 'service', 'path');
const cloudflaredConfiguration = structured({
  version: anything,
  config: v.nullish(structured({ ingress: v.nullish(v.array(ingressRule)) })),
});
const warpConfiguration = described('configuration_version', 'ha_mode');

/**
 * The `result` of `/cfd_tunnel/{id}/configurations`. One that was never set has version 0 and a
 * null `config`: no rules.
 */
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
  const haMode = oneOf(HA_MODES, ha_mode);
  return { ok: true, value: { version: count(configuration_version), ingress: undefined, haMode } };
}

const toIngressRule = (rule: v.InferOutput<typeof ingressRule>): IngressRule => ({
  hostname: text(rule.hostname) ?? '',
  service: text(rule.service) ?? '',
  path: text(rule.path) ?? '',
});
