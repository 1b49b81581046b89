/** Constant folding (ops.ts) and the code for pure operations (emit-rv.ts) agree with each other, value by value. */
import test from 'ava';
import { T_F, T_PC, T_X } from '../../kernel/core/layout.js';
import { Builder } from '../../src/ir/builder.js';
import { Interpreter } from '../../src/ir/interp.js';
import { c32, c64, isConst, type Opnd, REG_F } from '../../src/ir/ir.js';
import { foldOp, OPS } from '../../src/ir/ops.js';
import { RegionEmitter } from '../../src/jit/codegen.js';
import { I32, I64, ModuleBuilder } from '../../src/jit/wasm.js';
import { ownCell } from '../../src/jit/windows.js';
import { JitRig, LARGE } from '../support/jit-rig.js';

const VALUES = [
  0n,
  1n,
  -1n,
  2n,
  7n,
  63n,
  64n,
  0xffn,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  -0x80000000n,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  -0x8000000000000000n,
  0x0102030405060708n,
  -0x00ff00ff00ff00ffn,
];

/** The operation on registers a0, a1, a2 (or fa0, fa1), its result in a3 or fa3. */
function blockOf(op: string) {
  const info = OPS.get(op)!;
  const b = new Builder(0x1000);
  b.imark(0x1000, 4, 'test');
  const args = info.args.map((ty, i): Opnd => {
    if (ty === 'f64') return b.get(REG_F + 10 + i);
    if (ty === 'f32') return b.op('rv.unbox', b.get(REG_F + 10 + i));
    return ty === 'i64' ? b.get(10 + i) : b.op('i32.wrap_i64', b.get(10 + i));
  });
  const r = b.op(op, ...args);
  if (info.ret === 'f64') b.put(REG_F + 13, r);
  else if (info.ret === 'f32') b.put(REG_F + 13, b.op('rv.box', r));
  else b.put(13, info.ret === 'i64' ? r : b.op('i64.extend_i32_s', r));
  return b.finish({ t: 'ret', target: c64(0x2000) }, 0x1004);
}

test('every pure operation: wasm, interpreter and folding', (t) => {
  const rig = new JitRig(LARGE);
  const { ts, machine } = rig;
  const interp = new Interpreter(machine, ts, {
    translate: () => 0,
    fp: () => {
      throw new Error('no floating point here');
    },
  });
  for (const [op, info] of OPS) {
    const block = blockOf(op);
    const mod = new ModuleBuilder();
    mod.typeIndex([I32, I32, I64], [I64]);
    const region = { head: 0x1000, blocks: [block], index: new Map([[0x1000, 0]]), succ: [[]], callees: [] };
    const e = new RegionEmitter(region, mod, {
      tso: true,
      multi: true,
      fma: false,
      fuel: 9,
      slow: false,
      localFn: () => -1,
      cellOf: ownCell,
    });
    mod.addFunction(0, e.emit(), e.fixups, []);
    const wasm = new WebAssembly.Module(mod.finish(65536) as Uint8Array<ArrayBuffer>);
    const env = {
      ...rig.cache.rt,
      memory: machine.memory,
      exit: () => 1,
    } as unknown as WebAssembly.ModuleImports;
    const run = new WebAssembly.Instance(wasm, { env }).exports['f0'] as (
      a: number,
      b: number,
      c: bigint,
    ) => bigint;
    const seconds = info.args.length > 1 ? VALUES : [0n];
    for (const [i, x] of VALUES.entries()) {
      for (const y of seconds) {
        const z = VALUES[(i * 5 + 3) % VALUES.length]!;
        const inputs = [x, y, z];
        for (const [k, v] of inputs.entries()) {
          machine.dv.setBigInt64(ts + T_X + (10 + k) * 8, v, true);
          // Half of the floating-point inputs are proper boxes.
          machine.dv.setBigInt64(ts + T_F + (10 + k) * 8, k % 2 === i % 2 ? v : v | -0x100000000n, true);
        }
        const at = info.ret.startsWith('f') ? ts + T_F + 13 * 8 : ts + T_X + 13 * 8;
        const name = `${op} ${inputs}`;
        t.is(run(ts, 1, 0x1000n), 0x2000n, name);
        const wasmResult = machine.dv.getBigInt64(at, true);
        machine.dv.setBigInt64(at, 0n, true);
        interp.run(block);
        t.is(machine.dv.getBigInt64(at, true), wasmResult, name);
        t.is(machine.dv.getBigUint64(ts + T_PC, true), 0x2000n);
        const consts = info.args.map((ty, k) =>
          ty === 'i32' ? c32(Number(BigInt.asIntN(32, inputs[k]!))) : c64(inputs[k]!),
        );
        const folded = info.args.some((ty) => ty.startsWith('f')) ? null : foldOp(op, consts);
        if (folded && isConst(folded)) t.is(BigInt(folded.v), wasmResult, name);
      }
    }
  }
});
