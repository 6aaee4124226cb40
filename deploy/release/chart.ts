/** Packages the chart so that it installs the published image. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, CHART, type Project } from './project.ts';

const FOLDER = join(BUILD, 'chart');

export function chartPath({ manifest, version }: Project): string {
  return join(FOLDER, `${manifest.name}-${version}.tgz`);
}

/** The archive's path. */
export function makeChart(project: Project, helm = 'helm'): string {
  const { manifest, version, image } = project;
  const folder = join(FOLDER, manifest.name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(CHART, folder, { recursive: true });
  const values = join(folder, 'values.yaml');
  const local = `  repository: ${manifest.name}\n`;
  const text = readFileSync(values, 'utf8');
  if (!text.includes(local)) throw new Error(`${CHART}/values.yaml: no line "${local.trim()}" to replace`);
  writeFileSync(values, text.replace(local, `  repository: ${image}\n`));
  execFileSync(
    helm,
    ['package', folder, '--version', version, '--app-version', version, '--destination', FOLDER],
    {
      stdio: 'pipe',
    },
  );
  return chartPath(project);
}
