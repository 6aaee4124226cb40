import type { Section } from '../board/layout.ts';
import { cloudflareLink, TUNNEL_OF_ROW, tunnelLink } from '../board/links.ts';
import { COLOURS } from '../colours.ts';
import { ACCOUNT_COLUMN, AGE, HIDDEN, LONG_AGE } from '../columns.ts';
import { table } from '../panels/table.ts';
import { releaseAgeEach, SUPPORTED_SECONDS, versionsBehindEach } from '../problems.ts';
import { byNewestList, byNewestObservation, CONNECTOR, highest, TUNNEL } from '../promql/fold.ts';
import { named } from '../promql/names.ts';
import { age, firstOf } from '../promql/promql.ts';
import { each, ofTunnels, type PerExporter, sumEach } from '../promql/select.ts';

export function connectorsNow(): Section {
  return {
    title: 'Connectors',
    shelves: [
      { height: 8, panels: [[24, oneByOne()]] },
      { height: 5, panels: [[24, theTunnel()]] },
      {
        height: 7,
        panels: [
          [14, whatIsBehind()],
          [10, lastConnections()],
        ],
      },
    ],
  };
}

function oneByOne(): ReturnType<typeof table> {
  return table({
    title: 'Connectors one by one',
    description:
      'Running processes, those with the fewest connections first. Fewer than four connections of cloudflared: its log ' +
      'says why. Versions behind: it has not taken the configuration; restart it. A short uptime on all: a rollout or a crash loop.',
    noValue: 'No connector is connected',
    columns: [
      {
        name: 'Connections',
        expr: ofConnectors('cloudflare_tunnel_connector_active_connections'),
        levels: [
          [0, COLOURS.bad],
          [1, COLOURS.text],
        ],
        width: 120,
      },
      {
        name: 'Connector',
        label: 'connector_id',
        short: true,
        link: cloudflareLink('Connector ${__value.raw}: show its account at Cloudflare'),
      },
      { name: 'Version', label: 'version', width: 110 },
      {
        name: 'Release age',
        expr: `floor(${byNewestObservation(CONNECTOR, releaseAgeEach())})`,
        ...LONG_AGE,
        levels: [[SUPPORTED_SECONDS, COLOURS.warning]],
        width: 170,
      },
      { name: 'Architecture', label: 'arch', width: 130 },
      {
        name: 'Uptime',
        expr: age(ofConnectors('cloudflare_tunnel_connector_started_timestamp_seconds')),
        ...AGE,
        width: 190,
      },
      {
        name: 'Configuration',
        expr: ofConnectors('cloudflare_tunnel_connector_config_version'),
        width: 120,
      },
      {
        name: 'Versions behind',
        expr: byNewestObservation(CONNECTOR, versionsBehindEach()),
        levels: [[1, COLOURS.warning]],
        width: 140,
      },
    ],
    hidden: HIDDEN,
    infos: [
      byNewestObservation(`${CONNECTOR}, version, arch`, ofTunnels('cloudflare_tunnel_connector_info')),
    ],
    sortBy: [
      { column: 'Connections', desc: false },
      { column: 'Uptime', desc: false },
    ],
  });
}

function theTunnel(): ReturnType<typeof table> {
  return table({
    title: 'The tunnel',
    description:
      'What it is, and its id: cloudflared tunnel info <id> asks Cloudflare itself. Configured locally, it has no ' +
      'remote configuration.',
    noValue: 'It is not listed now: deleted, renamed, or not visible to the API token',
    columns: [
      {
        name: 'Tunnel',
        label: 'tunnel_name',
        link: tunnelLink(TUNNEL_OF_ROW, 'warpHa'),
      },
      {
        name: 'Id',
        label: 'tunnel_id',
        width: 310,
        link: cloudflareLink('Show its account at Cloudflare'),
      },
      { name: 'Type', label: 'tunnel_type', width: 130 },
      { name: 'Configured', label: 'config_src', width: 110 },
      {
        name: 'Created',
        expr: named(age(ofList('cloudflare_tunnel_created_timestamp_seconds'))),
        ...LONG_AGE,
        width: 180,
      },
      {
        name: 'Configuration',
        expr: ofList('cloudflare_tunnel_config_version'),
        width: 120,
      },
      { name: 'Ingress rules', expr: ofList('cloudflare_tunnel_ingress_rules'), width: 120 },
      ACCOUNT_COLUMN,
    ],
    hidden: HIDDEN,
    infos: [byNewestList(`${TUNNEL}, tunnel_type, config_src`, ofTunnels('cloudflare_tunnel_info'))],
    sortBy: [{ column: 'Tunnel', desc: false }],
  });
}

function whatIsBehind(): ReturnType<typeof table> {
  const rules = ofTunnels('cloudflare_tunnel_ingress_info', 'hostname!=""');
  const routes = ofTunnels('cloudflare_tunnel_route_info');
  const kinds = [
    each`1 * ${copied(copied(rules, 'hostname', 'target'), 'service', 'via')}`,
    each`2 * ${copied(copied(routes, 'route', 'target'), 'virtual_network', 'via')}`,
  ].map((kind) => highest(`${TUNNEL}, target, via`, kind));
  return table({
    title: 'What is behind it',
    description:
      'Host names with the service that each leads to, and private routes with their virtual network. Opt-in: start the exporter ' +
      'with --metrics.hostnames and --metrics.routes.',
    noValue: 'Nothing, or not known: see --metrics.hostnames and --metrics.routes',
    columns: [
      {
        name: 'Kind',
        expr: firstOf(...kinds),
        states: [
          { number: 1, text: 'Host name', colour: COLOURS.text },
          { number: 2, text: 'Private route', colour: COLOURS.text },
        ],
        width: 110,
      },
      { name: 'Host name or route', label: 'target' },
      { name: 'Service or virtual network', label: 'via' },
    ],
    sortBy: [
      { column: 'Kind', desc: false },
      { column: 'Host name or route', desc: false },
    ],
  });
}

function copied(vector: PerExporter, label: string, as: string): PerExporter {
  return each`label_replace(${vector}, "${as}", "$1", "${label}", "(.+)")`;
}

function lastConnections(): ReturnType<typeof table> {
  const active = ofTunnels('cloudflare_tunnel_active_connections');
  const labels = `${TUNNEL}, colo, airport`;
  const counts = sumEach(labels, active);
  return table({
    title: 'Where it was connected',
    description:
      'Data centers that its connections went to within the time range shown, the latest first. A tunnel that is down was last ' +
      'connected there: check those sites and the network path to them.',
    noValue: 'It had no connection in this time range',
    columns: [
      { name: 'Airport', label: 'airport', width: 90 },
      { name: 'Data center', label: 'colo' },
      {
        name: 'Connections',
        expr: highest(labels, each`max_over_time(${counts}[$__range:$__interval])`),
        width: 120,
      },
      {
        name: 'Last seen',
        expr: age(highest(labels, each`max_over_time(timestamp(${counts})[$__range:$__interval])`)),
        ...AGE,
        decimals: 0,
        width: 170,
      },
    ],
    sortBy: [
      { column: 'Last seen', desc: false },
      { column: 'Connections', desc: true },
    ],
    steps: 200,
  });
}

function ofConnectors(metric: string): string {
  return byNewestObservation(CONNECTOR, ofTunnels(metric));
}

function ofList(metric: string): string {
  return byNewestList(TUNNEL, ofTunnels(metric));
}
