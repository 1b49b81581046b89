/** V8's switches for translated code, to be set before anything is compiled. */
import { setFlagsFromString } from 'node:v8';

/** A module that is valid where relaxed SIMD is on: one function, `unreachable; f64x2.relaxed_madd; drop`. */
const RELAXED = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[10, 9, 1, 7, 0, 0, 0xfd, 0x87, 2, 0x1a, 0x0b],
);

export function prepareV8(): void {
  // Fused multiply-add for fmadd.d. A V8 that has it on by default does not know the switch, and says so.
  if (!WebAssembly.validate(RELAXED)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  // Misses and faults stay out of the way of register allocation.
  setFlagsFromString('--experimental-wasm-branch-hinting');
  // Modules hold code that may never run: V8 checks a function when it first compiles it.
  setFlagsFromString('--wasm-lazy-validation');
}
