/** The run time in wasm: everything generated code calls that must be quick. Compiled by AssemblyScript. */

export * from './arith';
export * from './atomics';
export * from './audit';
export * from './callstack';
export * from './dispatch';
export * from './helgrind';
export * from './hg-atomics';
export * from './hg-clocks';
export * from './hg-objects';
export { heat } from './interpret';
export * from './memory';
export * from './own';
export * from './softfloat';
