import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const ALERTMANAGER = 'deploy/alertmanager/alertmanager.yml';

export interface Route {
  readonly receiver: string;
  readonly routes?: readonly Route[];
  readonly [setting: string]: unknown;
}

export interface AlertmanagerConfig {
  readonly route: Route;
  readonly inhibit_rules: readonly {
    readonly source_matchers: readonly string[];
    readonly target_matchers: readonly string[];
    readonly equal?: readonly string[];
  }[];
  readonly receivers: readonly { readonly name: string }[];
}

export function alertmanagerConfig(): AlertmanagerConfig {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- amtool has the last word on its form
  return parse(readFileSync(ALERTMANAGER, 'utf8')) as AlertmanagerConfig;
}
