/** Symbol names as people read them: C++ (Itanium ABI) and Rust (legacy and v0) in libiberty's spelling. */
import { demangleItanium } from './demangle-itanium.js';
import { demangleRustLegacy, demangleRustV0 } from './demangle-rust.js';

/** Longest name looked at, in UTF-16 code units. */
const MAX_INPUT = 65_536;

const GLOBAL_STRUCTOR = /^_GLOBAL_[._$]([ID])_(.+)$/s;

/**
 * The readable form of a linker symbol, or `name` itself when it is not mangled, is malformed, or would exceed a
 * bound (64 KB of output, nesting, work). Never throws. Spelled as Valgrind shows names, that is as `c++filt -i`.
 */
export function demangle(name: string): string {
  if (name.length > MAX_INPUT || name.charCodeAt(0) !== 0x5f) return name;
  // ld writes the version of an imported symbol behind its name.
  const version = name.indexOf('@');
  if (version > 0) return demangle(name.slice(0, version)) + name.slice(version);
  try {
    if (name.startsWith('_Z')) return demangleRustLegacy(name) ?? demangleItanium(name);
    if (name.startsWith('_R')) return demangleRustV0(name);
    const structor = GLOBAL_STRUCTOR.exec(name);
    if (structor === null) return name;
    const kind = structor[1] === 'I' ? 'constructors' : 'destructors';
    return `global ${kind} keyed to ${demangle(structor[2])}`;
  } catch {
    // Malformed, out of bounds, or out of stack (the caller may be deep in its own): the raw name is still right.
    return name;
  }
}
