/** Whether this host's `f64x2.relaxed_madd` is a true fused multiply-add; wasm allows it to round twice. */
import { Bytes, F64, ModuleBuilder, W } from './wasm.js';

let answer: boolean | undefined;

export function hasFusedMadd(memory: WebAssembly.Memory, pages: number): boolean {
  answer ??= probe(memory, pages);
  return answer;
}

function probe(memory: WebAssembly.Memory, pages: number): boolean {
  const mod = new ModuleBuilder();
  const body = new Bytes();
  body.u32(0);
  for (let i = 0; i < 3; i++) {
    body.u8(W.get);
    body.u32(i);
    body.u8(0xfd);
    body.u32(20);
  }
  body.u8(0xfd);
  body.u32(0x107);
  body.u8(0xfd);
  body.u32(33);
  body.u8(0);
  body.u8(W.end);
  mod.addFunction(mod.typeIndex([F64, F64, F64], [F64]), body, [], []);
  const bytes = mod.finish(pages) as Uint8Array<ArrayBuffer>;
  // Without relaxed SIMD the module is not valid, and fmadd goes to the run time.
  if (!WebAssembly.validate(bytes)) return false;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const madd = exports['f0'] as (a: number, b: number, c: number) => number;
    // (1 + e)(1 - e) - 1 is -e^2 exactly; rounding the product first gives 0.
    const e = 2 ** -30;
    return madd(1 + e, 1 - e, -1) === -(e * e);
  } catch {
    return false;
  }
}
