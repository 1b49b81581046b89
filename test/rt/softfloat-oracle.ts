/**
 * Independent reference for RISC-V F/D: every operation on exact BigInt numbers, rounded by one routine
 * that knows only precision and exponent range. Nothing is shared with src/rt, neither code nor method.
 */

export const NX = 1;
export const UF = 2;
export const OF = 4;
export const DZ = 8;
export const NV = 16;

/** Result pattern (integers as 64-bit two's complement) and raised fflags. */
export interface Answer {
  readonly bits: bigint;
  readonly flags: number;
}

export interface Format {
  readonly p: number;
  readonly emin: number;
  readonly emax: number;
  readonly width: number;
}

export const D: Format = { p: 53, emin: -1022, emax: 1023, width: 64 };
export const S: Format = { p: 24, emin: -126, emax: 127, width: 32 };

/** `m * 2^e`, or something strictly between that and `(m+1) * 2^e` when `more`. */
interface Exact {
  readonly kind: 'number';
  readonly neg: boolean;
  readonly m: bigint;
  readonly e: number;
  readonly more: boolean;
}

type Value =
  | Exact
  | { readonly kind: 'inf'; readonly neg: boolean }
  | { readonly kind: 'nan'; readonly snan: boolean };

const fracBits = (f: Format): number => f.p - 1;
const signBit = (f: Format): bigint => 1n << BigInt(f.width - 1);
const infBits = (f: Format): bigint => BigInt(2 * f.emax + 1) << BigInt(fracBits(f));
const nanBits = (f: Format): bigint => infBits(f) | (1n << BigInt(fracBits(f) - 1));
const withSign = (f: Format, neg: boolean, bits: bigint): bigint => (neg ? signBit(f) | bits : bits);

const bitLength = (m: bigint): number => m.toString(2).length;

function decode(f: Format, bits: bigint): Value {
  const neg = (bits & signBit(f)) !== 0n;
  const mag = bits & (signBit(f) - 1n);
  if (mag > infBits(f)) return { kind: 'nan', snan: mag < nanBits(f) };
  if (mag === infBits(f)) return { kind: 'inf', neg };
  const exp = Number(mag >> BigInt(fracBits(f)));
  const frac = mag & ((1n << BigInt(fracBits(f))) - 1n);
  const e = Math.max(exp, 1) - f.emax - fracBits(f);
  return { kind: 'number', neg, m: exp === 0 ? frac : frac | (1n << BigInt(fracBits(f))), e, more: false };
}

/** Rounds to an integer multiple of 2^q: the multiple and whether anything was lost. */
function quantise(x: Exact, q: number, mode: number): { n: bigint; exact: boolean } {
  // Two extra bits below the quantum, the last one sticky.
  const shift = q - 2 - x.e;
  const kept = shift <= 0 ? x.m << BigInt(-shift) : x.m >> BigInt(shift);
  const lost = x.more || (shift > 0 && kept << BigInt(shift) !== x.m);
  const quarter = Number(kept & 3n) + (lost ? 0.5 : 0);
  const n = kept >> 2n;
  let up = false;
  if (mode === 0) up = quarter > 2 || (quarter === 2 && (n & 1n) === 1n);
  else if (mode === 2) up = x.neg && quarter > 0;
  else if (mode === 3) up = !x.neg && quarter > 0;
  else if (mode === 4) up = quarter >= 2;
  return { n: up ? n + 1n : n, exact: quarter === 0 };
}

function encode(f: Format, x: Exact, mode: number): Answer {
  if (x.m === 0n && !x.more) return { bits: withSign(f, x.neg, 0n), flags: 0 };
  const top = bitLength(x.m) - 1 + x.e;
  const free = quantise(x, top - f.p + 1, mode);
  const freeTop = bitLength(free.n) - 1 + (top - f.p + 1);
  if (freeTop > f.emax) {
    const away = mode === 0 || mode === 4 || (mode === 2 && x.neg) || (mode === 3 && !x.neg);
    return { bits: withSign(f, x.neg, away ? infBits(f) : infBits(f) - 1n), flags: OF | NX };
  }
  const q = Math.max(top, f.emin) - f.p + 1;
  const r = quantise(x, q, mode);
  const tiny = freeTop < f.emin;
  const flags = r.exact ? 0 : tiny ? NX | UF : NX;
  // A rounded significand of 2^p carries into the exponent field by itself.
  const mag = (BigInt(q + f.p - 1 - f.emin) << BigInt(fracBits(f))) + r.n;
  return { bits: withSign(f, x.neg, mag), flags };
}

const invalid = (f: Format): Answer => ({ bits: nanBits(f), flags: NV });

function nans(f: Format, ...vs: Value[]): Answer | undefined {
  const found = vs.filter((v) => v.kind === 'nan');
  if (found.length === 0) return undefined;
  return { bits: nanBits(f), flags: found.some((v) => v.snan) ? NV : 0 };
}

const infinite = (f: Format, neg: boolean): Answer => ({ bits: withSign(f, neg, infBits(f)), flags: 0 });

function sum(f: Format, mode: number, x: Value, y: Value): Answer {
  const bad = nans(f, x, y);
  if (bad || x.kind === 'nan' || y.kind === 'nan') return bad!;
  if (x.kind === 'inf') return y.kind === 'inf' && x.neg !== y.neg ? invalid(f) : infinite(f, x.neg);
  if (y.kind === 'inf') return infinite(f, y.neg);
  const e = Math.min(x.e, y.e);
  const signed = (v: Exact): bigint => (v.neg ? -v.m : v.m) << BigInt(v.e - e);
  const total = signed(x) + signed(y);
  if (total === 0n) {
    const neg = x.m === 0n && y.m === 0n && x.neg === y.neg ? x.neg : mode === 2;
    return { bits: withSign(f, neg, 0n), flags: 0 };
  }
  return encode(f, { kind: 'number', neg: total < 0n, m: total < 0n ? -total : total, e, more: false }, mode);
}

const isZero = (v: Value): boolean => v.kind !== 'nan' && v.kind !== 'inf' && v.m === 0n;

function times(x: Value, y: Value): Value {
  if (x.kind === 'nan' || y.kind === 'nan') throw new Error('NaNs are handled before');
  const neg = x.neg !== y.neg;
  if (x.kind === 'inf' || y.kind === 'inf') return { kind: 'inf', neg };
  return { kind: 'number', neg, m: x.m * y.m, e: x.e + y.e, more: false };
}

function product(f: Format, mode: number, x: Value, y: Value): Answer {
  const bad = nans(f, x, y);
  if (bad) return bad;
  if ((x.kind === 'inf' && isZero(y)) || (isZero(x) && y.kind === 'inf')) return invalid(f);
  const r = times(x, y);
  if (r.kind === 'nan') return invalid(f);
  return r.kind === 'inf' ? infinite(f, r.neg) : encode(f, r, mode);
}

function fused(f: Format, mode: number, x: Value, y: Value, z: Value): Answer {
  if ((x.kind === 'inf' && isZero(y)) || (isZero(x) && y.kind === 'inf')) return invalid(f);
  return nans(f, x, y, z) ?? sum(f, mode, times(x, y), z);
}

function quotient(f: Format, mode: number, x: Value, y: Value): Answer {
  const bad = nans(f, x, y);
  if (bad || x.kind === 'nan' || y.kind === 'nan') return bad!;
  const neg = x.neg !== y.neg;
  if (x.kind === 'inf') return y.kind === 'inf' ? invalid(f) : infinite(f, neg);
  if (y.kind === 'inf') return { bits: withSign(f, neg, 0n), flags: 0 };
  if (y.m === 0n) return x.m === 0n ? invalid(f) : { ...infinite(f, neg), flags: DZ };
  const m = (x.m << 200n) / y.m;
  return encode(f, { kind: 'number', neg, m, e: x.e - y.e - 200, more: m * y.m !== x.m << 200n }, mode);
}

function squareRoot(f: Format, mode: number, x: Value): Answer {
  const bad = nans(f, x);
  if (bad || x.kind === 'nan') return bad!;
  if (isZero(x)) return { bits: withSign(f, x.neg, 0n), flags: 0 };
  if (x.neg) return invalid(f);
  if (x.kind === 'inf') return infinite(f, false);
  const odd = Math.abs(x.e % 2);
  const n = x.m << BigInt(200 + odd);
  let lo = 1n << BigInt((bitLength(n) - 1) >> 1);
  // Newton from above: the first step that does not decrease has reached the floor of the root.
  for (let r = lo << 1n; ; r = lo) {
    lo = (r + n / r) >> 1n;
    if (lo >= r) {
      return encode(
        f,
        { kind: 'number', neg: false, m: r, e: (x.e - odd - 200) / 2, more: r * r !== n },
        mode,
      );
    }
  }
}

function toInteger(mode: number, x: Value, width: number, signed: boolean): Answer {
  const min = signed ? -(1n << BigInt(width - 1)) : 0n;
  const max = (1n << BigInt(signed ? width - 1 : width)) - 1n;
  const out = (v: bigint): bigint => BigInt.asUintN(64, width === 32 ? BigInt.asIntN(32, v) : v);
  if (x.kind === 'nan') return { bits: out(max), flags: NV };
  if (x.kind === 'inf') return { bits: out(x.neg ? min : max), flags: NV };
  const r = quantise(x, 0, mode);
  const v = x.neg ? -r.n : r.n;
  if (v < min || v > max) return { bits: out(v < min ? min : max), flags: NV };
  return { bits: out(v), flags: r.exact ? 0 : NX };
}

function fromInteger(f: Format, mode: number, v: bigint): Answer {
  return encode(f, { kind: 'number', neg: v < 0n, m: v < 0n ? -v : v, e: 0, more: false }, mode);
}

/** Sign of x-y for two values that are not NaN; zeros compare equal. */
function compare(x: Value, y: Value): number {
  const key = (v: Value): bigint => {
    if (v.kind === 'nan') throw new Error('unordered');
    const mag = v.kind === 'inf' ? 1n << 2200n : v.m << BigInt(v.e + 1074);
    return v.neg ? -mag : mag;
  };
  const d = key(x) - key(y);
  return d < 0n ? -1 : d > 0n ? 1 : 0;
}

function extreme(f: Format, wantMax: boolean, a: bigint, b: bigint): Answer {
  const x = decode(f, a);
  const y = decode(f, b);
  const flags = [x, y].some((v) => v.kind === 'nan' && v.snan) ? NV : 0;
  if (x.kind === 'nan') return { bits: y.kind === 'nan' ? nanBits(f) : b, flags };
  if (y.kind === 'nan') return { bits: a, flags };
  const c = compare(x, y);
  const aIsLess = c < 0 || (c === 0 && x.neg);
  return { bits: aIsLess !== wantMax ? a : b, flags };
}

function relation(op: string, x: Value, y: Value): Answer {
  if (x.kind === 'nan' || y.kind === 'nan') {
    const signalling = op !== 'eq' || [x, y].some((v) => v.kind === 'nan' && v.snan);
    return { bits: 0n, flags: signalling ? NV : 0 };
  }
  const c = compare(x, y);
  return { bits: (op === 'eq' ? c === 0 : op === 'lt' ? c < 0 : c <= 0) ? 1n : 0n, flags: 0 };
}

function classify(f: Format, bits: bigint): Answer {
  const v = decode(f, bits);
  const at = (n: number): Answer => ({ bits: 1n << BigInt(n), flags: 0 });
  if (v.kind === 'nan') return at(v.snan ? 8 : 9);
  if (v.kind === 'inf') return at(v.neg ? 0 : 7);
  if (v.m === 0n) return at(v.neg ? 3 : 4);
  if (v.m >> BigInt(fracBits(f)) === 0n) return at(v.neg ? 2 : 5);
  return at(v.neg ? 1 : 6);
}

/** The answer of operation `op` (names as in the tests: `add_d`, `s_to_wu`, ...) in mode 0-4. */
export function reference(op: string, mode: number, a: bigint, b: bigint, c: bigint): Answer {
  const parts = op.split('_');
  if (parts[1] === 'to') {
    const [from, , to] = parts;
    const f = from === 's' ? S : D;
    const g = to === 's' ? S : D;
    const ints: Record<string, [number, boolean]> = {
      w: [32, true],
      wu: [32, false],
      l: [64, true],
      lu: [64, false],
    };
    const source = ints[from!];
    const target = ints[to!];
    if (source) {
      const [width, signed] = source;
      return fromInteger(g, mode, signed ? BigInt.asIntN(width, a) : BigInt.asUintN(width, a));
    }
    const x = decode(f, a);
    if (target) return toInteger(mode, x, ...target);
    const bad = nans(g, x);
    if (bad || x.kind === 'nan') return bad!;
    return x.kind === 'inf' ? infinite(g, x.neg) : encode(g, x, mode);
  }
  const f = parts[1] === 's' ? S : D;
  const x = decode(f, a);
  const y = decode(f, b);
  switch (parts[0]) {
    case 'add':
      return sum(f, mode, x, y);
    case 'sub':
      return sum(f, mode, x, decode(f, b ^ signBit(f)));
    case 'mul':
      return product(f, mode, x, y);
    case 'div':
      return quotient(f, mode, x, y);
    case 'sqrt':
      return squareRoot(f, mode, x);
    case 'fma':
      return fused(f, mode, x, y, decode(f, c));
    case 'min':
    case 'max':
      return extreme(f, parts[0] === 'max', a, b);
    case 'class':
      return classify(f, a);
    default:
      return relation(parts[0]!, x, y);
  }
}
