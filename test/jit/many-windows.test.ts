/** More windows at once than there are cells for them, or places to remember them. */
import test from 'ava';
import { CODE, codeRig, ecall, i, runFrom } from '../support/code-rig.js';
import { COLD, interpret, LARGE, PROT_RW, type RigOptions } from '../support/jit-rig.js';

const SIGSEGV = 11;
const [T0, T1, S0, S1, A0, S2, S3] = [5, 6, 8, 9, 10, 18, 19];
const WARM: RigOptions = { ...LARGE, heat: 4 };
const WAYS: [string, RigOptions][] = [
  ['translated', LARGE],
  ['warm', WARM],
  ['interpreted', COLD],
];

const P = 0x20000;

test('more windows than cells, each at a site of its own', (t) => {
  const windows = 40;
  const base = 0x100000;
  const words: number[] = [];
  for (let n = 0; n < windows; n++) {
    // s3 = a page of its own; adds what is there to a0 and leaves the sum.
    words.push(
      i('lui', { rd: S3, imm: base + n * 0x2000 }),
      i('ld', { rd: T1, rs1: S3, imm: 8 * n }),
      i('add', { rd: A0, rs1: A0, rs2: T1 }),
      i('sd', { rs1: S3, rs2: A0, imm: 8 * n }),
    );
  }
  words.push(i('addi', { rd: T0, rs1: T0, imm: -1 }));
  words.push(i('bne', { rs1: T0, rs2: 0, imm: -4 * words.length }), ecall);
  const results = [LARGE, WARM, COLD, null].map((options) => {
    const rig = codeRig(options ?? LARGE, words);
    for (let n = windows - 1; n >= 0; n--) {
      rig.map(base + n * 0x2000, 4096, PROT_RW);
      rig.mem.copyOut(base + n * 0x2000 + 8 * n, Uint8Array.of(n + 1));
    }
    // The last one by the interpreter of the IR.
    if (options) return [...runFrom(rig, CODE, { [T0]: 50 }).x];
    const r = rig.registers();
    r.x[T0] = 50n;
    rig.setRegisters(r, CODE);
    interpret(rig);
    return [...rig.registers().x];
  });
  for (const [n, got] of results.entries()) t.deepEqual(got, results[3], `${n}`);
});

test('no window used lately outlives its mapping', (t) => {
  for (const [name, options] of WAYS) {
    // s2 walks over pages 8 KiB apart, more of them than windows are remembered, s3 of them in a round.
    const words = [
      i('ld', { rd: T1, rs1: S2, imm: 0 }),
      i('add', { rd: A0, rs1: A0, rs2: T1 }),
      i('add', { rd: S2, rs1: S2, rs2: S3 }),
      i('bne', { rs1: S2, rs2: S1, imm: -12 }),
      i('addi', { rd: S2, rs1: S0, imm: 0 }),
      ecall,
      i('addi', { rd: T0, rs1: T0, imm: -1 }),
      i('bne', { rs1: T0, rs2: 0, imm: -28 }),
      ecall,
    ];
    const pages = 12;
    for (let gone = 0; gone < pages; gone++) {
      const rig = codeRig(options, words);
      for (let n = 0; n < pages; n++) {
        rig.map(P + n * 0x2000, 4096, PROT_RW);
        rig.mem.copyOut(P + n * 0x2000, Uint8Array.of(1));
      }
      let round = 0;
      rig.onSyscall = () => {
        round++;
        if (round === 8) rig.space.unmap(P + gone * 0x2000, 4096);
      };
      const { x } = runFrom(rig, CODE, {
        [S0]: P,
        [S1]: P + pages * 0x2000,
        [S2]: P,
        [S3]: 0x2000,
        [T0]: 20,
      });
      t.deepEqual(rig.trap, { signo: SIGSEGV, code: 1, addr: P + gone * 0x2000, pc: CODE }, name);
      t.is(x[A0], BigInt(8 * pages + gone), name);
    }
  }
});
