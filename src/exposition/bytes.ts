/** Some bytes of a larger buffer. */
export interface Range {
  readonly source: Buffer;
  readonly from: number;
  readonly to: number;
}

export function sameBytes(a: Range, b: Range): boolean {
  return a.source.compare(b.source, b.from, b.to, a.from, a.to) === 0;
}

/** The same bytes in fewer ranges: those that follow upon each other in one buffer are one. */
export function* runsOf(ranges: readonly Range[]): Generator<Range> {
  let run: Range | undefined;
  for (const range of ranges) {
    if (run?.source === range.source && run.to === range.from) {
      run = { ...run, to: range.to };
    } else {
      if (run !== undefined) yield run;
      run = range;
    }
  }
  if (run !== undefined) yield run;
}

/** Room for bytes whose number is not known before they are written. */
export interface Scratch {
  readonly clear: () => void;
  /** A text in UTF-8, valid until `clear`. */
  readonly append: (text: string) => Range;
}

export function createScratch(): Scratch {
  let buffer = Buffer.allocUnsafeSlow(2 ** 16);
  let at = 0;
  return {
    clear: () => {
      at = 0;
    },
    append: (text) => {
      const most = 3 * text.length;
      if (buffer.length - at < most) {
        buffer = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, most));
        at = 0;
      }
      const from = at;
      at += buffer.write(text, from);
      return { source: buffer, from, to: at };
    },
  };
}
