import { readFileSync } from 'node:fs';

/** What package.json says. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly repository: { readonly type: string; readonly url: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Names and addresses of everything that a release publishes. */
export interface Project {
  readonly manifest: Manifest;
  readonly version: string;
  /** Owner and name, as GitHub has them. */
  readonly repository: string;
  /** Without a tag. */
  readonly image: string;
  /** The folder of the registry that holds the chart, for `helm push`. */
  readonly charts: string;
}

/** Everything that a release makes, and nothing else. */
export const BUILD = 'build';
export const CHART = 'deploy/helm/cloudflare-tunnel-exporter';

export function readProject(): Project {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
  return projectOf(JSON.parse(readFileSync('package.json', 'utf8')) as Manifest);
}

/** The owner stands in `repository.url` of package.json and nowhere else; see owner.ts. */
export function projectOf(manifest: Manifest): Project {
  const [, owner] = /^git\+https:\/\/github\.com\/([\w-]+)\/[\w-]+\.git$/.exec(manifest.repository.url) ?? [];
  if (owner === undefined) {
    throw new Error(
      `package.json: repository.url is ${manifest.repository.url}; write git+https://github.com/<owner>/${manifest.name}.git`,
    );
  }
  // Registries allow lower case only.
  const registry = `ghcr.io/${owner.toLowerCase()}`;
  return {
    manifest,
    version: manifest.version,
    repository: `${owner}/${manifest.name}`,
    image: `${registry}/${manifest.name}`,
    charts: `oci://${registry}/charts`,
  };
}
