/**
 * The two small notations of the instruction tables: bit patterns and immediate layouts.
 *
 * A pattern is a string of one character per bit, most significant first, spaces ignored: `0` and `1` are fixed,
 * any other character is free (tables use letters to say which field a free bit belongs to).
 */

/** The fixed bits of a pattern: a word `w` fits when `(w & mask) === match`. Both are unsigned. */
export interface Pattern {
  readonly match: number;
  readonly mask: number;
  /** The characters without spaces, most significant bit first. */
  readonly bits: string;
}

/**
 * Reads a pattern of exactly `width` bits.
 * @throws Error when the number of bits differs (a mistake in a table).
 */
export function parsePattern(text: string, width: 16 | 32): Pattern {
  const bits = text.replaceAll(' ', '');
  if (bits.length !== width) throw new Error(`pattern "${text}" has ${bits.length} bits, not ${width}`);
  let match = 0;
  let mask = 0;
  for (const c of bits) {
    match = match * 2 + (c === '1' ? 1 : 0);
    mask = mask * 2 + (c === '0' || c === '1' ? 1 : 0);
  }
  return { match, mask, bits };
}

/** One contiguous piece of an immediate: `(word >>> from) & mask` lands at bit `to` of the value. */
interface Segment {
  readonly from: number;
  readonly mask: number;
  readonly to: number;
}

/** Where the bits of an immediate sit in an instruction word, and how the value is to be read. */
export interface ImmLayout {
  readonly segments: readonly Segment[];
  /** Number of bits of the value, the implied low zero bits included. */
  readonly width: number;
  /** The value is a multiple of this (the implied low zero bits). */
  readonly step: number;
  readonly signed: boolean;
  /** A zero value is a reserved encoding. */
  readonly nonzero: boolean;
  /** Shift that sign-extends: 0 for unsigned layouts. */
  readonly extend: number;
}

function makeLayout(segments: readonly Segment[], signed: boolean, nonzero: boolean): ImmLayout {
  let used = 0;
  for (const s of segments) used |= s.mask << s.to;
  used >>>= 0;
  const width = used === 0 ? 0 : 32 - Math.clz32(used);
  return {
    segments,
    width,
    step: used === 0 ? 1 : (used & -used) >>> 0,
    signed,
    nonzero,
    extend: signed && width > 0 ? 32 - width : 0,
  };
}

/** The layout of an instruction without an immediate: always 0. */
export const NO_IMM: ImmLayout = makeLayout([], false, false);

function parseRange(text: string): { hi: number; lo: number } {
  const [hi, lo = hi] = text.split(':').map(Number);
  return { hi, lo };
}

/**
 * Reads a list of `wordbits=valuebits` pairs, for example `31:25=11:5 11:7=4:0` for the S format.
 * @throws Error when the two sides of a pair differ in length.
 */
export function parseImm(text: string, signed: boolean): ImmLayout {
  const segments = text.split(' ').map((pair) => {
    const [word, value] = pair.split('=').map(parseRange);
    if (word.hi - word.lo !== value.hi - value.lo) throw new Error(`immediate "${text}": ${pair}`);
    return { from: word.lo, mask: 2 ** (word.hi - word.lo + 1) - 1, to: value.lo };
  });
  return makeLayout(segments, signed, false);
}

/**
 * Reads the manual's notation for compressed immediates, for example `nzuimm[5:4|9:6|2|3]`: the listed value bits
 * fill the `i` bits of `bits` from the left. The prefix `nz` makes zero reserved, `u` makes the value unsigned.
 * @throws Error when the list and the number of `i` bits differ.
 */
export function parseScrambledImm(text: string, bits: string): ImmLayout {
  const m = /^(nz)?(u)?imm\[([\d:|]+)\]$/.exec(text);
  if (m === null) throw new Error(`immediate "${text}"`);
  const value: number[] = [];
  for (const part of m[3].split('|')) {
    const { hi, lo } = parseRange(part);
    for (let b = hi; b >= lo; b--) value.push(b);
  }
  const word = [...bits].flatMap((c, i) => (c === 'i' ? [bits.length - 1 - i] : []));
  if (word.length !== value.length) throw new Error(`immediate "${text}" does not fill "${bits}"`);
  const segments: { from: number; mask: number; to: number }[] = [];
  for (let i = 0; i < word.length; i++) {
    const last = segments.at(-1);
    if (last !== undefined && last.from === word[i] + 1 && last.to === value[i] + 1) {
      last.from = word[i];
      last.to = value[i];
      last.mask = last.mask * 2 + 1;
    } else {
      segments.push({ from: word[i], mask: 1, to: value[i] });
    }
  }
  return makeLayout(segments, m[2] === undefined, m[1] !== undefined);
}

/** The value of an immediate in an instruction word, sign-extended where the layout says so. */
export function extractImm(layout: ImmLayout, word: number): number {
  const { segments, extend } = layout;
  let v = 0;
  for (let i = 0; i < segments.length; i++) {
    const s = segments[i];
    v |= ((word >>> s.from) & s.mask) << s.to;
  }
  return (v << extend) >> extend;
}

/**
 * The instruction bits (unsigned) that hold `value`.
 * @throws RangeError when the layout cannot express the value.
 */
export function insertImm(layout: ImmLayout, value: number): number {
  let word = 0;
  for (const s of layout.segments) word |= ((value >>> s.to) & s.mask) << s.from;
  word >>>= 0;
  if (extractImm(layout, word) !== value || (layout.nonzero && value === 0)) {
    throw new RangeError(`immediate ${value} does not fit`);
  }
  return word;
}
