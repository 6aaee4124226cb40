/** A repeatable random generator: the same seed and calls give the same values. Not for secrets. */
export interface Random {
  /** At least 0, below 1. */
  readonly next: () => number;
  /** Both ends included. */
  readonly integer: (low: number, high: number) => number;
  /** Throws on an empty list. */
  readonly pick: <T extends object | string | number>(items: readonly T[]) => T;
  readonly shuffle: <T>(items: readonly T[]) => readonly T[];
  readonly hex: (digits: number) => string;
  /** Random (version 4) UUID. */
  readonly uuid: () => string;
  /** An independent stream, which does not advance this one. */
  readonly fork: (label: string) => Random;
}

const HEX = '0123456789abcdef';
const UUID_FORM = 'xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx';

export function createRandom(seed: number): Random {
  const word = sfc32(seed);
  // One buffer for all ids: fleets have hundreds of thousands, and concatenated strings take
  // several times the memory.
  const uuidText = Buffer.from(UUID_FORM);
  const next = (): number => word() / 2 ** 32;
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const hexWord = (): string => (word() + 2 ** 32).toString(16).slice(1);

  const hex = (digits: number): string => {
    let text = '';
    while (text.length < digits) text += hexWord();
    return text.slice(0, digits);
  };

  return {
    next,
    integer,
    pick: (items) => {
      const item = items[integer(0, items.length - 1)];
      if (item === undefined) throw new Error('Cannot pick: the list is empty');
      return item;
    },
    shuffle: (items) => {
      const shuffled: (typeof items)[number][] = [];
      for (const item of items) shuffled.splice(integer(0, shuffled.length), 0, item);
      return shuffled;
    },
    hex,
    uuid: () => {
      let bits = 0;
      let left = 0;
      for (let index = 0; index < UUID_FORM.length; index += 1) {
        const form = UUID_FORM.charAt(index);
        if (form === '-') continue;
        if (left === 0) {
          bits = word();
          left = 8;
        }
        const digit = form === '4' ? 4 : form === 'v' ? 8 + (bits & 3) : bits & 15;
        uuidText[index] = HEX.charCodeAt(digit);
        bits >>>= 4;
        left -= 1;
      }
      return uuidText.toString('latin1');
    },
    fork: (label) => createRandom(hash(`${seed}/${label}`)),
  };
}

/** A small fast counting generator (sfc32 by Chris Doty-Humphrey, public domain): unsigned 32-bit words. */
function sfc32(seed: number): () => number {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) word();
  return word;
}

/** FNV-1a: a seed from a text. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
