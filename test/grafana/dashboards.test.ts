import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../grafana/src/dashboards.ts';
import { render } from '../../grafana/src/render.ts';
import { committed, committedText, FILES } from './committed.ts';

test('grafana/dashboards holds the dashboards of grafana/src and nothing else', () => {
  expect(FILES).toEqual(Object.keys(DASHBOARDS).toSorted());
});

test.each(Object.entries(DASHBOARDS))(
  'grafana/dashboards/%s is what its source gives; if not: npm run dashboards',
  async (file, build) => {
    expect(committedText(file)).toBe(await render(build()));
  },
);

test('Grafana finds the dashboards and a Prometheus by the provisioning files', () => {
  expect(provisioned('dashboards/cloudflare-tunnel.yaml')).toMatchObject({
    apiVersion: 1,
    providers: [{ type: 'file', options: { path: '/var/lib/grafana/dashboards/cloudflare-tunnel' } }],
  });
  expect(provisioned('datasources/prometheus.yaml')).toMatchObject({
    apiVersion: 1,
    datasources: [
      { type: 'prometheus', access: 'proxy', jsonData: { timeInterval: expect.stringMatching(/^\d+s$/) } },
    ],
  });
});

test('docs/dashboards.md lists every dashboard and every variable', () => {
  const text = readFileSync('docs/dashboards.md', 'utf8');
  for (const file of FILES) {
    const { title, uid, templating } = committed(file);
    for (const fact of [
      `grafana/dashboards/${file}`,
      title,
      uid,
      ...templating.list.map(({ name }) => `\`${name}\``),
    ])
      expect(text).toContain(fact);
  }
});

function provisioned(path: string): unknown {
  return parse(readFileSync(`grafana/provisioning/${path}`, 'utf8'));
}
