import type { Section } from '../board/layout.ts';
import { TUNNEL_OF_ROW, tunnelLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { table } from '../panels/table.ts';
import { SUPPORTED_SECONDS, releaseAge, versionsBehind } from '../problems.ts';
import { CONNECTOR, TUNNEL, maxBy, ofTunnels } from '../promql.ts';

export function connectorsNow(): Section {
  const version = maxBy(`${CONNECTOR}, version, arch`, ofTunnels('cloudflare_tunnel_connector_info'));
  return {
    title: 'Connectors',
    shelves: [
      {
        height: 8,
        panels: [
          [
            24,
            table({
              title: 'Connectors one by one',
              description:
                'Running processes, those with the fewest connections first. Fewer than four connections of cloudflared: its log ' +
                'tells why. Versions behind: it has not taken the configuration; restart it. A short uptime on all: a rollout or a crash loop.',
              columns: [
                {
                  name: 'Connections',
                  expr: maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_active_connections')),
                  steps: [
                    [0, COLOURS.bad],
                    [1, COLOURS.text],
                  ],
                  width: 120,
                },
                { name: 'Connector', label: 'connector_id' },
                { name: 'Version', label: 'version', width: 110 },
                {
                  name: 'Released before',
                  expr: releaseAge(),
                  unit: 's',
                  decimals: 1,
                  steps: [[SUPPORTED_SECONDS, COLOURS.warning]],
                  width: 140,
                },
                { name: 'Architecture', label: 'arch', width: 130 },
                {
                  name: 'Uptime',
                  expr: `time() - ${maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_started_timestamp_seconds'))}`,
                  unit: 's',
                  decimals: 1,
                  width: 120,
                },
                {
                  name: 'Configuration',
                  expr: maxBy(CONNECTOR, ofTunnels('cloudflare_tunnel_connector_config_version')),
                  width: 120,
                },
                {
                  name: 'Versions behind',
                  expr: versionsBehind(),
                  steps: [[1, COLOURS.warning]],
                  width: 140,
                },
                { name: 'Tunnel', label: 'tunnel_name' },
              ],
              infos: [version],
              sortBy: { column: 'Connections', desc: false },
            }),
          ],
        ],
      },
      {
        height: 6,
        panels: [
          [
            24,
            table({
              title: 'The tunnel',
              description:
                'What it is, and its id: cloudflared tunnel info <id> asks Cloudflare itself. Configured locally, it has no ' +
                'remote configuration.',
              columns: [
                { name: 'Tunnel', label: 'tunnel_name', link: tunnelLink(TUNNEL_OF_ROW, 'warpHa') },
                { name: 'Id', label: 'tunnel_id', width: 310 },
                { name: 'Type', label: 'tunnel_type', width: 130 },
                { name: 'Configured', label: 'config_src', width: 110 },
                {
                  name: 'Created before',
                  expr: age('cloudflare_tunnel_created_timestamp_seconds'),
                  unit: 's',
                  decimals: 1,
                  width: 130,
                },
                {
                  name: 'Connected for',
                  expr: age('cloudflare_tunnel_active_since_timestamp_seconds'),
                  unit: 's',
                  decimals: 1,
                  width: 130,
                },
                {
                  name: 'Without connections for',
                  expr: age('cloudflare_tunnel_inactive_since_timestamp_seconds'),
                  unit: 's',
                  decimals: 1,
                  width: 180,
                },
                {
                  name: 'Configuration',
                  expr: maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_config_version')),
                  width: 120,
                },
                {
                  name: 'Ingress rules',
                  expr: maxBy(TUNNEL, ofTunnels('cloudflare_tunnel_ingress_rules')),
                  width: 120,
                },
                { name: 'Account', label: 'account_id', width: 290 },
              ],
              infos: [maxBy(`${TUNNEL}, tunnel_type, config_src`, ofTunnels('cloudflare_tunnel_info'))],
              sortBy: { column: 'Tunnel', desc: false },
            }),
          ],
        ],
      },
    ],
  };
}

function age(metric: string): string {
  return `time() - ${maxBy(TUNNEL, ofTunnels(metric))}`;
}
