import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeBundle } from '../../../deploy/release/bundle.ts';
import { makeChart } from '../../../deploy/release/chart.ts';
import { readProject } from '../../../deploy/release/project.ts';
import { helm, helmPath, kubectl, kubectlLayer } from '../kubernetes/kubectl-layer.ts';
import { ofKind, only, readObjects } from '../kubernetes/objects.ts';

const project = readProject();
const { version, image } = project;

function extracted(archive: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-archive-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync('tar', ['--extract', '--touch', '--file', archive, '--directory', folder]);
  return folder;
}

test.skipIf(kubectlLayer.missing)(
  `the bundle holds alerts, dashboards, manifests and compose files of the published image, which can be applied alone${kubectlLayer.needs}`,
  () => {
    const archive = makeBundle(project);
    expect(basename(archive)).toBe(`cloudflare-tunnel-exporter-${version}-monitoring.tar.gz`);
    const folder = join(extracted(archive), basename(archive, '.tar.gz'));
    for (const file of ['deploy/prometheus/alerts.yaml', 'grafana/dashboards/overview.json', 'LICENSE'])
      expect(readFileSync(join(folder, file), 'utf8')).toBe(readFileSync(file, 'utf8'));
    for (const overlay of ['operator', 'sidecar', 'sidecar-plain']) {
      const built = kubectl(['kustomize', join(folder, 'deploy/kubernetes/overlays', overlay)]);
      const images = [...built.matchAll(/image: (\S+cloudflare-tunnel-exporter\S*)/g)].map(
        ([, name]) => name,
      );
      expect(new Set(images)).toEqual(new Set([`${image}:${version}`]));
    }
    const compose = readFileSync(join(folder, 'deploy/compose/compose.yaml'), 'utf8');
    expect(compose).toContain(`image: ${image}:${version}\n`);
    expect(compose).not.toMatch(/build:|:local/);
    expect(execFileSync('tar', ['--list', '--file', archive], { encoding: 'utf8' })).not.toMatch(/\.ts$/m);
  },
);

test.skipIf(kubectlLayer.missing)(
  `the packaged chart installs the published image${kubectlLayer.needs}`,
  () => {
    const archive = makeChart(project, helmPath());
    expect(basename(archive)).toBe(`cloudflare-tunnel-exporter-${version}.tgz`);
    const chart = join(extracted(archive), 'cloudflare-tunnel-exporter');
    helm(['lint', '--strict', chart]);
    const flags = ['--set=apiToken.existingSecret=token'];
    const objects = readObjects(helm(['template', 'x', archive, ...flags]));
    expect(only(ofKind(objects, 'Deployment'))).toMatchObject({
      spec: { template: { spec: { containers: [{ image: `${image}:${version}` }] } } },
    });
  },
);
