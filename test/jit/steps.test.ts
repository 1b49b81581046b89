/** Steps counted in generated code: the same whatever the regions look like and however often the thread stops. */
import test from 'ava';
import { T_POINTS, T_STEP_HASH, T_STEPS } from '../../kernel/core/layout.js';
import type { Turns } from '../../src/engine/big-lock.js';
import { encode } from '../../src/isa/encode.js';
import type { StepKind } from '../../src/jit/steps.js';
import { COLD, JitRig, LARGE, PROT_RW, SMALL } from '../support/jit-rig.js';

const CODE = 0x10000;
/** The last words of a page: the second store straddles into the next one, and starts over. */
const DATA = 0x20ff8;
const STACK = 0x30000;

/** Ten times: load, fence, two stores by a pointer, one by the stack pointer, two branches; then a system call. */
const PROGRAM = [
  encode('addi', { rd: 5, rs1: 0, imm: 10 }),
  encode('ld', { rd: 6, rs1: 8, imm: 0 }),
  encode('fence', { imm: 0x033 }),
  encode('addi', { rd: 6, rs1: 6, imm: 1 }),
  encode('sd', { rs1: 8, rs2: 6, imm: 0 }),
  encode('sd', { rs1: 8, rs2: 6, imm: 4 }),
  encode('sd', { rs1: 2, rs2: 6, imm: 0 }),
  encode('beq', { rs1: 6, rs2: 0, imm: 8 }),
  encode('addi', { rd: 5, rs1: 5, imm: -1 }),
  encode('bne', { rs1: 5, rs2: 0, imm: -32 }),
  encode('ecall', {}),
];
const ACCESSES = 10 * 5 + 1;
const TRANSFERS = 10 * 2 + 1;
/** Points: the accesses and the system call. */
const POINTS = { accesses: 10 * 3 + 1, transfers: 1 };
const GRANTED = 1_000_000;

/** Runs the program, `grant` steps at a time; gives steps, hash and how often the thread stopped. */
function count(
  options: typeof LARGE,
  steps: StepKind,
  grant: number,
): { made: number; points: number; hash: bigint; stops: number } {
  let stops = 0;
  let granted = grant;
  const unused = (): void => undefined;
  const turns: Turns = {
    acquire: unused,
    release: unused,
    offer: unused,
    yielded: unused,
    without: (_ts, fn) => fn(),
    step: (ts) => {
      stops++;
      granted += grant;
      rig.machine.i32[(ts + T_STEPS) >> 2]! += grant;
    },
  };
  const limits = { ...options.limits, atAccesses: steps === 'accesses' };
  const rig = new JitRig({ ...options, limits, steps, turns });
  const { machine, ts } = rig;
  for (const page of [0x20000, 0x21000, STACK]) rig.map(page, 4096, PROT_RW);
  rig.map(CODE, 4096, PROT_RW);
  rig.putCode(CODE, new Uint8Array(Uint32Array.from(PROGRAM).buffer));
  const registers = rig.registers();
  registers.x[2] = BigInt(STACK);
  registers.x[8] = BigInt(DATA);
  rig.setRegisters(registers, CODE);
  machine.i32[(ts + T_STEPS) >> 2] = grant;
  machine.i32[(ts + T_POINTS) >> 2] = GRANTED;
  rig.run();
  return {
    made: granted - machine.i32[(ts + T_STEPS) >> 2]!,
    points: GRANTED - machine.i32[(ts + T_POINTS) >> 2]!,
    hash: machine.i64[(ts + T_STEP_HASH) >> 3]!,
    stops,
  };
}

for (const [steps, expected] of [
  ['accesses', ACCESSES],
  ['transfers', TRANSFERS],
] as const) {
  test(`${steps}: counted once each, in regions large and small, interpreted, in one go and one by one`, (t) => {
    const whole = count(LARGE, steps, GRANTED);
    t.is(whole.made, expected);
    t.is(whole.points, POINTS[steps]);
    t.is(whole.stops, 0);
    t.not(whole.hash, 0n);
    for (const options of [SMALL, COLD]) t.deepEqual(count(options, steps, GRANTED), whole);
    for (const options of [LARGE, SMALL, COLD]) {
      for (const grant of [1, 3]) {
        const cut = count(options, steps, grant);
        t.is(cut.made, expected);
        t.is(cut.points, POINTS[steps]);
        t.is(cut.hash, whole.hash);
        t.is(cut.stops, Math.ceil(expected / grant) - 1);
      }
    }
  });
}
