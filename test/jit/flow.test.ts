/** Control flow analysis against definitions, and structured code against the graphs it came from. */
import test from 'ava';
import fc from 'fast-check';
import { encode } from '../../src/isa/encode.js';
import { analyse, dominates } from '../../src/jit/flow.js';
import { interpret, JitRig, LARGE, PROT_RX, type RigOptions, SMALL } from '../support/jit-rig.js';
import { Random } from '../support/random.js';

const RUNS = process.env['CAPGRIND_TEST_ALL'] ? 5000 : 150;

/** A graph of up to 12 nodes with at most two edges each; node 0 is the entry. */
const graph = fc
  .integer({ min: 1, max: 12 })
  .chain((n) => fc.array(fc.uniqueArray(fc.nat(n - 1), { maxLength: 2 }), { minLength: n, maxLength: n }));

/** Nodes reachable from 0 without passing `without`. */
function reachable(succ: readonly number[][], without = -1): Set<number> {
  const seen = new Set<number>();
  const work = without === 0 ? [] : [0];
  while (work.length > 0) {
    const b = work.pop()!;
    if (seen.has(b)) continue;
    seen.add(b);
    for (const s of succ[b]!) if (s !== without) work.push(s);
  }
  return seen;
}

test('order, dominators, loop headers and merges are what they are defined to be', (t) => {
  fc.assert(
    fc.property(graph, (edges) => {
      const succ = edges.map((s) => s.slice());
      const before = edges.map((s) => s.slice());
      const flow = analyse(succ.length, succ, (from, to) => {
        succ[from] = succ[from]!.filter((x) => x !== to);
      });
      const live = reachable(succ);
      t.deepEqual(
        [...flow.order].sort((a, b) => a - b),
        [...live].sort((a, b) => a - b),
      );
      t.is(flow.order[0], 0);
      for (const b of live) {
        const avoids = new Map([...live].map((a) => [a, reachable(succ, a)]));
        for (const a of live) t.is(dominates(flow, a, b), a === b || !avoids.get(a)!.has(b), `${a} dom ${b}`);
        // The immediate dominator is dominated by every other strict dominator.
        const strict = [...live].filter((a) => a !== b && dominates(flow, a, b));
        if (b !== 0) t.true(strict.every((a) => dominates(flow, a, flow.idom[b]!)));
        const into = [...live].filter((a) => succ[a]!.includes(b));
        const back = into.filter((a) => flow.rpo[a]! >= flow.rpo[b]!);
        t.is(flow.loopHeader[b], back.length > 0);
        t.is(flow.merge[b], into.length - back.length > 1);
        // Reducible: every retreating edge goes to a dominator of its source.
        for (const a of back) t.true(dominates(flow, b, a));
      }
      // Only edges that cannot be structured may have been cut: what remains was there before.
      for (const [b, s] of succ.entries()) for (const x of s) t.true(before[b]!.includes(x));
    }),
    { numRuns: RUNS },
  );
});

test('a reducible graph loses no edge, an irreducible one loses the way into the middle of a loop', (t) => {
  const cuts = (succ: number[][]): string[] => {
    const out: string[] = [];
    analyse(succ.length, succ, (from, to) => {
      out.push(`${from}-${to}`);
      succ[from] = succ[from]!.filter((x) => x !== to);
    });
    return out;
  };
  t.deepEqual(cuts([[1], [2, 3], [1], []]), []);
  t.deepEqual(cuts([[0]]), []);
  // 1 and 2 form a loop that 0 enters at either end.
  t.is(cuts([[1, 2], [2], [1]]).length, 1);
});

const CODE = 0x40_0000;
const BLOCK = 64;
/** Every program has a page of its own. */
const PAGE = 4096;
const [HASH, FUEL, BITS, TMP, LINK] = [10, 11, 12, 13, 18];

/**
 * Machine code of a random graph. Each block mixes its number into a0, ends the run when a1 counts down to 0, takes
 * the next bit of a2 and branches on it. Functions are graphs as well: a block may call one of a later function.
 */
function program(seed: number): Uint8Array {
  const r = new Random(seed);
  const functions = r.range(1, 3);
  const size = r.range(1, 9);
  const blocks = functions * size;
  const end = blocks * BLOCK;
  const code = new Uint8Array(end + 4);
  const d = new DataView(code.buffer);
  for (let b = 0; b < blocks; b++) {
    let at = b * BLOCK;
    const put = (op: string, f: Parameters<typeof encode>[1]): void => {
      d.setUint32(at, encode(op, f), true);
      at += 4;
    };
    const f = Math.floor(b / size);
    const link = LINK + f;
    const to = (target: number): number => target * BLOCK - at;
    const near = (): number => f * size + r.below(size);
    if (b % size === 0 && f > 0) put('addi', { rd: link, rs1: 1, imm: 0 });
    put('addi', { rd: TMP, rs1: 0, imm: 31 });
    put('mul', { rd: HASH, rs1: HASH, rs2: TMP });
    put('addi', { rd: HASH, rs1: HASH, imm: b + 1 });
    put('addi', { rd: FUEL, rs1: FUEL, imm: -1 });
    put('bge', { rs1: 0, rs2: FUEL, imm: end - at });
    if (f + 1 < functions && r.chance(30)) put('jal', { rd: 1, imm: to((f + 1) * size) });
    put('andi', { rd: TMP, rs1: BITS, imm: 1 });
    put('rori', { rd: BITS, rs1: BITS, imm: 1 });
    // The entry block of a function is never a target: its link register would be lost.
    const inside = (): number => Math.max(near(), f * size + Math.min(1, size - 1));
    const target = f === 0 ? near() : inside();
    if (f > 0 && (r.chance(25) || size === 1)) {
      put('jalr', { rd: 0, rs1: link === LINK ? 1 : link, imm: 0 });
      continue;
    }
    put('bne', { rs1: TMP, rs2: 0, imm: to(target) });
    put('jal', { rd: 0, imm: to(f === 0 ? near() : inside()) });
  }
  d.setUint32(end, encode('ebreak', {}), true);
  return code;
}

const TINY: RigOptions = { limits: { insns: 30, blocks: 3 }, fuel: 1, fma: false, tso: true, heat: 0 };

test('translated code walks random graphs as the interpreter does', (t) => {
  t.timeout(120_000);
  const rigs = [LARGE, SMALL, TINY].map((o) => new JitRig(o));
  const oracle = new JitRig(LARGE);
  const runs = process.env['CAPGRIND_TEST_ALL'] ? 3000 : 150;
  for (const rig of [oracle, ...rigs]) rig.map(CODE, (runs + 1) * PAGE, PROT_RX);
  for (let seed = 1; seed <= runs; seed++) {
    const code = program(seed);
    const entry = CODE + seed * PAGE;
    const r = new Random(seed + 1_000_000);
    const start = { x: new BigUint64Array(32), f: new BigUint64Array(32), fcsr: 0 };
    start.x[FUEL] = BigInt(r.range(1, 300));
    start.x[BITS] = r.u64();
    const results = [oracle, ...rigs].map((rig) => {
      rig.putCode(entry, code);
      rig.setRegisters(start, entry);
      if (rig === oracle) interpret(rig);
      else rig.run();
      return { pc: rig.pc, x: [...rig.registers().x] };
    });
    t.is(results[0]!.pc, entry + code.length - 4, `seed ${seed}`);
    for (const [i, got] of results.slice(1).entries()) t.deepEqual(got, results[0], `seed ${seed}, rig ${i}`);
  }
});
