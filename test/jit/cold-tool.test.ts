/** What the interpreter of cold code does for tools: shadow call stack, wrapped functions, what it leaves to translation. */
import test from 'ava';
import { COLD_EDGES, COLD_WRAPPED, G_COLD, T_CALL_TOP, T_CALLS } from '../../kernel/core/layout.js';
import { CODE, codeRig, ecall, i, runFrom } from '../support/code-rig.js';
import { COLD, type JitRig, PROT_RW } from '../support/jit-rig.js';

const [ZERO, RA, SP, T0, A0, A1] = [0, 1, 2, 5, 10, 11];
const DATA = 0x30000;
const STACK = 0x3ff0;

function toolRig(words: readonly number[]): JitRig {
  const rig = codeRig(COLD, words);
  rig.machine.i32[G_COLD >> 2] = 1;
  rig.map(DATA, 4096, PROT_RW);
  return rig;
}

const modules = (rig: JitRig): number => rig.store.stats().modules;

/** Return addresses on the shadow stack, outermost first. */
function callers(rig: JitRig): number[] {
  const { i32, u32 } = rig.machine;
  return Array.from(
    { length: i32[(rig.ts + T_CALL_TOP) >> 2]! },
    (_, n) => u32[(rig.ts + T_CALLS + n * 16) >> 2]!,
  );
}

test('calls and returns keep the shadow call stack', (t) => {
  // 0 calls 12; that calls 28 by a register, which asks for the stack and returns to an alternate link register.
  const rig = toolRig([
    i('jal', { rd: RA, imm: 12 }),
    ecall,
    ecall,
    i('addi', { rd: A1, rs1: ZERO, imm: 0 }),
    i('auipc', { rd: A0, imm: 0 }),
    i('jalr', { rd: T0, rs1: A0, imm: 12 }),
    i('jalr', { rd: ZERO, rs1: RA, imm: 0 }),
    ecall,
    i('jalr', { rd: ZERO, rs1: T0, imm: 0 }),
  ]);
  const { x } = runFrom(rig, CODE, { [SP]: STACK });
  t.is(rig.pc, CODE + 28);
  t.deepEqual(callers(rig), [CODE + 4, CODE + 24]);
  runFrom(rig, CODE + 32, Object.fromEntries(x.entries()));
  t.is(rig.pc, CODE + 4);
  t.deepEqual(callers(rig), []);
  t.is(modules(rig), 0);
});

test('without a tool that asks there is none', (t) => {
  const rig = codeRig(COLD, [i('jal', { rd: RA, imm: 4 }), ecall]);
  runFrom(rig, CODE, { [SP]: STACK });
  t.deepEqual(callers(rig), []);
});

test('the hook of a wrapped function runs once for each call, before its first instruction', (t) => {
  const call = [i('jal', { rd: RA, imm: 12 }), i('jal', { rd: RA, imm: 8 }), ecall];
  const back = i('jalr', { rd: ZERO, rs1: RA, imm: 0 });
  const rig = toolRig([...call, i('addi', { rd: A0, rs1: A0, imm: 1 }), back]);
  rig.coldAt = (pc) => (pc === CODE + 12 ? COLD_WRAPPED : 0);
  const { x } = runFrom(rig, CODE, { [SP]: STACK });
  t.deepEqual(rig.wrapped, [CODE + 12, CODE + 12]);
  t.is(x[A0], 2n);
  t.is(modules(rig), 0);
});

test('one whose first instruction may fault or be unknown is translated: its hook could run twice', (t) => {
  const first = [i('ld', { rd: A0, rs1: A1, imm: 0 }), i('lr.w', { rd: A0, rs1: A1, rs2: 0 })];
  for (const word of first) {
    const rig = toolRig([
      i('jal', { rd: RA, imm: 8 }),
      ecall,
      word,
      i('jalr', { rd: ZERO, rs1: RA, imm: 0 }),
    ]);
    rig.coldAt = (pc) => (pc === CODE + 8 ? COLD_WRAPPED : 0);
    runFrom(rig, CODE, { [SP]: STACK, [A1]: DATA });
    t.deepEqual(rig.wrapped, []);
    t.true(modules(rig) > 0);
  }
});

test('what synchronises is translated where the tool looks at it, and only there', (t) => {
  const fence = i('fence', { imm: 0x23 });
  const ways: [string, number[]][] = [
    ['a fence', [fence]],
    ['an AMO', [i('amoadd.w', { rd: A0, rs1: A1, rs2: ZERO })]],
    ['a load in front of a fence', [i('lw', { rd: A0, rs1: A1, imm: 0 }), fence]],
    ['a floating-point load in front of a fence', [i('fld', { rd: 1, rs1: A1, imm: 0 }), fence]],
  ];
  for (const [name, words] of ways) {
    for (const edges of [true, false]) {
      const rig = toolRig([...words, ecall]);
      rig.coldAt = () => (edges ? COLD_EDGES : 0);
      const heads: number[] = [];
      const { cache } = rig;
      const { ensure } = cache;
      cache.ensure = (ts, pc) => {
        heads.push(pc);
        return ensure.call(cache, ts, pc);
      };
      runFrom(rig, CODE, { [A1]: DATA });
      t.is(rig.pc, CODE + 4 * words.length, name);
      t.is(heads[0] ?? -1, edges ? CODE : -1, name);
    }
  }
});
