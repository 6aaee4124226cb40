/** Everything around the exporter that a release carries as one archive. */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, type Project } from './project.ts';

const CONTENT = [
  'LICENSE',
  'deploy/alertmanager',
  'deploy/compose',
  'deploy/helm/cloudflare-tunnel-exporter/files',
  'deploy/kubernetes',
  'deploy/prometheus',
  'deploy/systemd',
  'docs/runbooks',
  'grafana/dashboards',
  'grafana/provisioning',
];

const FOLDER = join(BUILD, 'bundle');

function nameOf({ manifest, version }: Project): string {
  return `${manifest.name}-${version}-monitoring`;
}

export function bundlePath(project: Project): string {
  return join(FOLDER, `${nameOf(project)}.tar.gz`);
}

/** The archive's path. */
export function makeBundle(project: Project): string {
  const { manifest, version, image } = project;
  const name = nameOf(project);
  const folder = join(FOLDER, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const path of CONTENT) {
    cpSync(path, join(folder, path), { recursive: true, filter: (file) => !file.endsWith('.ts') });
  }
  for (const file of globSync(join(folder, '**/kustomization.yaml'))) {
    writeFileSync(file, withImage(readFileSync(file, 'utf8'), { name: manifest.name, image }));
  }
  const compose = join(folder, 'deploy/compose/compose.yaml');
  const built = `    build: ../..\n    image: ${manifest.name}:local\n`;
  const text = readFileSync(compose, 'utf8');
  if (!text.includes(built))
    throw new Error(`deploy/compose/compose.yaml: no lines "${built.trim()}" to replace`);
  writeFileSync(compose, text.replace(built, `    image: ${image}:${version}\n`));
  const archive = bundlePath(project);
  execFileSync('tar', [
    '--create',
    '--gzip',
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--file=${archive}`,
    `--directory=${FOLDER}`,
    name,
  ]);
  return archive;
}

/** Kustomize's name of the image is replaced by the published one; the tag stays. */
function withImage(
  kustomization: string,
  { name, image }: { readonly name: string; readonly image: string },
): string {
  return kustomization.replaceAll(
    `- name: ${name}\n    newTag:`,
    `- name: ${name}\n    newName: ${image}\n    newTag:`,
  );
}
