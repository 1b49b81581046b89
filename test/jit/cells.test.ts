/** Which cells are loaded where, and what is written back on the way into loops. */
import test from 'ava';
import { optimise } from '../../src/ir/opt.js';
import { decode } from '../../src/isa/decode.js';
import { analyseCells, type BlockFacts, missing } from '../../src/jit/cells.js';
import { analyse } from '../../src/jit/flow.js';
import { discover, type Region } from '../../src/jit/region.js';
import { CELL_WINDOW, ownCell } from '../../src/jit/windows.js';
import { CODE, ecall, i } from '../support/code-rig.js';
import { LARGE } from '../support/jit-rig.js';

const [RA, T0, T1, S0, S1, A0] = [1, 5, 6, 8, 9, 10];
const readCell = (base: number): number => CELL_WINDOW + base * 2;

class Cells {
  readonly region: Region;
  readonly facts: BlockFacts[];

  constructor(words: readonly number[]) {
    this.region = discover(CODE, (pc) => decode(words[(pc - CODE) / 4] ?? 0) ?? undefined, LARGE.limits);
    this.region.blocks = this.region.blocks.map(optimise);
    const { blocks, succ } = this.region;
    this.facts = analyseCells(
      this.region,
      analyse(blocks.length, succ, () => {}),
      succ,
      ownCell,
    );
  }

  /** Index of the block that starts at the n-th word. */
  block(n: number): number {
    return this.region.index.get(CODE + 4 * n)!;
  }

  at(n: number): BlockFacts {
    return this.facts[this.block(n)]!;
  }

  /** Cells loaded on the way between the blocks that start at two words. */
  loads(from: number, to: number): number[] {
    return missing(this.at(from), this.at(to));
  }
}

const members = (set: Uint8Array): number[] => [...set.keys()].filter((c) => set[c] !== 0);

test('before a loop without calls all that it reads is loaded, and nothing on the way round', (t) => {
  const c = new Cells([
    i('addi', { rd: A0, rs1: 0, imm: 0 }),
    // The loop: reads s0, its window, s1, t0 and a0; t1 is set before it is read.
    i('ld', { rd: T1, rs1: S0, imm: 0 }),
    i('add', { rd: T1, rs1: T1, rs2: S1 }),
    i('add', { rd: A0, rs1: A0, rs2: T1 }),
    i('addi', { rd: T0, rs1: T0, imm: -1 }),
    i('bne', { rs1: T0, rs2: 0, imm: -16 }),
    ecall,
  ]);
  // a0 comes from the block before; t1 is newer in its local after the first turn, so it has to be there at once.
  t.deepEqual(c.loads(0, 1), [T0, T1, S0, S1, readCell(S0)]);
  t.deepEqual(c.loads(1, 1), []);
});

test('behind a call only what the next block has to find is loaded; other blocks load for themselves', (t) => {
  const c = new Cells([
    i('jal', { rd: RA, imm: 400 }),
    i('beq', { rs1: T0, rs2: 0, imm: 12 }),
    i('ld', { rd: A0, rs1: S0, imm: 0 }),
    ecall,
    i('addi', { rd: A0, rs1: S1, imm: 1 }),
    ecall,
  ]);
  t.deepEqual(c.loads(0, 1), []);
  t.deepEqual(members(c.at(1).left), [T0]);
  t.deepEqual(members(c.at(2).there), [T0]);
  t.deepEqual(members(c.at(2).left), []);
});

test('what is dirty before a loop with a call is written back on the way in, and not loaded after each call', (t) => {
  const c = new Cells([
    i('addi', { rd: S1, rs1: 0, imm: 7 }),
    i('addi', { rd: T0, rs1: T0, imm: -1 }),
    i('jal', { rd: RA, imm: 400 }),
    i('bne', { rs1: T0, rs2: 0, imm: -8 }),
    ecall,
  ]);
  t.deepEqual([...c.at(1).clean], [c.block(0)]);
  t.deepEqual(members(c.at(1).dirtyIn), []);
  t.deepEqual(c.loads(3, 1), []);
});

test('a register that is newer in its local on one of two ways is loaded on the other', (t) => {
  const c = new Cells([
    i('beq', { rs1: T0, rs2: 0, imm: 8 }),
    i('addi', { rd: S1, rs1: 0, imm: 7 }),
    i('bne', { rs1: A0, rs2: 0, imm: 8 }),
    ecall,
    ecall,
  ]);
  t.deepEqual(members(c.at(2).dirtyIn), [S1]);
  t.deepEqual(c.loads(0, 2), [S1]);
  t.deepEqual(c.loads(1, 2), []);
});
