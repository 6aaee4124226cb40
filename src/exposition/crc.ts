/** The checksum polynomial of gzip, lowest bit last (RFC 1952). */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/**
 * Returns the CRC-32 of two byte sequences joined, from the CRC-32 of each. The first is shifted by the length of the
 * second, which is a multiplication by x^(8·length) modulo the polynomial. The bytes are not read again.
 */
export function joinCrc(first: number, second: number, { secondLength }: { secondLength: number }): number {
  return (multiply(shiftBy(secondLength), first) ^ second) >>> 0;
}

/** Returns x^(8·bytes) modulo the polynomial, multiplying the powers of two in the exponent. */
function shiftBy(bytes: number): number {
  let shift = ONE;
  // A byte is x^8, and 8 is 2^3.
  for (let power = 3, rest = bytes; rest > 0; power += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(POWERS[power % 32] ?? 0, shift);
  }
  return shift;
}

/** Multiplies polynomials over GF(2), whose highest power is in the lowest bit. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product;
}

/** x^(2^n) modulo the polynomial. They repeat after 32. */
const POWERS: readonly number[] = powersOfTwo();

function powersOfTwo(): readonly number[] {
  const powers = [ONE >>> 1];
  while (powers.length < 32) {
    const last = powers.at(-1) ?? 0;
    powers.push(multiply(last, last));
  }
  return powers;
}
