/** Like `JSON.stringify`, but replaces lone surrogates, whose escapes strict parsers refuse. */
export function json(value: object): string {
  const text = JSON.stringify(value);
  return /\\ud[89a-f]/i.test(text) ? JSON.stringify(value, wellFormed) : text;
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** The snapshot has '' for unknown; JSON has null. */
export function textJson(text: string): string | null {
  return text === '' ? null : text;
}

export function timeJson(at: number | undefined): string | null {
  const date = new Date(at ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
