/** Strict JSON parsers refuse the escape of a lone surrogate; where there may be one, it is replaced. */
export function json(value: object): string {
  const text = JSON.stringify(value);
  return /\\ud[89a-f]/i.test(text) ? JSON.stringify(value, wellFormed) : text;
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** '' is unknown. */
export function textJson(text: string): string | null {
  return text === '' ? null : text;
}

export function timeJson(at: number | undefined): string | null {
  const date = new Date(at ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
