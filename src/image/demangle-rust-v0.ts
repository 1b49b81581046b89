/** Rust v0 symbol names (RFC 2603, and its extension to string and structured constants): paths, types, lifetimes. */
import { fail } from './demangle-ast.js';
import { printConst } from './demangle-rust-const.js';
import { RustReader } from './demangle-rust-reader.js';

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

/**
 * Demangles `_R...`.
 * @throws DemangleFailure if the name is not well formed or exceeds a bound (nesting, work, 64 KB of output).
 */
export function demangleRustV0(name: string): string {
  // Vendor suffixes (.llvm.123, .cold) are not shown; the name itself has no dots.
  const match = /^_R([A-Za-z0-9_]+)(?:\..*)?$/s.exec(name);
  if (match === null) fail();
  const r = new RustReader(match[1]);
  if (!/^[A-Z]/.test(match[1])) fail();
  printPath(r, true);
  if (!r.atEnd()) r.silently(() => printPath(r, false)); // the crate that instantiated it
  if (!r.atEnd() || r.out === '') fail();
  return r.out;
}

/** A path; `inValue` where `::<..>` is needed to tell generic arguments from a comparison. */
export function printPath(r: RustReader, inValue: boolean): void {
  printOpenPath(r, inValue, false);
}

/** Prints a path; with `leaveOpen`, true if it ends in generic arguments that still lack their `>`. */
function printOpenPath(r: RustReader, inValue: boolean, leaveOpen: boolean): boolean {
  r.enter();
  let open = false;
  const tag = r.next();
  switch (tag) {
    case 'C':
      r.disambiguator();
      r.put(r.identifier());
      break;
    case 'M':
    case 'X':
      r.silently(() => {
        r.disambiguator();
        printPath(r, false);
      });
      printQualifiedSelf(r, tag === 'X');
      break;
    case 'Y':
      printQualifiedSelf(r, true);
      break;
    case 'N':
      printNested(r, inValue);
      break;
    case 'I':
      printPath(r, inValue);
      if (inValue) r.put('::');
      r.put('<');
      r.separated(', ', () => printGenericArg(r));
      open = leaveOpen;
      if (!open) r.put('>');
      break;
    case 'B':
      r.backref(() => {
        open = printOpenPath(r, inValue, leaveOpen);
      });
      break;
    default:
      fail();
  }
  r.leave();
  return open;
}

/** `<T>` or `<T as Trait>`. */
function printQualifiedSelf(r: RustReader, hasTrait: boolean): void {
  r.put('<');
  printType(r);
  if (hasTrait) {
    r.put(' as ');
    printPath(r, false);
  }
  r.put('>');
}

function printNested(r: RustReader, inValue: boolean): void {
  const namespace = r.next();
  if (!/[A-Za-z]/.test(namespace)) fail();
  printPath(r, inValue);
  const index = r.disambiguator();
  const name = r.identifier();
  if (namespace >= 'a') {
    if (name !== '') r.put(`::${name}`);
    return;
  }
  const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
  r.put(`::{${kind}${name === '' ? '' : `:${name}`}#${index}}`);
}

function printGenericArg(r: RustReader): void {
  if (r.eat('L')) printLifetime(r, r.base62());
  else if (r.eat('K')) printConst(r, false);
  else printType(r);
}

/** 0 is the erased lifetime; others count outwards from the innermost binder. */
function printLifetime(r: RustReader, index: bigint): void {
  if (index === 0n) {
    r.put("'_");
    return;
  }
  const depth = BigInt(r.boundLifetimes) - index;
  if (depth < 0n) {
    // A skipped part may lack the binder that gave the lifetime its meaning.
    if (r.silent) return;
    fail();
  }
  r.put(depth < 26n ? `'${String.fromCharCode(0x61 + Number(depth))}` : `'_${depth}`);
}

/** A type. */
export function printType(r: RustReader): void {
  r.enter();
  const tag = r.next();
  const basic = BASIC_TYPES[tag];
  if (basic !== undefined) r.put(basic);
  else printCompoundType(r, tag);
  r.leave();
}

function printCompoundType(r: RustReader, tag: string): void {
  switch (tag) {
    case 'R':
    case 'Q':
      r.put('&');
      if (r.eat('L')) {
        const lifetime = r.base62();
        if (lifetime !== 0n) {
          printLifetime(r, lifetime);
          r.put(' ');
        }
      }
      if (tag === 'Q') r.put('mut ');
      printType(r);
      return;
    case 'P':
    case 'O':
      r.put(tag === 'P' ? '*const ' : '*mut ');
      printType(r);
      return;
    case 'A':
    case 'S':
      r.put('[');
      printType(r);
      if (tag === 'A') {
        r.put('; ');
        printConst(r, true);
      }
      r.put(']');
      return;
    case 'T': {
      r.put('(');
      if (r.separated(', ', () => printType(r)) === 1) r.put(',');
      r.put(')');
      return;
    }
    case 'F':
      inBinder(r, () => printFunction(r));
      return;
    case 'D': {
      r.put('dyn ');
      inBinder(r, () => r.separated(' + ', () => printDynTrait(r)));
      r.expect('L');
      const lifetime = r.base62();
      if (lifetime !== 0n) {
        r.put(' + ');
        printLifetime(r, lifetime);
      }
      return;
    }
    case 'B':
      r.backref(() => printType(r));
      return;
    default:
      r.back();
      printPath(r, false);
  }
}

/** `for<'a, ..>` in front of what `body` prints, its lifetimes in force meanwhile. */
function inBinder(r: RustReader, body: () => void): void {
  const bound = r.eat('G') ? r.base62() + 1n : 0n;
  // Every bound lifetime is printed, so a crafted count must not run away.
  if (bound > 1_000n) fail();
  const count = Number(bound);
  if (count > 0) {
    r.put('for<');
    for (let i = 0; i < count; i++) {
      if (i > 0) r.put(', ');
      r.boundLifetimes++;
      printLifetime(r, 1n);
    }
    r.put('> ');
  }
  body();
  r.boundLifetimes -= count;
}

function printFunction(r: RustReader): void {
  if (r.eat('U')) r.put('unsafe ');
  if (r.eat('K')) {
    const abi = r.eat('C') ? 'C' : r.identifier().replaceAll('_', '-');
    r.put(`extern "${abi}" `);
  }
  r.put('fn(');
  r.separated(', ', () => printType(r));
  r.put(')');
  if (r.eat('u')) return;
  r.put(' -> ');
  printType(r);
}

/** A trait of a `dyn` type; its associated types join the generic arguments. */
function printDynTrait(r: RustReader): void {
  let open = printOpenPath(r, false, true);
  while (r.eat('p')) {
    r.put(open ? ', ' : '<');
    open = true;
    r.put(`${r.identifier()} = `);
    printType(r);
  }
  if (open) r.put('>');
}
