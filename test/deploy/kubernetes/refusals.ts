import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KubernetesObject } from './objects.ts';

/** For a test's limit: a busy machine takes its time. */
export const TYPE_CHECK_MS = 120_000;

/** Inside the project, where TypeScript finds the packages. */
const FOLDER = 'node_modules/.cache/kubernetes-objects';

/**
 * What Kubernetes' own schemas have against objects: values by the validators of kubernetes-models,
 * and unknown fields, which those let pass, by TypeScript, which refuses them in a literal of the
 * package's type.
 */
export async function refusals(objects: readonly KubernetesObject[]): Promise<readonly string[]> {
  const wrongValues = await Promise.all(objects.map(wrongValue));
  return [...wrongValues.flat(), ...unknownFields(objects)];
}

type ModelClass = new (data: unknown) => { validate(): void };

async function wrongValue(object: KubernetesObject): Promise<readonly string[]> {
  const Model = await modelOf(object);
  if (Model === undefined) return [`${nameOf(object)}: no such kind in ${object.apiVersion}`];
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${String(error)}`];
  }
}

async function modelOf(object: KubernetesObject): Promise<ModelClass | undefined> {
  try {
    const models: unknown = await import(`${packageOf(object)}/${object.kind}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the module of one class, named after the kind
    return (models as Readonly<Record<string, ModelClass>>)[object.kind];
  } catch {
    return undefined;
  }
}

function unknownFields(objects: readonly KubernetesObject[]): readonly string[] {
  mkdirSync(FOLDER, { recursive: true });
  const folder = mkdtempSync(join(FOLDER, 'objects-'));
  try {
    const files = objects.map((object, index) => {
      const file = join(folder, `${index}-${object.kind}-${object.metadata.name}.ts`);
      writeFileSync(
        file,
        `import type { I${object.kind} } from '${packageOf(object)}/${object.kind}';\n` +
          `export const object: I${object.kind} = ${JSON.stringify(object, null, 1)};\n`,
      );
      return file;
    });
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--types', ''];
    const modules = ['--module', 'nodenext', '--target', 'es2024'];
    const { stdout, status } = spawnSync(
      process.execPath,
      ['node_modules/typescript/bin/tsc', ...options, ...modules, ...files],
      { encoding: 'utf8' },
    );
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'));
    if (status !== 0 && errors.length === 0) throw new Error(`Cannot check types: ${stdout}`);
    return errors.map((line) => line.replace(`${folder}/`, '').replace(basename(folder), ''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function packageOf({ apiVersion }: KubernetesObject): string {
  const scope = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${scope}/${apiVersion}`;
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.name}`;
}
