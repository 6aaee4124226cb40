import { Document, parseDocument } from 'yaml';

const HEADER = ` The rules of alerts.yaml for the Prometheus Operator. Generated: edit alerts.yaml, then \`npm run alerts\`.
 A Prometheus picks up what its ruleSelector names: add those labels, often \`release\`, to metadata.labels.`;

/** The manifest of a PrometheusRule with the rules of a plain rule file, comments and all. */
export function prometheusRule(rules: string): string {
  const source = parseDocument(rules);
  if (source.errors[0] !== undefined) throw source.errors[0];
  const manifest = new Document({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: {
      name: 'cloudflare-tunnel-exporter',
      labels: { 'app.kubernetes.io/name': 'cloudflare-tunnel-exporter' },
    },
    spec: {},
  });
  manifest.commentBefore = HEADER;
  manifest.setIn(['spec', 'groups'], source.get('groups', true));
  return manifest.toString({ lineWidth: 0, singleQuote: true });
}
