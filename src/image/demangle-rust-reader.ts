/** Reads the tokens of a Rust v0 name and collects what is printed, within bounds. */
import { fail } from './demangle-ast.js';
import { decodePunycode } from './demangle-punycode.js';

const MAX_DEPTH = 400;
/** Back references can multiply work without bound. */
const MAX_STEPS = 200_000;
const MAX_OUTPUT = 65_536;

export class RustReader {
  out = '';
  /** Parsing a part that is not shown. */
  silent = false;
  /** Lifetimes bound by the `for<..>` binders around the place being printed. */
  boundLifetimes = 0;
  private readonly src: string;
  private pos = 0;
  private depth = 0;
  private steps = 0;

  /** `src` is the symbol without `_R` and without suffix: back references count from there. */
  constructor(src: string) {
    this.src = src;
  }

  enter(): void {
    if (++this.depth > MAX_DEPTH || ++this.steps > MAX_STEPS) fail();
  }

  leave(): void {
    this.depth--;
  }

  put(text: string): void {
    if (this.silent) return;
    this.out += text;
    if (this.out.length > MAX_OUTPUT) fail();
  }

  atEnd(): boolean {
    return this.pos >= this.src.length;
  }

  next(): string {
    if (this.pos >= this.src.length) fail();
    return this.src.charAt(this.pos++);
  }

  /** Undoes the last `next`. */
  back(): void {
    this.pos--;
  }

  eat(char: string): boolean {
    if (this.src.charAt(this.pos) !== char) return false;
    this.pos++;
    return true;
  }

  expect(char: string): void {
    if (!this.eat(char)) fail();
  }

  /** Parses without printing. */
  silently(body: () => void): void {
    const outer = this.silent;
    this.silent = true;
    body();
    this.silent = outer;
  }

  /** Runs `one` until `E`, printing `separator` between; how often it ran. */
  separated(separator: string, one: () => void): number {
    let count = 0;
    while (!this.eat('E')) {
      if (count++ > 0) this.put(separator);
      if (++this.steps > MAX_STEPS) fail();
      one();
    }
    return count;
  }

  /** `_` is 0; else base 62 digits up to `_`, plus 1. At most 64 bits. */
  base62(): bigint {
    if (this.eat('_')) return 0n;
    let value = 0n;
    for (;;) {
      const ch = this.next();
      if (ch === '_') break;
      const code = ch.charCodeAt(0);
      let digit: number;
      if (code <= 0x39) digit = code - 0x30;
      else if (code >= 0x61) digit = code - 0x61 + 10;
      else digit = code - 0x41 + 36;
      value = value * 62n + BigInt(digit);
      if (value >> 64n !== 0n) fail();
    }
    return value + 1n;
  }

  /** `s` and a number, one more than it; 0 where absent. */
  disambiguator(): bigint {
    return this.eat('s') ? this.base62() + 1n : 0n;
  }

  /** An identifier without disambiguator: `[u] length [_] text`, where `u` marks Punycode. */
  identifier(): string {
    const isPunycode = this.eat('u');
    const digits = /^(?:0|[1-9][0-9]{0,5})/.exec(this.src.slice(this.pos, this.pos + 6));
    if (digits === null) fail();
    this.pos += digits[0].length;
    const length = Number(digits[0]);
    this.eat('_');
    const text = this.src.slice(this.pos, this.pos + length);
    if (text.length !== length) fail();
    this.pos += length;
    return isPunycode ? decodePunycode(text) : text;
  }

  /** Lower-case hex digits up to `_`. */
  hex(): string {
    const end = this.src.indexOf('_', this.pos);
    if (end < 0) fail();
    const text = this.src.slice(this.pos, end);
    if (!/^[0-9a-f]*$/.test(text)) fail();
    this.pos = end + 1;
    return text;
  }

  /** Runs `body` at an earlier place of the name, which must lie before the reference itself. */
  backref(body: () => void): void {
    const start = this.pos - 1;
    const target = this.base62();
    if (target >= BigInt(start)) fail();
    // What is not shown need not be followed.
    if (this.silent) return;
    const resume = this.pos;
    this.pos = Number(target);
    body();
    this.pos = resume;
  }
}
