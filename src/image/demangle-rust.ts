/**
 * Rust symbol names: the legacy scheme here, v0 (RFC 2603) in demangle-rust-v0.ts. Spelled as libiberty does
 * without its verbose flag: no hash, no crate disambiguators, no types of constants.
 */
export { demangleRustV0 } from './demangle-rust-v0.js';

const LEGACY_CHARS = /^_ZN[A-Za-z0-9_.:$]+$/;
const HASH = /^h[0-9a-f]{16}$/;
/** Fewer distinct digits than a real hash ever has: a C++ function called h0000000000000000 keeps its name. */
const MIN_DISTINCT_DIGITS = 5;

const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

/** Demangles `_ZN..17h<16 hex digits>E`; null when the name is not of that form (it is C++ then). */
export function demangleRustLegacy(name: string): string | null {
  if (!LEGACY_CHARS.test(name)) return null;
  const parts: string[] = [];
  let pos = 3;
  while (name[pos] !== 'E') {
    const digits = /^[1-9][0-9]{0,5}/.exec(name.slice(pos, pos + 6));
    if (digits === null) return null;
    pos += digits[0].length;
    const end = pos + Number(digits[0]);
    if (end >= name.length) return null;
    parts.push(name.slice(pos, end));
    pos = end;
  }
  // What may follow the E is a suffix of the linker or of LTO, which is not shown.
  if (pos + 1 < name.length && name[pos + 1] !== '.') return null;
  const hash = parts.pop();
  if (hash === undefined || parts.length === 0 || !HASH.test(hash)) return null;
  if (new Set(hash.slice(1)).size < MIN_DISTINCT_DIGITS) return null;
  const readable: string[] = [];
  for (const part of parts) {
    const text = unescapePart(part);
    if (text === null) return null;
    readable.push(text);
  }
  return readable.join('::');
}

/** One path component: `$..$` escapes, `..` for `::`; null if an escape is unknown. */
function unescapePart(part: string): string | null {
  // An underscore keeps a component that starts with an escape a valid identifier.
  const text = part.startsWith('_$') ? part.slice(1) : part;
  let out = '';
  for (let i = 0; i < text.length; ) {
    if (text.startsWith('..', i)) {
      out += '::';
      i += 2;
    } else if (text[i] === '$') {
      const end = text.indexOf('$', i + 1);
      const char = end < 0 ? null : unescapeCode(text.slice(i + 1, end));
      if (char === null) return null;
      out += char;
      i = end + 1;
    } else out += text[i++];
  }
  return out;
}

function unescapeCode(code: string): string | null {
  const known = ESCAPES[code];
  if (known !== undefined) return known;
  if (!/^u[0-9a-f]{1,6}$/.test(code)) return null;
  const point = Number.parseInt(code.slice(1), 16);
  const isControl = point < 0x20 || (point >= 0x7f && point < 0xa0);
  const isSurrogate = point >= 0xd800 && point < 0xe000;
  return isControl || isSurrogate || point > 0x10ffff ? null : String.fromCodePoint(point);
}
