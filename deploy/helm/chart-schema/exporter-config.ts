import { ENTRY_FIELDS } from '../../../src/config/config-file.ts';
import type { Setting } from '../../../src/config/setting.ts';
import { ALL_SETTINGS } from '../../../src/config/settings.ts';
import type { JsonSchema } from './json-schema.ts';
import { list, object, scalar } from './json-schema.ts';

/**
 * Keys that the chart writes. Its templates refuse them with a line that names the value to use, so
 * the schema lets them pass.
 */
const BY_TEMPLATES: ReadonlySet<string> = new Set([
  'accounts',
  'tokens',
  'web.listen-address',
  'web.config.file',
]);

/** The exporter's configuration file, from the registry of its settings. */
export function exporterConfig(): JsonSchema {
  const inFile = ALL_SETTINGS.filter(({ allowed }) => allowed === 'everywhere');
  const entries = Object.entries(ENTRY_FIELDS).map(([key, fields]): readonly [string, JsonSchema] => [
    key.replaceAll('_', '-'),
    BY_TEMPLATES.has(key) ? {} : list(object(Object.fromEntries(fields.map((field) => [field, scalar])))),
  ]);
  return {
    ...section([...entries, ...nested(inFile, 0)]),
    description:
      "The exporter's configuration file. The chart writes accounts, tokens, listen address and web configuration file.",
  };
}

/** The keys of one level, with the settings below them. */
function nested(
  settings: readonly Setting<unknown>[],
  depth: number,
): readonly (readonly [string, JsonSchema])[] {
  const byKey = Map.groupBy(settings, ({ flag }) => flag.split('.')[depth] ?? '');
  return [...byKey].map(([key, inside]) => {
    const [leaf] = inside;
    const isLeaf = leaf !== undefined && leaf.flag.split('.').length === depth + 1;
    return [key, isLeaf ? valueOf(leaf) : section(nested(inside, depth + 1))];
  });
}

/** The file takes keys with underscores or with dashes. */
function section(fields: readonly (readonly [string, JsonSchema])[]): JsonSchema {
  return object(
    Object.fromEntries(
      fields.flatMap(([key, schema]) =>
        [...new Set([key.replaceAll('-', '_'), key])].map((spelling) => [spelling, schema]),
      ),
    ),
  );
}

function valueOf(setting: Setting<unknown>): JsonSchema {
  if (BY_TEMPLATES.has(setting.flag)) return {};
  const one = singleOf(setting);
  const value: JsonSchema = setting.isList ? { ...one, type: [...typesOf(one), 'array'], items: one } : one;
  const shown = setting.shownDefault === '' ? '' : ` Default: ${setting.shownDefault}.`;
  return { ...value, description: `${setting.help}${shown}` };
}

function typesOf({ type = [] }: JsonSchema): readonly string[] {
  return typeof type === 'string' ? [type] : type;
}

/**
 * What the exporter would refuse for its form. Limits are left to the exporter, which has the
 * better message.
 */
function singleOf({ placeholder, isSwitch }: Setting<unknown>): JsonSchema {
  if (isSwitch) return { type: ['boolean', 'string'], enum: [true, false, 'true', 'false'] };
  if (placeholder === 'COUNT') return { type: ['integer', 'string'], pattern: '^[0-9]+$', minimum: 0 };
  if (placeholder === 'DURATION')
    return { type: ['string', 'integer'], pattern: '^([0-9]+(ms|[ywdhms]))+$|^0$', maximum: 0 };
  return scalar;
}
