import { readFileSync } from 'node:fs';
import { releaseTime } from '../../../src/core/model.ts';

const DAY_MS = 86_400_000;

/** The cloudflared that the manifests pin, and the day on which someone last looked for a newer one. */
export interface PinnedRelease {
  readonly version: string;
  readonly checked: string;
}

export function pinnedRelease(kustomization: string): PinnedRelease {
  const [, checked = ''] = /# Checked on (\d{4}-\d{2}-\d{2})/.exec(kustomization) ?? [];
  const [, version = ''] = /name: cloudflare\/cloudflared\n +newTag: (\S+)/.exec(kustomization) ?? [];
  return { version, checked };
}

/**
 * Days since the release, as the alert counts them, on the later of two days: when it was checked,
 * and the last release here.
 */
export function ageInDays({ version, checked }: PinnedRelease, changelog: string): number {
  const days = [
    checked,
    ...[...changelog.matchAll(/^## .*(\d{4}-\d{2}-\d{2})/gm)].map(([, day]) => day ?? ''),
  ];
  return Math.floor(
    (Math.max(...days.map((day) => Date.parse(day))) - (releaseTime(version) ?? Number.NaN)) / DAY_MS,
  );
}

/** The age at which CloudflareTunnelConnectorOutdated fires. */
export function outdatedAfterDays(): number {
  const alerts = readFileSync('deploy/prometheus/alerts.yaml', 'utf8');
  return Number(/(\d+) # ConnectorOutdated\.days/.exec(alerts)?.[1]);
}
