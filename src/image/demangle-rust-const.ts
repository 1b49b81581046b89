/** Constants in Rust v0 names: generic arguments and array lengths. */
import { fail } from './demangle-ast.js';
import type { RustReader } from './demangle-rust-reader.js';
import { printPath } from './demangle-rust-v0.js';

const UNSIGNED = 'htmyoj';
const SIGNED = 'aslxni';
const CHAR_ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\t': '\\t',
  '\r': '\\r',
  '\n': '\\n',
  '\\': '\\\\',
};

/** A constant; `bare` where no braces are needed around one that is an expression (inside another, array length). */
export function printConst(r: RustReader, bare: boolean): void {
  r.enter();
  const tag = r.next();
  if (tag === 'p') r.put('_');
  else if (tag === 'B') r.backref(() => printConst(r, bare));
  else if (UNSIGNED.includes(tag)) printInteger(r);
  else if (SIGNED.includes(tag)) {
    if (r.eat('n')) r.put('-');
    printInteger(r);
  } else if (tag === 'b') {
    const digit = r.hex();
    if (digit !== '0' && digit !== '1') fail();
    r.put(digit === '1' ? 'true' : 'false');
  } else if (tag === 'c') {
    const point = Number.parseInt(r.hex(), 16);
    if (!(point <= 0x10ffff) || (point >= 0xd800 && point < 0xe000)) fail();
    r.put(`'${escapeChar(String.fromCodePoint(point), "'")}'`);
  } else printExpressionConst(r, tag, bare);
  r.leave();
}

function printExpressionConst(r: RustReader, tag: string, bare: boolean): void {
  if ((tag === 'R' || tag === 'Q') && r.eat('e')) {
    // A reference to a string is what a string literal is.
    if (tag === 'R') {
      printString(r);
      return;
    }
    r.back();
  }
  if (!bare) r.put('{');
  switch (tag) {
    case 'e':
      r.put('*');
      printString(r);
      break;
    case 'R':
    case 'Q':
      r.put(tag === 'R' ? '&' : '&mut ');
      printConst(r, true);
      break;
    case 'A':
      r.put('[');
      r.separated(', ', () => printConst(r, true));
      r.put(']');
      break;
    case 'T':
      printTuple(r);
      break;
    case 'V':
      printPath(r, true);
      printFields(r);
      break;
    default:
      fail();
  }
  if (!bare) r.put('}');
}

function printTuple(r: RustReader): void {
  r.put('(');
  if (r.separated(', ', () => printConst(r, true)) === 1) r.put(',');
  r.put(')');
}

/** The fields of a struct or enum variant: none, in order, or by name. */
function printFields(r: RustReader): void {
  switch (r.next()) {
    case 'U':
      return;
    case 'T':
      r.put('(');
      r.separated(', ', () => printConst(r, true));
      r.put(')');
      return;
    case 'S':
      r.put(' { ');
      r.separated(', ', () => {
        r.disambiguator();
        r.put(`${r.identifier()}: `);
        printConst(r, true);
      });
      r.put(' }');
      return;
    default:
      fail();
  }
}

/** Up to 64 bits in decimal, longer ones in hex as they are. */
function printInteger(r: RustReader): void {
  const digits = r.hex().replace(/^0+(?=.)/, '');
  if (digits === '') fail();
  r.put(digits.length > 16 ? `0x${digits}` : BigInt(`0x${digits}`).toString());
}

/** UTF-8 bytes in hex. */
function printString(r: RustReader): void {
  const digits = r.hex();
  if (digits.length % 2 !== 0) fail();
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let decoded = '';
  try {
    decoded = text.decode(bytes);
  } catch {
    fail();
  }
  let out = '';
  for (const char of decoded) out += escapeChar(char, '"');
  r.put(`"${out}"`);
}

/** As Rust's debug format escapes it; only the quote in use needs escaping. */
function escapeChar(char: string, quote: string): string {
  if (char === quote) return `\\${quote}`;
  const known = CHAR_ESCAPES[char];
  if (known !== undefined) return known;
  return /[\p{C}\p{Z}\p{Grapheme_Extend}]/u.test(char) && char !== ' '
    ? `\\u{${char.codePointAt(0)!.toString(16)}}`
    : char;
}
