/** Windows by cell: whatever the interpreter saw when code was translated, accesses stay exact. */
import test from 'ava';
import { G_CODE_EPOCH, G_THRASH_LIMIT } from '../../kernel/core/layout.js';
import { CODE, codeRig, ecall, i, runFrom } from '../support/code-rig.js';
import { COLD, type JitRig, LARGE, PROT_RW, type RigOptions } from '../support/jit-rig.js';

const SIGSEGV = 11;
const [T0, T1, T2, S0, S1, A0] = [5, 6, 7, 8, 9, 10];
const PROT_R = 1;
const WARM: RigOptions = { ...LARGE, heat: 4 };
const WAYS: [string, RigOptions][] = [
  ['translated', LARGE],
  ['warm', WARM],
  ['interpreted', COLD],
];

/** Two pages that one window can never cover: neighbours of neither are mapped. */
const P = 0x20000;
const Q = 0x40000;

/** t0 times: *s1 = *s0 + 1, and a0 counts the sum of what was read. */
const COPY = [
  i('ld', { rd: T1, rs1: S0, imm: 0 }),
  i('add', { rd: A0, rs1: A0, rs2: T1 }),
  i('addi', { rd: T1, rs1: T1, imm: 1 }),
  i('sd', { rs1: S1, rs2: T1, imm: 0 }),
  i('addi', { rd: T0, rs1: T0, imm: -1 }),
  i('bne', { rs1: T0, rs2: 0, imm: -20 }),
  ecall,
];
const STORE_PC = CODE + 12;

const modules = (rig: JitRig): number => rig.store.stats().modules;

/** A rig whose COPY was translated while load and store used the one window of Q, which both then go through. */
function copyRig(options: RigOptions): JitRig {
  const rig = codeRig(options, COPY);
  rig.map(Q, 4096, PROT_RW);
  runFrom(rig, CODE, { [S0]: Q, [S1]: Q, [T0]: 40 });
  return rig;
}

for (const [name, options] of WAYS) {
  test(`${name}: what was read through a window for writing cannot be written if it may only be read`, (t) => {
    const rig = copyRig(options);
    t.is(modules(rig) > 0, options !== COLD);
    rig.map(P, 4096, PROT_RW);
    rig.mem.copyOut(P, new Uint8Array(4096).fill(1));
    rig.space.protect(P, 4096, PROT_R);
    const fault = { signo: SIGSEGV, code: 2, addr: P + 8, pc: STORE_PC };
    // From nothing, and after loads from P that went well.
    for (const first of [0, 30]) {
      const loads = runFrom(rig, CODE, { [S0]: P + 8, [S1]: Q, [T0]: first + 1 });
      t.is(loads.x[A0], 0x0101010101010101n * BigInt(first + 1));
      t.is(rig.trap, null);
      const { x } = runFrom(rig, CODE, { [S0]: P + 8, [S1]: P + 8, [T0]: 5 });
      t.deepEqual(rig.trap, fault);
      t.is(x[T0], 5n);
      t.is(x[T1], 0x0101010101010102n);
    }
    t.true(rig.mem.copyIn(P, 4096).every((b) => b === 1));
    rig.space.protect(P, 4096, PROT_RW);
    runFrom(rig, CODE, { [S0]: P + 8, [S1]: P + 8, [T0]: 5 });
    t.is(rig.trap, null);
    t.is(rig.mem.copyIn(P + 8, 1)[0], 6);
  });

  test(`${name}: a page that nobody has touched yet is read, then written, through one cell`, (t) => {
    const rig = copyRig(options);
    rig.map(P, 0x3000, PROT_RW);
    for (const at of [P, P + 0x1ff8, P + 0x2000]) {
      const { x } = runFrom(rig, CODE, { [S0]: at, [S1]: at, [T0]: 10 });
      t.is(x[A0], 45n);
      t.is(rig.mem.copyIn(at, 1)[0], 10);
    }
  });

  test(`${name}: an access that begins where it may be written and ends where it may not`, (t) => {
    const rig = copyRig(options);
    rig.map(P, 0x2000, PROT_RW);
    rig.mem.copyOut(P, new Uint8Array(0x2000).fill(1));
    rig.space.protect(P + 4096, 4096, PROT_R);
    const at = P + 4092;
    const loads = runFrom(rig, CODE, { [S0]: at, [S1]: Q, [T0]: 20 });
    t.is(rig.trap, null);
    t.is(loads.x[A0], 0x0101010101010101n * 20n);
    runFrom(rig, CODE, { [S0]: at, [S1]: at, [T0]: 20 });
    t.deepEqual(rig.trap, { signo: SIGSEGV, code: 2, addr: P + 4096, pc: STORE_PC });
    t.true(rig.mem.copyIn(P, 0x2000).every((b) => b === 1));
  });

  test(`${name}: mappings that change under a loop's windows, by calls out of the loop`, (t) => {
    const words = [
      ...COPY.slice(0, 4),
      ecall,
      ...COPY.slice(4, 5),
      i('bne', { rs1: T0, rs2: 0, imm: -24 }),
      ecall,
    ];
    const changes: [string, (rig: JitRig) => void, object | null][] = [
      ['read only', (r) => r.space.protect(Q, 4096, PROT_R), { code: 2, pc: STORE_PC }],
      ['nothing permitted', (r) => r.space.protect(Q, 4096, 0), { code: 2, pc: CODE }],
      ['unmapped', (r) => r.space.unmap(Q, 4096), { code: 1, pc: CODE }],
      ['mapped anew', (r) => r.map(Q, 4096, PROT_RW), null],
      [
        'to and fro',
        (r) => {
          r.space.protect(Q, 4096, PROT_R);
          r.space.protect(Q, 4096, PROT_RW);
        },
        null,
      ],
    ];
    for (const [what, change, fault] of changes) {
      const rig = codeRig(options, words);
      rig.map(Q, 4096, PROT_RW);
      const at = 30;
      let calls = 0;
      rig.onSyscall = () => {
        calls++;
        if (calls === at) change(rig);
        if (calls === 2 * at) rig.onSyscall = null;
      };
      const { x } = runFrom(rig, CODE, { [S0]: Q, [S1]: Q, [T0]: 2 * at });
      if (fault) {
        t.like(rig.trap, { signo: SIGSEGV, addr: Q, ...fault }, what);
        t.is(x[T0], BigInt(at), what);
        continue;
      }
      t.is(rig.trap, null, what);
      const half = (at * (at - 1)) / 2;
      t.is(x[A0], BigInt(what === 'mapped anew' ? 2 * half : at * (2 * at - 1)), what);
    }
  });
}

test('two sites that shared a window and then use two: right, and after the limit each has its own', (t) => {
  const rig = copyRig(WARM);
  const { i32 } = rig.machine;
  rig.map(P, 4096, PROT_RW);
  i32[G_THRASH_LIMIT >> 2] = 16;
  const epoch = i32[G_CODE_EPOCH >> 2]!;
  const run = (n: number): void => {
    rig.mem.copyOut(P, new Uint8Array(8).fill(0));
    rig.mem.copyOut(Q, Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
    const { x } = runFrom(rig, CODE, { [S0]: Q, [S1]: P, [T0]: n });
    t.is(rig.trap, null);
    t.is(x[A0], BigInt(3 * n));
    t.is(rig.mem.copyIn(P, 1)[0], 4);
  };
  // Each turn moves the one cell twice.
  run(5);
  t.is(i32[G_CODE_EPOCH >> 2], epoch);
  run(100);
  t.is(i32[G_CODE_EPOCH >> 2], epoch + 1);
  t.is(i32[G_THRASH_LIMIT >> 2], 32);
  run(1000);
  t.is(i32[G_CODE_EPOCH >> 2], epoch + 1);
  t.true(modules(rig) > 0);
});

test('windows that keep changing drop code again and again, ever more rarely, and nothing is lost', (t) => {
  for (const heat of [0, 4]) {
    // One site, by turns at both pages: swaps s0 and s1 each time.
    const words = [
      ...COPY.slice(0, 4),
      i('addi', { rd: T2, rs1: S0, imm: 0 }),
      i('addi', { rd: S0, rs1: S1, imm: 0 }),
      i('addi', { rd: S1, rs1: T2, imm: 0 }),
      i('addi', { rd: T0, rs1: T0, imm: -1 }),
      i('bne', { rs1: T0, rs2: 0, imm: -32 }),
      ecall,
    ];
    const rig = codeRig({ ...LARGE, heat }, words);
    const { i32 } = rig.machine;
    for (const page of [P, Q]) rig.map(page, 4096, PROT_RW);
    i32[G_THRASH_LIMIT >> 2] = 8;
    const n = 3000;
    const { x } = runFrom(rig, CODE, { [S0]: P, [S1]: Q, [T0]: n });
    t.is(rig.trap, null);
    t.is(x[A0], BigInt((n * (n - 1)) / 2));
    const limit = i32[G_THRASH_LIMIT >> 2]!;
    // Twice as long each time: the sum of the limits is about what changed.
    if (heat === 0) t.is(limit, 8);
    else t.true(limit >= 512 && limit <= 4 * n, `${limit}`);
  }
});

test('a limit of 0 never drops code', (t) => {
  const rig = copyRig(WARM);
  rig.map(P, 4096, PROT_RW);
  rig.machine.i32[G_THRASH_LIMIT >> 2] = 0;
  const epoch = rig.machine.i32[G_CODE_EPOCH >> 2];
  runFrom(rig, CODE, { [S0]: Q, [S1]: P, [T0]: 5000 });
  t.is(rig.machine.i32[G_CODE_EPOCH >> 2], epoch);
});
