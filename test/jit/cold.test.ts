/** Cold code is interpreted until it is warm: when that ends, and that it makes no difference. */
import test from 'ava';
import { addCode, bytesOf, CODE, codeRig, ecall, i, li, PROT_RWX, runFrom } from '../support/code-rig.js';
import { COLD, JitRig, LARGE, PROT_RW, PROT_RX, type RigOptions } from '../support/jit-rig.js';

const SIGILL = 4;
const SIGSEGV = 11;
const [RA, SP, T0, T1, A0, A1, S2] = [1, 2, 5, 6, 10, 11, 18];

const warmAt = (heat: number): RigOptions => ({ ...LARGE, heat });
/** Translated at once, after a few arrivals, and never where the interpreter can do it. */
const WAYS: [string, RigOptions][] = [
  ['translated', LARGE],
  ['warm after 3', warmAt(3)],
  ['warm after 40', warmAt(40)],
  ['interpreted', COLD],
];

const modules = (rig: JitRig): number => rig.store.stats().modules;

/** t0 counts up to t1. */
const COUNT = [i('addi', { rd: T0, rs1: T0, imm: 1 }), i('bne', { rs1: T0, rs2: T1, imm: -4 }), ecall];

test('a loop is translated at the arrival that the limit says, and counts right', (t) => {
  const limit = 20;
  for (const n of [1, limit - 1, limit, limit + 1, 3 * limit]) {
    const rig = codeRig(warmAt(limit), COUNT);
    const { x } = runFrom(rig, CODE, { [T1]: n });
    t.is(x[T0], BigInt(n));
    t.is(rig.pc, CODE + 8);
    t.is(modules(rig) > 0, n >= limit, `${n} arrivals`);
  }
});

test('arrivals add up over runs', (t) => {
  const rig = codeRig(warmAt(20), COUNT);
  for (let run = 1; run <= 4; run++) {
    runFrom(rig, CODE, { [T1]: 5 });
    t.is(modules(rig) > 0, run === 4, `run ${run}`);
  }
});

test('what the interpreter does not know is translated, whatever the limit', (t) => {
  const request = [0x00305013, 0x00d05013, 0x03305013, 0x03d05013, 0x00a56533];
  const sequences: [string, number[]][] = [
    ['floating point', [i('fcvt.d.l', { rd: 1, rs1: A1 }), i('fadd.d', { rd: 2, rs1: 1, rs2: 1 })]],
    ['a CSR', [i('csrrsi', { rd: A0, csr: 1, imm: 3 }), i('csrrs', { rd: A0, csr: 1, rs1: 0 })]],
    ['a client request', request],
  ];
  for (const [name, words] of sequences) {
    const whole = [...li(A1, 77), ...words, i('addi', { rd: T0, rs1: A0, imm: 1 }), ecall];
    const [translated, cold] = [LARGE, COLD].map((options) => {
      const rig = codeRig(options, whole);
      return { rig, got: runFrom(rig, CODE) };
    });
    t.true(modules(cold!.rig) > 0, name);
    t.deepEqual(cold!.got, translated!.got, name);
    t.is(cold!.rig.pc, CODE + 4 * (whole.length - 1), name);
    t.deepEqual(cold!.rig.requests, words === request ? [CODE + 8] : [], name);
  }
});

for (const [name, options] of WAYS) {
  test(`${name}: an access that faults says where, and leaves everything as it was`, (t) => {
    const page = 0x20000;
    for (const [op, size] of [
      ['ld', 8],
      ['lw', 4],
      ['lhu', 2],
      ['sd', 8],
      ['sw', 4],
      ['sh', 2],
      ['fld', 8],
      ['fsw', 4],
    ] as const) {
      const stores = op.startsWith('s') || op === 'fsw';
      const access = stores
        ? i(op, { rs1: S2, rs2: A0, imm: 0 })
        : i(op, { rd: op === 'fld' ? 3 : A0, rs1: S2, imm: 0 });
      for (const [at, fault] of [
        [page + 4096 - size + 1, page + 4096],
        [page + 4096 - 1, page + 4096],
        [page + 4096, page + 4096],
        [page - 1, page - 1],
        [page - size + 1, page - size + 1],
        [page - size, page - size],
      ] as const) {
        const rig = codeRig(options, [i('addi', { rd: T0, rs1: 0, imm: 9 }), access, ecall]);
        rig.map(page, 4096, PROT_RW);
        rig.mem.copyOut(page, new Uint8Array(4096).fill(0x5a));
        const { x, f } = runFrom(rig, CODE, { [S2]: at, [A0]: 1234 });
        t.deepEqual(
          rig.trap,
          { signo: SIGSEGV, code: 1, addr: fault, pc: CODE + 4 },
          `${op} at ${at.toString(16)}`,
        );
        t.deepEqual([x[T0], x[A0], f[3]], [9n, 1234n, 0n]);
        t.true(
          rig.mem.copyIn(page, 4096).every((b) => b === 0x5a),
          `${op} at ${at.toString(16)}`,
        );
      }
    }
  });

  test(`${name}: an atomic operation on memory that can only be read faults as a store`, (t) => {
    const page = 0x20000;
    for (const op of ['amoadd.w', 'amoadd.d']) {
      const rig = codeRig(options, [i(op, { rd: A0, rs1: S2, rs2: T1 }), ecall]);
      rig.map(page, 4096, PROT_RX);
      runFrom(rig, CODE, { [S2]: page + 16, [T1]: 1 });
      t.deepEqual(rig.trap, { signo: SIGSEGV, code: 2, addr: page + 16, pc: CODE }, op);
    }
  });

  test(`${name}: jumps to where no code is trap there, with the link made`, (t) => {
    const jump = [i('jalr', { rd: RA, rs1: A0, imm: 1 }), ecall];
    for (const [target, signo, code] of [
      [0x50000, SIGSEGV, 1],
      [0x20000, SIGSEGV, 2],
      [0x20ffe, SIGSEGV, 2],
      [0x40_0000_0000, SIGSEGV, 1],
    ] as const) {
      const rig = codeRig(options, jump);
      rig.map(0x20000, 4096, PROT_RW);
      const { x } = runFrom(rig, CODE, { [A0]: target });
      // Bit 0 of the target is dropped.
      t.deepEqual(rig.trap, { signo, code, addr: target, pc: target });
      t.is(x[RA], BigInt(CODE + 4));
    }
  });

  test(`${name}: halfwords that are no instruction trap as such`, (t) => {
    for (const half of [0, 0x8000, 0x9c41]) {
      const rig = codeRig(options, [half * 65536 + 1]);
      runFrom(rig, CODE);
      t.deepEqual(rig.trap, { signo: SIGILL, code: 1, addr: CODE + 2, pc: CODE + 2 }, half.toString(16));
    }
  });

  test(`${name}: an instruction on two pages runs`, (t) => {
    const at = CODE + 4096 - 2;
    const rig = new JitRig(options);
    // Out of order, so that they are no neighbours in host memory.
    for (const page of [CODE + 4096, CODE]) {
      rig.map(page, 4096, PROT_RWX);
      rig.mem.writeU8(page, 0);
    }
    rig.putCode(at, bytesOf([...li(A0, 0x12345678), ecall]));
    for (let n = 0; n < 5; n++) {
      t.is(runFrom(rig, at).x[A0], 0x12345678n);
      t.is(rig.pc, at + 8);
    }
  });

  test(`${name}: the sums of a loop that changes its own code, with and without FENCE.I`, (t) => {
    const words = (fence: boolean): number[] => [
      // The patched instruction: adds 1 or 100, whatever the word at 0(s2) says.
      i('addi', { rd: A0, rs1: A0, imm: 1 }),
      i('lw', { rd: T0, rs1: S2, imm: 0 }),
      i('lw', { rd: T1, rs1: S2, imm: 4 }),
      i('sw', { rs1: S2, rs2: T1, imm: 0 }),
      i('sw', { rs1: S2, rs2: T0, imm: 4 }),
      i('auipc', { rd: 7, imm: 0 }),
      i('sw', { rs1: 7, rs2: T0, imm: -20 }),
      ...(fence ? [i('fence.i', {})] : []),
      i('addi', { rd: A1, rs1: A1, imm: -1 }),
      i('bne', { rs1: A1, rs2: 0, imm: fence ? -36 : -32 }),
      ecall,
    ];
    for (const fence of options === COLD ? [true, false] : [true]) {
      const rig = codeRig(options, words(fence));
      rig.space.protect(CODE, 4096, PROT_RWX);
      rig.map(0x20000, 4096, PROT_RW);
      rig.mem.copyOut(0x20000, bytesOf([100, 1].map((imm) => i('addi', { rd: A0, rs1: A0, imm }))));
      // 1 first, then 100 and 1 in turn.
      const rounds = 11;
      t.is(runFrom(rig, CODE, { [S2]: 0x20000, [A1]: rounds }).x[A0], BigInt(1 + 5 * 100 + 5 * 1));
    }
  });
}

test('an instruction whose second page cannot be executed faults at that page', (t) => {
  const at = CODE + 4096 - 2;
  for (const [name, options] of WAYS) {
    for (const [prot, code] of [
      [PROT_RW, 2],
      [0, 2],
    ] as const) {
      const rig = codeRig(options, [...li(A0, 0x12345678), ecall], at);
      rig.space.protect(CODE + 4096, 4096, prot);
      runFrom(rig, at);
      t.deepEqual(rig.trap, { signo: SIGSEGV, code, addr: CODE + 4096, pc: at }, name);
      // Made executable, it runs.
      rig.space.protect(CODE + 4096, 4096, PROT_RWX);
      t.is(runFrom(rig, at).x[A0], 0x12345678n, name);
    }
  }
});

/** f(a0): 0 for 0, else a0 + f(a0 - 1), by a function g far away that calls back. */
const F = CODE;
const G = CODE + 0x4000;
const frame = (body: number[]): number[] => [
  i('addi', { rd: SP, rs1: SP, imm: -16 }),
  i('sd', { rs1: SP, rs2: RA, imm: 8 }),
  ...body,
  i('ld', { rd: RA, rs1: SP, imm: 8 }),
  i('addi', { rd: SP, rs1: SP, imm: 16 }),
  i('jalr', { rd: 0, rs1: RA, imm: 0 }),
];

/** Leaves by way of s3 with the stack at s4 when it gets to the bottom, if there is an s3. */
const RECURSION = [
  // main: calls a1 times f(s2).
  i('addi', { rd: A0, rs1: S2, imm: 0 }),
  i('jal', { rd: RA, imm: 20 }),
  i('add', { rd: T0, rs1: T0, rs2: A0 }),
  i('addi', { rd: A1, rs1: A1, imm: -1 }),
  i('bne', { rs1: A1, rs2: 0, imm: -16 }),
  ecall,
  ...[
    i('beq', { rs1: A0, rs2: 0, imm: 44 }),
    ...frame([
      i('sd', { rs1: SP, rs2: A0, imm: 0 }),
      i('jalr', { rd: RA, rs1: 21, imm: 0 }),
      i('ld', { rd: T1, rs1: SP, imm: 0 }),
      i('add', { rd: A0, rs1: A0, rs2: T1 }),
      i('addi', { rd: A0, rs1: A0, imm: 0 }),
    ]),
    i('beq', { rs1: 19, rs2: 0, imm: 12 }),
    i('addi', { rd: SP, rs1: 20, imm: 0 }),
    i('jalr', { rd: 0, rs1: 19, imm: 0 }),
    i('jalr', { rd: 0, rs1: RA, imm: 0 }),
  ],
];
const MUTUAL = frame([i('addi', { rd: A0, rs1: A0, imm: -1 }), i('jalr', { rd: RA, rs1: 22, imm: 0 })]);

for (const [name, options] of WAYS) {
  test(`${name}: deep recursion through two functions, and leaving it all at once`, (t) => {
    for (const [depth, times] of [
      [3, 60],
      [5000, 3],
    ] as const) {
      for (const leaves of [false, true]) {
        const rig = codeRig(options, RECURSION, F);
        addCode(rig, MUTUAL, G);
        rig.map(0x100000, 0x100000, PROT_RW);
        const { x } = runFrom(rig, F, {
          [SP]: 0x200000,
          [S2]: depth,
          [A1]: times,
          // What setjmp would have: behind the call, and the stack there.
          19: leaves ? F + 8 : 0,
          20: 0x200000,
          21: G,
          22: F + 24,
        });
        t.is(rig.trap, null);
        t.is(rig.pc, F + 20);
        t.is(x[SP], 0x200000n);
        t.is(x[T0], leaves ? 0n : BigInt((times * depth * (depth + 1)) / 2), `${depth} deep`);
      }
    }
  });
}
