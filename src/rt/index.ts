/** The run time in wasm: everything generated code calls that must be quick. Compiled by AssemblyScript. */
export * from './memory';
export * from './atomics';
export * from './dispatch';
export * from './arith';
export * from './softfloat';
export * from './callstack';
export * from './helgrind';
