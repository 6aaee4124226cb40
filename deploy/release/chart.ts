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
  const [registry, ...repository] = image.split('/');
  const published = { registry, repository: repository.join('/') };
  writeFileSync(values, withImage(readFileSync(values, 'utf8'), published));
  execFileSync(
    helm,
    ['package', folder, '--version', version, '--app-version', version, '--destination', FOLDER],
    {
      stdio: 'pipe',
    },
  );
  return chartPath(project);
}

/** The two lines of `image` name what is published, so that the chart needs no value for it. */
function withImage(
  values: string,
  { registry, repository }: { readonly registry: string | undefined; readonly repository: string },
): string {
  const image = /^(image:\n(?: +#.*\n)* +registry: )''(\n +repository: )\S+$/m;
  if (!image.test(values))
    throw new Error(`${CHART}/values.yaml: no image.registry and image.repository to set`);
  return values.replace(
    image,
    (_, before: string, between: string) => `${before}${registry}${between}${repository}`,
  );
}
