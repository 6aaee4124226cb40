/** As much of JSON Schema (draft 7) as the chart's schema uses. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** An object with these keys and no others. */
export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length === 0 ? {} : { required }),
  };
}

export function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

/** An object whose keys the user chooses. */
export function mapOf(value: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: value };
}

export const text: JsonSchema = { type: 'string' };
export const name: JsonSchema = { type: 'string', minLength: 1 };
export const flag: JsonSchema = { type: 'boolean' };
/** Labels, annotations, node selectors: their keys are free, and their values are text. */
export const texts: JsonSchema = mapOf(text);
/** A value of a YAML file that a program reads as text. */
export const scalar: JsonSchema = { type: ['string', 'number', 'boolean'] };
/** A Prometheus duration. */
export const duration: JsonSchema = {
  type: 'string',
  pattern: '^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$',
  minLength: 1,
};
