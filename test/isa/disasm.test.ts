import test from 'ava';
import { decode } from '../../src/isa/decode.js';
import { disasm } from '../../src/isa/disasm.js';
import { CSR_NAMES, csrName, F_NAMES, X_NAMES } from '../../src/isa/regs.js';

const text = (raw: number, pc = 0) => disasm(decode(raw), pc, raw);

test('targets are absolute and wrap at 2^64', (t) => {
  t.is(text(0xfe000ee3, 0x1000), 'beq zero,zero,0xffc');
  t.is(text(0xfe000ee3, 0), 'beq zero,zero,0xfffffffffffffffc');
  t.is(text(0x0040006f, 0x7f_ffff_f000), 'jal zero,0x7ffffff004');
});

test('fence sets', (t) => {
  t.is(text(0x0ff0000f), 'fence iorw,iorw');
  t.is(text(0x08f0000f), 'fence i,iorw');
  t.is(text(0x0120000f), 'fence w,r');
  t.is(text(0x0100000f), 'fence w,unknown');
});

test('register names follow the psABI', (t) => {
  const at = (names: readonly string[], ...i: number[]) => i.map((n) => names[n]).join(' ');
  t.is(at(X_NAMES, 0, 1, 2, 3, 4, 5, 8, 10, 17, 18, 27, 28, 31), 'zero ra sp gp tp t0 s0 a0 a7 s2 s11 t3 t6');
  t.is(at(F_NAMES, 0, 7, 8, 9, 10, 17, 18, 27, 28, 31), 'ft0 ft7 fs0 fs1 fa0 fa7 fs2 fs11 ft8 ft11');
  t.is(X_NAMES.length, 32);
  t.is(F_NAMES.length, 32);
});

test('csr names', (t) => {
  t.deepEqual([...CSR_NAMES.keys()], [1, 2, 3, 0xc00, 0xc01, 0xc02]);
  t.is(csrName(3), 'fcsr');
  t.is(csrName(0x300), '0x300');
});
