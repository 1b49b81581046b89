/** Code made while there was one thread goes when there are two: stores then end reservations of their line. */
import test from 'ava';
import { capgrind, story } from '../support/capgrind.js';
import { CODE, codeRig, ecall, i, li, runFrom } from '../support/code-rig.js';
import { COLD, LARGE, PROT_RW, type RigOptions } from '../support/jit-rig.js';
import { Tiny } from '../support/tiny-guest.js';

const [T0, T1, T2, S0, S1, A0, A1, A7, S2] = [5, 6, 7, 8, 9, 10, 11, 17, 18];
const DATA = 0x20000;
const WARM: RigOptions = { ...LARGE, heat: 4 };

/** t0 times: LR of *s0, a store of the same value to *s1, SC; a0 counts the SCs that fail. */
const ABA = [
  i('lr.d', { rd: T1, rs1: S0 }),
  i('sd', { rs1: S1, rs2: T1, imm: 0 }),
  i('sc.d', { rd: T2, rs1: S0, rs2: T1 }),
  i('add', { rd: A0, rs1: A0, rs2: T2 }),
  i('addi', { rd: T0, rs1: T0, imm: -1 }),
  i('bne', { rs1: T0, rs2: 0, imm: -20 }),
  ecall,
];

for (const [name, options] of [
  ['translated', LARGE],
  ['warm', WARM],
  ['interpreted', COLD],
] as const) {
  test(`${name}: stores watch reservations from the moment that there are two threads`, (t) => {
    const rig = codeRig(options, ABA);
    rig.map(DATA, 4096, PROT_RW);
    const failed = (to: number): bigint => runFrom(rig, CODE, { [S0]: DATA, [S1]: to, [T0]: 50 }).x[A0]!;
    t.is(failed(DATA), 0n);
    const code = rig.store.stats().modules;
    rig.multi();
    if (options !== COLD) t.true(code > rig.store.stats().modules, `${code}`);
    t.is(failed(DATA), 50n);
    // Another word of the line counts as well, another line does not.
    t.is(failed(DATA + 56), 50n);
    t.is(failed(DATA + 64), 0n);
  });
}

/** CLONE_VM, FS, FILES, SIGHAND, THREAD and SYSVSEM (linux/sched.h). */
const THREAD = 0x50f00;
const [SYS_EXIT, SYS_EXIT_GROUP, SYS_CLONE] = [93, 94, 220];

test('a loop that was translated before the first clone watches reservations behind it', async (t) => {
  t.timeout(120_000);
  const rounds = 2000;
  const body = [...ABA.slice(0, -1), i('jalr', { rd: 0, rs1: 1, imm: 0 })];
  const guest = new Tiny().code(i('jal', { rd: 0, imm: 4 * (body.length + 1) }), ...body);
  let words = body.length + 1;
  const add = (...more: number[]): void => {
    guest.code(...more);
    words += more.length;
  };
  const call = (): void => {
    add(...li(S0, 0x11000), ...li(S1, 0x11000), ...li(T0, rounds), ...li(A0, 0));
    add(i('jal', { rd: 1, imm: 4 - 4 * words }));
  };
  call();
  add(i('addi', { rd: S2, rs1: A0, imm: 0 }));
  add(
    ...li(A0, THREAD),
    ...li(A1, 0x11800),
    ...[12, 13, 14].flatMap((r) => li(r, 0)),
    ...li(A7, SYS_CLONE),
    ecall,
  );
  // The new thread ends at once.
  add(i('bne', { rs1: A0, rs2: 0, imm: 16 }), ...li(A7, SYS_EXIT), ecall);
  call();
  // Exit status: 7 when none failed before and all did afterwards.
  add(...li(T1, rounds), i('sub', { rd: A0, rs1: A0, rs2: T1 }), i('or', { rd: A0, rs1: A0, rs2: S2 }));
  add(i('sltiu', { rd: A0, rs1: A0, imm: 1 }), ...li(T1, 7), i('mul', { rd: A0, rs1: A0, rs2: T1 }));
  add(...li(A7, SYS_EXIT_GROUP), ecall);
  const o = await capgrind(['--tool=none', '-q', guest.file('aba')], { timeoutMs: 60_000 });
  t.is(o.status, 7, story(o));
});
