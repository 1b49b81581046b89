/** Punycode (RFC 3492) as Rust v0 names use it: `_` stands where the RFC has the last hyphen. */
import { fail } from './demangle-ast.js';

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_POINT = 0x80;
/** Longer identifiers do not occur; insertion is quadratic. */
const MAX_POINTS = 2_000;

function adapt(delta: number, count: number, first: boolean): number {
  let d = first ? Math.floor(delta / DAMP) : delta >> 1;
  d += Math.floor(d / count);
  let k = 0;
  while (d > ((BASE - T_MIN) * T_MAX) >> 1) {
    d = Math.floor(d / (BASE - T_MIN));
    k += BASE;
  }
  return k + Math.floor(((BASE - T_MIN + 1) * d) / (d + SKEW));
}

function digitValue(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 26;
  return fail();
}

/**
 * The Unicode text of an encoded identifier.
 * @throws DemangleFailure if it is not valid.
 */
export function decodePunycode(encoded: string): string {
  const split = encoded.lastIndexOf('_');
  const points: number[] = [];
  for (let i = 0; i < split; i++) points.push(encoded.charCodeAt(i));
  let pos = split + 1;
  if (pos >= encoded.length) fail();
  let point = INITIAL_POINT;
  let index = 0;
  let bias = INITIAL_BIAS;
  while (pos < encoded.length) {
    const before = index;
    let weight = 1;
    for (let k = BASE; ; k += BASE) {
      if (pos >= encoded.length) fail();
      const digit = digitValue(encoded.charCodeAt(pos++));
      index += digit * weight;
      if (index > 0x7fff_ffff) fail();
      const threshold = k <= bias ? T_MIN : Math.min(k - bias, T_MAX);
      if (digit < threshold) break;
      weight *= BASE - threshold;
    }
    const count = points.length + 1;
    if (count > MAX_POINTS) fail();
    bias = adapt(index - before, count, before === 0);
    point += Math.floor(index / count);
    index %= count;
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) fail();
    points.splice(index++, 0, point);
  }
  return points.map((p) => String.fromCodePoint(p)).join('');
}
