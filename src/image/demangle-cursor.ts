/** Reading position, substitution table and bounds of one parse of an Itanium C++ ABI name. */
import { fail, type Node } from './demangle-ast.js';

/** Nesting that no compiler produces; far below what the JavaScript stack takes. */
const MAX_DEPTH = 512;
/** Productions parsed for one name: room for names of 64 KB, an end for crafted ones. */
const MAX_STEPS = 400_000;

const CODE_0 = 0x30;
const CODE_9 = 0x39;

export class Cursor {
  readonly src: string;
  pos = 0;
  subs: Node[] = [];
  /** Inside the type of a conversion operator, where template arguments may belong to the operator. */
  inConversion = false;
  /** How `sr` and an identifier reads: as a list of scopes closed by `E` (the ABI, clang), or as a type (older GCC). */
  readonly listedScopes: boolean;
  /** Set when `listedScopes` decided something, so that the other reading is worth trying. */
  readListedScopes = false;
  private depth = 0;
  private steps = 0;

  constructor(src: string, listedScopes = true) {
    this.src = src;
    this.listedScopes = listedScopes;
  }

  /** The character `ahead` places on, or '' past the end. */
  peek(ahead = 0): string {
    return this.src.charAt(this.pos + ahead);
  }

  /** Whether the text at the cursor starts with `text`. */
  at(text: string): boolean {
    return this.src.startsWith(text, this.pos);
  }

  /** Steps over `text` if it is next. */
  eat(text: string): boolean {
    if (!this.src.startsWith(text, this.pos)) return false;
    this.pos += text.length;
    return true;
  }

  /** Steps over `text`, which must be next. */
  expect(text: string): void {
    if (!this.eat(text)) fail();
  }

  /** Opens one level of grammar; every call is paired with `leave`. */
  enter(): void {
    if (++this.depth > MAX_DEPTH || ++this.steps > MAX_STEPS) fail();
  }

  leave(): void {
    this.depth--;
  }

  atDigit(): boolean {
    const c = this.src.charCodeAt(this.pos);
    return c >= CODE_0 && c <= CODE_9;
  }

  /** A decimal number without sign; at most 9 digits, as every use is a length or a count. */
  number(): number {
    const start = this.pos;
    while (this.atDigit()) this.pos++;
    const digits = this.pos - start;
    if (digits === 0 || digits > 9) fail();
    return Number(this.src.slice(start, this.pos));
  }

  /** `_` is 0, `n_` is n + 1: the sequence ids of template parameters, lambdas, discriminated things. */
  sequence(): number {
    if (this.eat('_')) return 0;
    const n = this.number();
    this.expect('_');
    return n + 1;
  }

  /** A signed number as used in thunk offsets: digits with `n` for minus; the value is not needed. */
  skipSigned(): void {
    this.eat('n');
    if (!this.atDigit()) fail();
    while (this.atDigit()) this.pos++;
  }

  /** Records a substitution candidate and returns it. */
  remember(node: Node): Node {
    this.subs.push(node);
    return node;
  }
}
