/** Lifters of the F and D extensions. Source of semantics: RISC-V unprivileged ISA, chapters F and D. */
import type { Insn } from '../isa/decode.js';
import type { Builder } from './builder.js';
import { c32, c64, EXIT_ILLEGAL, type Opnd, REG_F, REG_FCSR } from './ir.js';
import { addLifter } from './lift.js';

type Fmt = 's' | 'd';

const getF = (b: Builder, r: number, fmt: Fmt): Opnd => {
  const v = b.get(REG_F + r);
  return fmt === 'd' ? v : b.op('rv.unbox', v);
};
const putF = (b: Builder, r: number, fmt: Fmt, v: Opnd): void => {
  b.put(REG_F + r, fmt === 'd' ? v : b.op('rv.box', v));
};

/** A dynamic rounding mode of 5..7 in frm makes the instruction illegal. */
function checkRm(b: Builder, i: Insn): void {
  if (i.rm !== 7) return;
  const frm = b.op('i32.shr_u', b.get(REG_FCSR), c32(5));
  b.exitif(b.op('i32.gt_u', frm, c32(4)), EXIT_ILLEGAL);
}

for (const fmt of ['s', 'd'] as const) {
  const ty = fmt === 'd' ? 'f64' : 'f32';
  for (const n of ['add', 'sub', 'mul', 'div']) {
    addLifter(`f${n}.${fmt}`, (b, i) => {
      checkRm(b, i);
      putF(b, i.rd, fmt, b.fp(`${n}_${fmt}`, i.rm, getF(b, i.rs1, fmt), getF(b, i.rs2, fmt)));
      return undefined;
    });
  }
  addLifter(`fsqrt.${fmt}`, (b, i) => {
    checkRm(b, i);
    putF(b, i.rd, fmt, b.fp(`sqrt_${fmt}`, i.rm, getF(b, i.rs1, fmt)));
    return undefined;
  });
  for (const [n, negProduct, negAddend] of [
    ['fmadd', false, false],
    ['fmsub', false, true],
    ['fnmsub', true, false],
    ['fnmadd', true, true],
  ] as const) {
    addLifter(`${n}.${fmt}`, (b, i) => {
      checkRm(b, i);
      const x = getF(b, i.rs1, fmt);
      const y = getF(b, i.rs2, fmt);
      const z = getF(b, i.rs3, fmt);
      const x2 = negProduct ? b.op(`${ty}.neg`, x) : x;
      const z2 = negAddend ? b.op(`${ty}.neg`, z) : z;
      putF(b, i.rd, fmt, b.fp(`fma_${fmt}`, i.rm, x2, y, z2));
      return undefined;
    });
  }
  for (const n of ['min', 'max']) {
    addLifter(`f${n}.${fmt}`, (b, i) => {
      putF(b, i.rd, fmt, b.fp(`${n}_${fmt}`, 0, getF(b, i.rs1, fmt), getF(b, i.rs2, fmt)));
      return undefined;
    });
  }
  for (const n of ['eq', 'lt', 'le']) {
    addLifter(`f${n}.${fmt}`, (b, i) => {
      const r = b.fp(`${n}_${fmt}`, 0, getF(b, i.rs1, fmt), getF(b, i.rs2, fmt));
      b.put(i.rd, b.op('i64.extend_i32_u', r));
      return undefined;
    });
  }
  for (const n of ['w', 'wu', 'l', 'lu']) {
    addLifter(`fcvt.${n}.${fmt}`, (b, i) => {
      checkRm(b, i);
      b.put(i.rd, b.fp(`${fmt}_to_${n}`, i.rm, getF(b, i.rs1, fmt)));
      return undefined;
    });
  }
  for (const n of ['l', 'lu']) {
    addLifter(`fcvt.${fmt}.${n}`, (b, i) => {
      checkRm(b, i);
      putF(b, i.rd, fmt, b.fp(`${n}_to_${fmt}`, i.rm, b.get(i.rs1)));
      return undefined;
    });
  }
}

addLifter('fcvt.d.w', (b, i) => {
  putF(b, i.rd, 'd', b.op('f64.convert_i32_s', b.op('i32.wrap_i64', b.get(i.rs1))));
  return undefined;
});
addLifter('fcvt.d.wu', (b, i) => {
  putF(b, i.rd, 'd', b.op('f64.convert_i32_u', b.op('i32.wrap_i64', b.get(i.rs1))));
  return undefined;
});
for (const n of ['w', 'wu']) {
  addLifter(`fcvt.s.${n}`, (b, i) => {
    checkRm(b, i);
    putF(b, i.rd, 's', b.fp(`${n}_to_s`, i.rm, b.get(i.rs1)));
    return undefined;
  });
}
addLifter('fcvt.d.s', (b, i) => {
  putF(b, i.rd, 'd', b.fp('s_to_d', 0, getF(b, i.rs1, 's')));
  return undefined;
});
addLifter('fcvt.s.d', (b, i) => {
  checkRm(b, i);
  putF(b, i.rd, 's', b.fp('d_to_s', i.rm, getF(b, i.rs1, 'd')));
  return undefined;
});

// --- bit moves: sign injection, moves, class ------------------------------------------------------------------

const bits = (b: Builder, r: number): Opnd => b.op('i64.reinterpret_f64', b.get(REG_F + r));
const bits32 = (b: Builder, r: number): Opnd =>
  b.op('i32.reinterpret_f32', b.op('rv.unbox', b.get(REG_F + r)));
const SIGN64 = c64(-(1n << 63n));
const SIGN32 = c32(-0x80000000);

for (const [name, how] of [
  ['fsgnj', 'copy'],
  ['fsgnjn', 'not'],
  ['fsgnjx', 'xor'],
] as const) {
  addLifter(`${name}.d`, (b, i) => {
    if (how === 'copy' && i.rs1 === i.rs2) {
      b.put(REG_F + i.rd, b.get(REG_F + i.rs1));
      return undefined;
    }
    const x = bits(b, i.rs1);
    const y = how === 'not' ? b.op('i64.xor', bits(b, i.rs2), c64(-1)) : bits(b, i.rs2);
    const sign = b.op('i64.and', y, SIGN64);
    const r =
      how === 'xor'
        ? b.op('i64.xor', x, sign)
        : b.op('i64.or', b.op('i64.and', x, c64((1n << 63n) - 1n)), sign);
    b.put(REG_F + i.rd, b.op('f64.reinterpret_i64', r));
    return undefined;
  });
  addLifter(`${name}.s`, (b, i) => {
    const x = bits32(b, i.rs1);
    const y = how === 'not' ? b.op('i32.xor', bits32(b, i.rs2), c32(-1)) : bits32(b, i.rs2);
    const sign = b.op('i32.and', y, SIGN32);
    const r =
      how === 'xor' ? b.op('i32.xor', x, sign) : b.op('i32.or', b.op('i32.and', x, c32(0x7fffffff)), sign);
    putF(b, i.rd, 's', b.op('f32.reinterpret_i32', r));
    return undefined;
  });
}
addLifter('fmv.x.d', (b, i) => {
  b.put(i.rd, bits(b, i.rs1));
  return undefined;
});
addLifter('fmv.d.x', (b, i) => {
  b.put(REG_F + i.rd, b.op('f64.reinterpret_i64', b.get(i.rs1)));
  return undefined;
});
addLifter('fmv.x.w', (b, i) => {
  b.put(i.rd, b.op('i64.extend32_s', bits(b, i.rs1)));
  return undefined;
});
addLifter('fmv.w.x', (b, i) => {
  const boxed = b.op('i64.or', b.get(i.rs1), c64(-4294967296));
  b.put(REG_F + i.rd, b.op('f64.reinterpret_i64', boxed));
  return undefined;
});
addLifter('fclass.d', (b, i) => {
  b.put(i.rd, b.call('class_d', 'i64', false, bits(b, i.rs1))!);
  return undefined;
});
addLifter('fclass.s', (b, i) => {
  b.put(i.rd, b.call('class_s', 'i64', false, bits32(b, i.rs1))!);
  return undefined;
});
