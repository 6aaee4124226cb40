import type { Connection, Connector, TunnelStatus, TunnelType } from './model.ts';

/** The connections that carry traffic: those that Cloudflare does not merely keep in mind. */
export function servingConnections(connector: Connector): readonly Connection[] {
  return connector.connections.filter((connection) => !connection.pendingReconnect);
}

/** The connectors with at least one serving connection. */
export function servingConnectors(connectors: readonly Connector[]): readonly Connector[] {
  return connectors.filter((connector) =>
    connector.connections.some(({ pendingReconnect }) => !pendingReconnect),
  );
}

/** Whether the list already tells that a tunnel has no connection, so that asking for them would tell nothing. */
export function hasNoConnections(status: TunnelStatus): boolean {
  return status === 'down' || status === 'inactive';
}

/** Whether the API has a connections endpoint for tunnels of this type. */
export function hasConnectionsEndpoint(type: TunnelType): boolean {
  return type === 'cfd_tunnel' || type === 'warp_connector';
}
