/** Indirect jumps inside a region: to targets seen before, to others, and back to the loop that they are part of. */
import test from 'ava';
import { decode } from '../../src/isa/decode.js';
import { discover, type Region } from '../../src/jit/region.js';
import { CODE, codeRig, ecall, i, nop, runFrom } from '../support/code-rig.js';
import { COLD, type JitRig, LARGE, type RigOptions } from '../support/jit-rig.js';

const [T0, T1, A0, A1, S2] = [5, 6, 10, 11, 18];
const HANDLERS = 7 * 4;
const STEPS = [1n, 10n, 100n, 1000n];

/** A loop of t0 turns through handler t0 & a1, each of which adds its number to a0. */
const SWITCH = [
  i('beq', { rs1: T0, rs2: 0, imm: HANDLERS + 8 * STEPS.length }),
  i('addi', { rd: T0, rs1: T0, imm: -1 }),
  i('and', { rd: T1, rs1: T0, rs2: A1 }),
  i('slli', { rd: T1, rs1: T1, imm: 3 }),
  i('add', { rd: T1, rs1: T1, rs2: S2 }),
  i('jalr', { rd: 0, rs1: T1, imm: 0 }),
  nop,
  ...STEPS.flatMap((n, k) => [
    i('addi', { rd: A0, rs1: A0, imm: Number(n) }),
    i('jal', { rd: 0, imm: -(HANDLERS + 8 * k + 4) }),
  ]),
  ecall,
];

function sumOf(turns: number, mask: number): bigint {
  let sum = 0n;
  for (let n = turns - 1; n >= 0; n--) sum += STEPS[n & mask]!;
  return sum;
}

function turn(rig: JitRig, turns: number, mask: number): bigint {
  return runFrom(rig, CODE, { [T0]: turns, [A1]: mask, [S2]: CODE + HANDLERS }).x[A0]!;
}

const WARM: RigOptions = { ...LARGE, heat: 10 };

test('a switch in a loop is the same interpreted, translated, and with a table of the targets seen', (t) => {
  for (const options of [COLD, LARGE, WARM, { ...WARM, fuel: 3 }]) {
    const rig = codeRig(options, SWITCH);
    t.is(turn(rig, 1000, 3), sumOf(1000, 3));
  }
});

test('targets that were not seen before translation leave the region and come back', (t) => {
  const rig = codeRig(WARM, SWITCH);
  t.is(turn(rig, 200, 1), sumOf(200, 1));
  t.true(rig.store.stats().modules > 0);
  t.is(turn(rig, 200, 3), sumOf(200, 3));
  t.is(turn(rig, 200, 2), sumOf(200, 2));
});

function regionOf(targets: readonly number[]): Region {
  return discover(
    CODE,
    (pc) => decode(SWITCH[(pc - CODE) / 4] ?? 0) ?? undefined,
    LARGE.limits,
    () => targets,
  );
}

test('all targets seen are successors of one block, which the jump leads to', (t) => {
  const seen = [CODE + HANDLERS, CODE + HANDLERS + 16];
  const r = regionOf(seen);
  const jump = r.blocks.findIndex((b) => b.term.t === 'ijump');
  t.deepEqual(r.succ[jump], [r.dispatch!]);
  t.deepEqual(
    r.succ[r.dispatch!]!.map((b) => r.blocks[b]!.pc),
    seen,
  );
});

test('without a target in the region there is no such block', (t) => {
  t.is(regionOf([]).dispatch, undefined);
  t.is(regionOf([CODE + 0x100000]).dispatch, undefined);
});
