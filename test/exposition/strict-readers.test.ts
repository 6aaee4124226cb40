import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { PageRequest } from '../../src/exposition/page.ts';
import { goldenContext, goldenFleet } from '../golden/fleet.ts';
import { debianProgram } from '../support/debian.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { OPENMETRICS, pageOf, TEXT } from '../support/pages.ts';
import { aConnection, aConnector, anAccount, aSnapshot, aTunnel } from '../support/snapshots.ts';
import { eventfulSelfMetrics } from '../support/self-metrics.ts';
import { HOSTILE_NAMES } from './hostile.ts';

const promtool = debianProgram('promtool');
const python = debianProgram('prometheus_client of Python');

test.skipIf(promtool.missing)(
  `promtool accepts the whole text page without a word${promtool.needs}`,
  async () => {
    const { status, stdout, stderr } = spawnSync(promtool.command, ['check', 'metrics'], {
      input: await wholePage(TEXT),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  },
);

test.skipIf(promtool.missing)(`promtool does complain of a badly named metric${promtool.needs}`, async () => {
  const { status, stderr } = spawnSync(promtool.command, ['check', 'metrics'], {
    input: `${(await wholePage(TEXT)).toString()}# HELP gauge_total A.\n# TYPE gauge_total gauge\ngauge_total 1\n`,
    encoding: 'utf8',
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain('gauge_total');
});

/** Prints how many series of which name the strict parser of Prometheus' Python client reads, or fails. */
const COUNT_SERIES = `
import collections, json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
page = sys.stdin.buffer.read().decode('utf-8')
families = list(text_string_to_metric_families(page))
names = [s.labels['tunnel_name'] for f in families if f.name == 'cloudflare_tunnel' for s in f.samples]
counts = collections.Counter(s.name for f in families for s in f.samples)
print(json.dumps({'names': names, 'counts': counts, 'types': {f.name: f.type for f in families}}))
`;

test.skipIf(python.missing)(
  `the strict OpenMetrics parser reads every family, series and name${python.needs}`,
  async () => {
    const page = await wholePage(OPENMETRICS);
    const { status, stdout, stderr } = spawnSync(python.command, ['-c', COUNT_SERIES], {
      input: page,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const families = parseExposition(page, 'openmetrics');
    const samples = families.flatMap((family) => family.samples);
    expect(JSON.parse(stdout)).toEqual({
      names: tunnelNames(wholeFleet()),
      counts: countBy(samples.map(({ name }) => name)),
      types: Object.fromEntries(families.map(({ name, type }) => [name, type])),
    });
  },
);

/** Tunnels with every option, with names that people should not use, and the exporter's own metrics. */
function wholePage(request: PageRequest): Promise<Buffer> {
  const fleet = wholeFleet();
  return pageOf(fleet, request, { context: goldenContext, selfMetrics: eventfulSelfMetrics(fleet).metrics });
}

function wholeFleet(): Snapshot {
  const hostile = anAccount({
    id: 'hostile',
    name: HOSTILE_NAMES.join(''),
    tunnels: HOSTILE_NAMES.map((name, index) =>
      aTunnel({
        id: `${index}`,
        name,
        connectors: [
          aConnector({
            id: name,
            version: name,
            arch: name,
            features: [...HOSTILE_NAMES],
            connections: [aConnection({ colo: name, originIp: name })],
          }),
        ],
        configuration: {
          version: 1,
          ingress: HOSTILE_NAMES.map((hostname) => ({ hostname, service: hostname, path: hostname })),
          haMode: undefined,
        },
      }),
    ),
  });
  return aSnapshot(...goldenFleet().accounts.values(), hostile);
}

function tunnelNames(fleet: Snapshot): readonly string[] {
  return [...fleet.accounts.values()].flatMap(({ tunnels }) =>
    [...tunnels.values()].map(({ tunnel }) => tunnel.name.toWellFormed()),
  );
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}
