/** Room for text whose length in bytes is not known before it is written. */
export interface Scratch {
  readonly clear: () => void;
  /** Appends a text in UTF-8. */
  readonly append: (text: string) => void;
  /** All that was appended since `clear`; valid until the next call. */
  readonly bytes: () => Buffer;
}

const FIRST_BYTES = 2 ** 16;
/** A UTF-16 code unit takes at most this many bytes in UTF-8. */
const BYTES_PER_UNIT = 3;

export function createScratch(): Scratch {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let length = 0;
  return {
    clear: () => {
      length = 0;
    },
    append: (text) => {
      const most = BYTES_PER_UNIT * text.length;
      if (buffer.length - length < most) {
        const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, length + most));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      length += buffer.write(text, length);
    },
    bytes: () => buffer.subarray(0, length),
  };
}
