/**
 * Copies alerts and dashboards into the chart, which cannot read outside its own folder. Kustomize
 * uses that copy. Run it with `npm run copies`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const ALERTS = 'deploy/prometheus/alerts.yaml';
const DASHBOARDS = 'grafana/dashboards';
const NAME = 'cloudflare-tunnel-exporter';

/** Holds copies and nothing else, so that what is no longer copied goes. */
export const FOLDER = `deploy/helm/${NAME}/files`;

/** Every copy's text by its path in the folder. */
export function copies(): ReadonlyMap<string, string> {
  const dashboards = readdirSync(DASHBOARDS)
    .filter((file) => file.endsWith('.json'))
    .toSorted();
  return new Map([
    ['kustomization.yaml', kustomization(dashboards)],
    ['prometheusrule.yaml', prometheusRule(readFileSync(ALERTS, 'utf8'))],
    ...dashboards.map((file): [string, string] => [
      join('dashboards', file),
      readFileSync(join(DASHBOARDS, file), 'utf8'),
    ]),
  ]);
}

function prometheusRule(alerts: string): string {
  const spec = alerts.replaceAll(/^(?=.)/gm, '  ');
  return `# A copy of ${ALERTS}.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ${NAME}
  labels:
    app.kubernetes.io/name: ${NAME}
    app.kubernetes.io/instance: ${NAME}
spec:
${spec}`;
}

function kustomization(dashboards: readonly string[]): string {
  const configMaps = dashboards.map(
    (file) => `  - name: ${NAME}-dashboard-${basename(file, '.json')}
    files:
      - dashboards/${file}
`,
  );
  return `# For deploy/kubernetes/components/monitoring.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - prometheusrule.yaml
configMapGenerator:
${configMaps.join('')}generatorOptions:
  disableNameSuffixHash: true
  labels:
    app.kubernetes.io/name: ${NAME}
    app.kubernetes.io/instance: ${NAME}
    grafana_dashboard: '1'
  annotations:
    grafana_folder: Cloudflare Tunnels
`;
}

if (import.meta.main) {
  rmSync(FOLDER, { recursive: true, force: true });
  for (const [path, text] of copies()) {
    mkdirSync(dirname(join(FOLDER, path)), { recursive: true });
    writeFileSync(join(FOLDER, path), text);
  }
}
