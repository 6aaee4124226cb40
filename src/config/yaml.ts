import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

/**
 * The YAML parser, loaded when a file is first read: it is 72 modules, and an exporter without files starts without them.
 */
const require = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;
const yaml = (): typeof Yaml => (loaded ??= require('yaml'));

export const isAlias = (node: unknown): node is Yaml.Alias => yaml().isAlias(node);
export const isMap = (node: unknown): node is Yaml.YAMLMap => yaml().isMap(node);
export const isNode = (node: unknown): node is Yaml.Node => yaml().isNode(node);
export const isScalar = (node: unknown): node is Yaml.Scalar => yaml().isScalar(node);
export const isSeq = (node: unknown): node is Yaml.YAMLSeq => yaml().isSeq(node);
export const createLineCounter = (): Yaml.LineCounter => new (yaml().LineCounter)();
export const parseDocument: typeof Yaml.parseDocument = (source, options) =>
  yaml().parseDocument(source, options);
