/** Inner loops in two copies, and checks that several accesses share: nothing of it shows, faults included. */
import test from 'ava';
import { optimise } from '../../src/ir/opt.js';
import { decode } from '../../src/isa/decode.js';
import { analyse, innermost } from '../../src/jit/flow.js';
import { CHUNK, type LoopPlan, planLoop } from '../../src/jit/loops.js';
import { discover } from '../../src/jit/region.js';
import { ownCell } from '../../src/jit/windows.js';
import { addCode, CODE, ecall, i, runFrom } from '../support/code-rig.js';
import {
  COLD,
  interpret,
  JitRig,
  LARGE,
  PROT_RW,
  type Registers,
  type RigOptions,
} from '../support/jit-rig.js';
import { Random } from '../support/random.js';

const PROT_R = 1;
const [T0, T1, T2, A0] = [5, 6, 7, 10];
const POINTERS = [8, 9, 18, 19] as const;
const STEPS = [20, 21] as const;
/** Pages of the arena that lie apart in host memory, one that may only be read, one that is not there. */
const ARENA = 0x40000;
const PAGES = [2, 0, 1, 3, 4, 6, 7, 8];
const READ_ONLY = 7;
const END = 9;

const WAYS: [string, RigOptions][] = [
  ['translated', LARGE],
  ['warm', { ...LARGE, heat: 3 }],
  ['little fuel', { ...LARGE, fuel: 3 }],
  ['interpreted', COLD],
];

function arena(options: RigOptions): JitRig {
  const rig = new JitRig(options);
  for (const n of PAGES) {
    rig.map(ARENA + n * 4096, 4096, PROT_RW);
    rig.mem.writeU8(ARENA + n * 4096, 1);
  }
  rig.space.protect(ARENA + READ_ONLY * 4096, 4096, PROT_R);
  return rig;
}

function fill(rig: JitRig): void {
  for (const n of PAGES) {
    if (n === READ_ONLY) continue;
    rig.mem.copyOut(
      ARENA + n * 4096,
      new Uint8Array(4096).map((_, k) => (k * 7 + n) & 0xff),
    );
  }
}

interface Loop {
  words: number[];
  x: Record<number, number | bigint>;
}

const LOADS = ['lb', 'lbu', 'lh', 'lw', 'lwu', 'ld'];
const STORES = ['sb', 'sh', 'sw', 'sd'];

/** Counts t0 down over accesses and steps, some of them skipped every other turn. */
function randomLoop(r: Random): Loop {
  const body: number[] = [];
  const mine = [r.pick(POINTERS), r.pick(POINTERS)];
  const spread = r.pick([8, 40, 96]);
  const one = (): number[] => {
    const p = r.pick(mine);
    const imm = r.below(2) === 0 ? 8 * r.below(6) : r.below(80) - 40;
    switch (r.below(8)) {
      case 0:
      case 1:
        return [i(r.pick(LOADS), { rd: T1, rs1: p, imm }), i('add', { rd: A0, rs1: A0, rs2: T1 })];
      case 2:
      case 3:
        return [i(r.pick(STORES), { rs1: p, rs2: A0, imm })];
      case 4:
        return [i('addi', { rd: p, rs1: p, imm: r.pick([1, 4, 8, 8, -8, 24, 512, -2048]) })];
      case 5:
        return [i('add', { rd: p, rs1: p, rs2: r.pick(STEPS) })];
      case 6: {
        // An index: t0 scaled, from a pointer.
        const scaled = [
          i('slli', { rd: T2, rs1: T0, imm: r.below(4) }),
          i('add', { rd: T2, rs1: T2, rs2: p }),
        ];
        return [...scaled, i('lbu', { rd: T1, rs1: T2, imm: 0 }), i('add', { rd: A0, rs1: A0, rs2: T1 })];
      }
      default:
        // Several at once, as in a structure.
        return [0, spread, 2 * spread].flatMap((at) => [
          i('ld', { rd: T1, rs1: p, imm: at + imm }),
          i('xor', { rd: A0, rs1: A0, rs2: T1 }),
          i('sd', { rs1: p, rs2: A0, imm: at + imm }),
        ]);
    }
  };
  for (let n = 2 + r.below(5); n > 0; n--) {
    const item = one();
    if (r.below(4) === 0) {
      body.push(i('andi', { rd: T2, rs1: T0, imm: 1 }));
      body.push(i('beq', { rs1: T2, rs2: 0, imm: 4 * (item.length + 1) }));
    }
    body.push(...item);
  }
  body.push(i('addi', { rd: T0, rs1: T0, imm: -1 }));
  // Loads before the loop, so that it finds windows.
  const before = r.chance(50) ? mine.map((p) => i('lbu', { rd: T1, rs1: p, imm: 0 })) : [];
  const words = [...before, ...body, i('bne', { rs1: T0, rs2: 0, imm: -4 * body.length }), ecall];
  const x: Record<number, number | bigint> = { [T0]: 1 + r.below(r.pick([4, 40, 300])) };
  for (const p of POINTERS) {
    const page = ARENA + r.below(END) * 4096;
    x[p] = r.pick([page + 8 * r.below(512), page + 4096 - r.below(100), page + r.below(64)]);
  }
  for (const s of STEPS) x[s] = r.pick([0, 8, -8, 16, 4096, -64, 2n ** 40n, 2n ** 58n, -(2n ** 58n)]);
  return { words, x };
}

/** Registers, memory and the address at which it ended, as strings that are short to compare. */
interface Outcome {
  x: string;
  memory: string;
  pc: number;
}

function outcome(rig: JitRig, r: Registers, pc: number): Outcome {
  const memory = PAGES.map((n) =>
    Buffer.from(rig.mem.copyIn(ARENA + n * 4096, 4096)).toString('latin1'),
  ).join('');
  return { x: r.x.join(), memory, pc };
}

function expected(rig: JitRig, loop: Loop, at: number): Outcome {
  const r = { x: new BigUint64Array(32), f: new BigUint64Array(32), fcsr: 0 };
  for (const [n, v] of Object.entries(loop.x)) r.x[Number(n)] = BigInt.asUintN(64, BigInt(v));
  rig.setRegisters(r, at);
  const { pc } = interpret(rig);
  return outcome(rig, rig.registers(), pc);
}

const COUNT = process.env.CAPGRIND_TEST_ALL ? 5000 : 400;

test('random loops end as the interpreter of the IR says, wherever they fault', (t) => {
  const oracle = arena(LARGE);
  const rigs = WAYS.map(([name, options]) => ({ name, rig: arena(options) }));
  const r = new Random(2026);
  let faults = 0;
  for (let n = 0; n < COUNT; n++) {
    const loop = randomLoop(r);
    const at = CODE + 0x100000 + n * 4096;
    addCode(oracle, loop.words, at);
    fill(oracle);
    const want = expected(oracle, loop, at);
    const done = at + 4 * (loop.words.length - 1);
    if (want.pc !== done) faults++;
    for (const { name, rig } of rigs) {
      addCode(rig, loop.words, at);
      fill(rig);
      rig.trap = null;
      const got = runFrom(rig, at, loop.x);
      const pc = rig.trap ? (rig.trap as { pc: number }).pc : done;
      const is = outcome(rig, got, pc);
      t.is(is.pc, want.pc, `loop ${n}, ${name}`);
      t.is(is.x, want.x, `loop ${n}, ${name}`);
      t.true(is.memory === want.memory, `memory after loop ${n}, ${name}`);
    }
  }
  t.true(faults > COUNT / 10 && faults < (COUNT * 9) / 10, `${faults} of ${COUNT} fault`);
});

test('a step that comes around to the same window after CHUNK turns faults at the second one', (t) => {
  const load = i('lbu', { rd: T1, rs1: 8, imm: 0 });
  // One load before the loop, so that the loop finds the window.
  const loop = [load, load, i('add', { rd: 8, rs1: 8, rs2: 20 }), ...back(2)];
  for (const [name, options] of WAYS) {
    const rig = arena(options);
    addCode(rig, loop, CODE);
    const { x } = runFrom(rig, CODE, { [T0]: 50, 8: ARENA, 20: 2n ** 58n });
    t.is(x[T0], 49n, name);
    t.is((rig.trap as { addr: number } | null)?.addr, ARENA + 2 ** 58, name);
  }
});

/** The plan for the loop that the words are, from their first one on. */
function planOf(words: readonly number[]): LoopPlan | null {
  const region = discover(CODE, (pc) => decode(words[(pc - CODE) / 4] ?? 0) ?? undefined, LARGE.limits);
  region.blocks = region.blocks.map(optimise);
  const flow = analyse(region.blocks.length, region.succ, () => {});
  const body = innermost(flow, region.succ, 0);
  return body && planLoop(region, body, ownCell);
}

const back = (n: number): number[] => [
  i('addi', { rd: T0, rs1: T0, imm: -1 }),
  i('bne', { rs1: T0, rs2: 0, imm: -4 * (n + 1) }),
  ecall,
];

test('what a loop covers: the bytes of CHUNK turns, by pointers that move on evenly', (t) => {
  const walk = [
    i('ld', { rd: T1, rs1: 8, imm: 16 }),
    i('sw', { rs1: 8, rs2: T1, imm: -4 }),
    i('ld', { rd: T1, rs1: 8, imm: 0 }),
    i('addi', { rd: 8, rs1: 8, imm: 24 }),
  ];
  const plan = planOf([...walk, ...back(4)])!;
  t.is(plan.covered.size, 3);
  t.deepEqual(
    plan.groups.map((g) => [g.low, g.high, g.step]),
    [
      [0, 23 + 24 * CHUNK, null],
      [-4, -1 + 24 * CHUNK, null],
    ],
  );
  const stepped = planOf([
    i('lb', { rd: T1, rs1: 8, imm: 0 }),
    i('sub', { rd: 8, rs1: 8, rs2: 9 }),
    ...back(2),
  ])!;
  t.deepEqual(stepped.groups[0]!.step, { reg: 9, coef: -1 });
});

test('what a loop does not cover: pointers from memory, steps that change, two steps in one address', (t) => {
  const chase = [i('ld', { rd: 8, rs1: 8, imm: 0 })];
  t.is(planOf([...chase, ...back(1)]), null);
  const grows = [
    i('lb', { rd: T1, rs1: 8, imm: 0 }),
    i('add', { rd: 8, rs1: 8, rs2: 9 }),
    i('addi', { rd: 9, rs1: 9, imm: 1 }),
  ];
  t.is(planOf([...grows, ...back(3)]), null);
  const two = [
    i('add', { rd: T2, rs1: 8, rs2: 9 }),
    i('lb', { rd: T1, rs1: T2, imm: 0 }),
    i('add', { rd: 8, rs1: 8, rs2: 20 }),
    i('sub', { rd: 9, rs1: 9, rs2: 20 }),
  ];
  t.is(planOf([...two, ...back(4)]), null);
  const doubles = [i('lb', { rd: T1, rs1: 8, imm: 0 }), i('add', { rd: 8, rs1: 8, rs2: 8 })];
  t.is(planOf([...doubles, ...back(2)]), null);
});
