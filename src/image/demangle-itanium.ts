/** Entry of the Itanium C++ ABI demangler: one whole symbol name. Facts: the ABI's chapter 5.1, and libiberty's spelling. */
import { fail } from './demangle-ast.js';
import { Cursor } from './demangle-cursor.js';
import { parseEncoding } from './demangle-names.js';
import { Printer } from './demangle-print.js';

/** What the compiler appends to the copies it makes of a function: `.constprop.0`, `.part.3`, `.cold`, `.123`. */
const CLONE = /\.[a-z0-9_]+(?:\.[0-9]+)*/y;

/**
 * Demangles `_Z...`.
 * @throws DemangleFailure if the name is not well formed or exceeds a bound (nesting, work, 64 KB of output).
 */
export function demangleItanium(name: string): string {
  const c = new Cursor(name, true);
  try {
    return demangleWith(c);
  } catch (error) {
    if (!c.readListedScopes) throw error;
    return demangleWith(new Cursor(name, false));
  }
}

function demangleWith(c: Cursor): string {
  const name = c.src;
  c.expect('_Z');
  const tree = parseEncoding(c);
  const printer = new Printer();
  printer.print(tree);
  let pos = c.pos;
  while (pos < name.length) {
    CLONE.lastIndex = pos;
    const clone = CLONE.exec(name);
    if (clone === null) fail();
    printer.put(` [clone ${clone[0]}]`);
    pos = CLONE.lastIndex;
  }
  return printer.out;
}
