import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { JsonSchema } from './json-schema.ts';

const PACKAGES = 'node_modules';

/** Schemas of API types by name, such as `PodDNSConfig`, and of all that they are made of. */
export interface KubernetesTypes {
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  readonly ref: (module: string) => JsonSchema;
}

/**
 * Reads API types from the declarations of kubernetes-models, which are generated from Kubernetes'
 * own OpenAPI, one type per module. An object takes no unknown field: kubernetes-models' validators
 * let those pass, and so would helm.
 */
export function kubernetesTypes(): KubernetesTypes {
  const definitions = new Map<string, JsonSchema>();
  const modulesByKey = new Map<string, string>();

  function ref(module: string): JsonSchema {
    const key = basename(module);
    const known = modulesByKey.get(key);
    if (known !== undefined && known !== module) throw new Error(`${module} and ${known} have the same name`);
    if (known === undefined) {
      // First, because types may refer to each other.
      modulesByKey.set(key, module);
      definitions.set(key, schemaOf(module));
    }
    return { $ref: `#/definitions/${key}` };
  }

  function schemaOf(module: string): JsonSchema {
    const declarations = readFileSync(join(PACKAGES, `${module}.d.ts`), 'utf8');
    const modules = new Map(
      [...declarations.matchAll(/^import \{ (\w+) \} from "([^"]+)";$/gm)].map(([, type = '', from = '']) => [
        type,
        (from.startsWith('.') ? join(dirname(module), from) : from).replace(/\.js$/, ''),
      ]),
    );
    const typeOf = (type: string): JsonSchema => {
      const array = /^Array<(.+)>$/s.exec(type)?.[1];
      if (array !== undefined) return { type: 'array', items: typeOf(array) };
      const values = /^\{\s*\[key: string\]: (.+);\s*\}$/s.exec(type)?.[1];
      if (values !== undefined) return { type: 'object', additionalProperties: typeOf(values) };
      const words = [...type.matchAll(/"([^"]*)"/g)].map(([, word]) => word);
      if (words.length > 0) return { enum: words };
      if (/^(?:string|number|boolean)(?: \| (?:string|number|boolean))*$/.test(type)) {
        const [first, ...rest] = type.split(' | ');
        return { type: rest.length === 0 ? (first ?? '') : type.split(' | ') };
      }
      const other = modules.get(type);
      if (other !== undefined) return ref(other);
      // Any value, such as that of a custom resource.
      if (type === 'unknown' || type === 'any' || type === 'object' || type === '{}') return {};
      throw new Error(`${module}: cannot read the type ${type}`);
    };
    const alias = /^export type I\w+ = (.+);$/m.exec(declarations)?.[1];
    if (alias !== undefined) return typeOf(alias);
    // The class, unlike the interface, repeats what it inherits.
    const body = /^export declare class \w+.*? \{\n(.*?)^ {4}constructor/ms.exec(declarations)?.[1];
    if (body === undefined) throw new Error(`${module}: cannot read its fields`);
    const fields = [...body.matchAll(/^ {4}"([^"]+)"(\??): ((?:\{\n.*?\n {4}\})|.+?);$/gms)];
    // What an object without declared fields holds is not said.
    if (fields.length === 0) return { type: 'object' };
    const required = fields.flatMap(([, field = '', optional]) => (optional === '' ? [field] : []));
    return {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        fields.map(([, field = '', , type = '']) => [field, typeOf(type.trim())]),
      ),
      ...(required.length === 0 ? {} : { required }),
    };
  }

  return {
    ref,
    get definitions() {
      return Object.fromEntries([...definitions].toSorted(([one], [other]) => (one < other ? -1 : 1)));
    },
  };
}
