/**
 * src/rt/softfloat against two independent judges: exact BigInt arithmetic (softfloat-oracle.ts) and, where
 * a RISC-V cross compiler and qemu are installed, the emulated instructions (softfloat-oracle.c).
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { TEST_ALL } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';
import { NX, reference } from './softfloat-oracle.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FCSR = 64;
const scale = TEST_ALL ? 10 : runsNow(true) ? 0.4 : 2;

// ---- operations -------------------------------------------------------------------------------------

type Kind = 'd' | 's' | 'w' | 'wu' | 'l' | 'lu';

interface Op {
  readonly name: string;
  readonly args: readonly Kind[];
  readonly result: 'd' | 's' | 'i32' | 'i64';
  /** Whether the function takes a rounding mode, and whether an fcsr at all. */
  readonly takes: 'rm' | 'fcsr' | 'none';
}

const FORMATS = ['d', 's'] as const;
const OPS: Op[] = FORMATS.flatMap((k): Op[] => [
  ...['add', 'sub', 'mul', 'div'].map(
    (n): Op => ({ name: `${n}_${k}`, args: [k, k], result: k, takes: 'rm' }),
  ),
  { name: `sqrt_${k}`, args: [k], result: k, takes: 'rm' },
  { name: `fma_${k}`, args: [k, k, k], result: k, takes: 'rm' },
  ...['min', 'max'].map((n): Op => ({ name: `${n}_${k}`, args: [k, k], result: k, takes: 'fcsr' })),
  ...['eq', 'lt', 'le'].map((n): Op => ({ name: `${n}_${k}`, args: [k, k], result: 'i32', takes: 'fcsr' })),
  { name: `class_${k}`, args: [k], result: 'i64', takes: 'none' },
  ...['w', 'wu', 'l', 'lu'].map((n): Op => ({ name: `${k}_to_${n}`, args: [k], result: 'i64', takes: 'rm' })),
  ...(['l', 'lu'] as const).map((n): Op => ({ name: `${n}_to_${k}`, args: [n], result: k, takes: 'rm' })),
]);
OPS.push(
  { name: 'w_to_s', args: ['w'], result: 's', takes: 'rm' },
  { name: 'wu_to_s', args: ['wu'], result: 's', takes: 'rm' },
  { name: 's_to_d', args: ['s'], result: 'd', takes: 'fcsr' },
  { name: 'd_to_s', args: ['d'], result: 's', takes: 'rm' },
);
const op = (name: string): Op => OPS.find((o) => o.name === name)!;

// ---- the module under test: wrappers that pass bit patterns as i64, as JS numbers would lose NaNs -----

type Run = (fcsr: number, rm: number, a: bigint, b: bigint, c: bigint) => bigint;

function wrapper(o: Op): string {
  const names = ['a', 'b', 'c'];
  const args = o.args.map((k, i) => {
    if (o.takes === 'none') return k === 'd' ? 'a' : '<i32>a';
    if (k === 'd') return `reinterpret<f64>(${names[i]})`;
    return k === 's' ? `reinterpret<f32>(<i32>${names[i]})` : names[i];
  });
  const lead = { rm: ['fcsr', 'rm'], fcsr: ['fcsr'], none: [] }[o.takes];
  const call = `sf.fp_${o.name}(${[...lead, ...args].join(', ')})`;
  const back = {
    d: `reinterpret<i64>(${call})`,
    s: `<i64>reinterpret<u32>(${call})`,
    i32: `<i64>${call}`,
    i64: call,
  };
  const head = `export function ${o.name}(fcsr: usize, rm: i32, a: i64, b: i64, c: i64): i64`;
  return `${head} { return ${back[o.result]}; }\n`;
}

const work = mkdtempSync(join(tmpdir(), 'softfloat-'));
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const words = new Int32Array(memory.buffer);
let run: Record<string, Run> = {};

test.before(async () => {
  const entry = join(work, 'entry.ts');
  const wasm = join(work, 'sf.wasm');
  writeFileSync(
    entry,
    `import * as sf from '${relative(work, join(ROOT, 'src/rt/softfloat'))}';\n${OPS.map(wrapper).join('')}`,
  );
  const options = '--runtime stub --importMemory --sharedMemory --initialMemory 1 --maximumMemory 1';
  const asc = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/assemblyscript/bin/asc.js'),
      entry,
      ...['-o', wasm, '--enable', 'threads', '--enable', 'simd', '-O3', '--noAssert'],
      ...options.split(' '),
    ],
    { cwd: ROOT, encoding: 'utf8' },
  );
  if (asc.status !== 0) throw new Error(asc.stderr);
  const { instance } = await WebAssembly.instantiate(readFileSync(wasm), { env: { memory } });
  run = instance.exports as unknown as Record<string, Run>;
});

test.after.always(() => rmSync(work, { recursive: true, force: true }));

interface Answer {
  readonly bits: bigint;
  readonly flags: number;
}

/**
 * Runs one operation with the flags `before` already set, the mode either in the instruction or in frm;
 * checks that frm and the earlier flags survive. Returned flags include `before`.
 */
function actual(name: string, mode: number, before: number, a: bigint, b: bigint, c: bigint): Answer {
  const dynamic = ((a ^ b) & 2n) === 0n;
  const frm = dynamic ? mode << 5 : 3 << 5;
  words[FCSR >> 2] = frm | before;
  const bits = BigInt.asUintN(64, run[name]!(FCSR, dynamic ? 7 : mode, a, b, c));
  const after = words[FCSR >> 2]!;
  return { bits, flags: after ^ frm };
}

const hex = (v: bigint): string => `0x${v.toString(16)}`;

function differs(
  name: string,
  mode: number,
  before: number,
  args: bigint[],
  want: Answer,
): string | undefined {
  const [a, b = 0n, c = 0n] = args as [bigint, bigint?, bigint?];
  const got = actual(name, mode, before, a, b, c);
  if (got.bits === want.bits && got.flags === (want.flags | before)) return undefined;
  const show = (x: Answer): string => `${hex(x.bits)} flags ${x.flags}`;
  return `${name} mode ${mode} before ${before} (${args.map(hex)}): ${show(got)}, wanted ${show(want)}`;
}

/** Compares with the BigInt reference, with NX clear and with NX set beforehand. */
function judge(name: string, mode: number, args: bigint[]): string | undefined {
  const want = reference(name, mode, args[0]!, args[1] ?? 0n, args[2] ?? 0n);
  return differs(name, mode, 0, args, want) ?? differs(name, mode, NX, args, want);
}

// ---- operands ---------------------------------------------------------------------------------------

const SIGN = { d: 1n << 63n, s: 1n << 31n };
const MBITS = { d: 52, s: 23 };
const BIAS = { d: 1023, s: 127 };

/** Pattern of 2^e * (1 + frac/2^mbits) or, below the normal range, of the subnormal nearest below. */
function pattern(k: 'd' | 's', e: number, frac: bigint): bigint {
  const biased = e + BIAS[k];
  const mask = (1n << BigInt(MBITS[k])) - 1n;
  if (biased > 0) return (BigInt(biased) << BigInt(MBITS[k])) | (frac & mask);
  return ((frac & mask) | (mask + 1n)) >> BigInt(1 - biased);
}

/** About sixty values where something happens: ends of ranges, neighbours, ties, NaNs, both signs. */
function corners(k: 'd' | 's'): bigint[] {
  const m = MBITS[k];
  const ones = (1n << BigInt(m)) - 1n;
  const inf = BigInt(2 * BIAS[k] + 1) << BigInt(m);
  const emin = 1 - BIAS[k];
  const list = [0n, 1n, 2n, 3n, ones, ones - 1n, 1n << BigInt(m - 1)];
  for (const e of [emin, emin + 1, 0, BIAS[k]])
    list.push(pattern(k, e, 0n), pattern(k, e, 1n), pattern(k, e, ones));
  for (const e of [
    -1,
    1,
    emin + m,
    emin - 1 + (m >> 1),
    emin >> 1,
    BIAS[k] >> 1,
    31,
    63,
    64,
    m,
    m + 1,
    m + 2,
  ]) {
    list.push(pattern(k, e, 0n));
  }
  list.push(
    pattern(k, 0, 1n << BigInt(m - 1)),
    pattern(k, 1, 1n << BigInt(m - 1)),
    pattern(k, -4, ones / 5n),
  );
  list.push(inf, inf | 1n, inf | (1n << BigInt(m - 1)), inf | ones);
  return list.flatMap((v) => [v, v | SIGN[k]]);
}

const INTEGERS = [0, 7, 24, 25, 31, 32, 52, 53, 54, 62, 63].flatMap((n) => {
  const v = 1n << BigInt(n);
  return [v - 1n, v, v + 1n, -v, -v - 1n, 3n * v].map((x) => BigInt.asUintN(64, x));
});

/** Reproducible 32-bit generator (xorshift). */
class Random {
  #x: number;
  constructor(seed: number) {
    this.#x = seed;
  }
  below(n: number): number {
    this.#x ^= this.#x << 13;
    this.#x ^= this.#x >>> 17;
    this.#x ^= this.#x << 5;
    return (this.#x >>> 0) % n;
  }
  word(): bigint {
    return (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
  }
  /** Fractions with few bits, long runs or noise: each kind makes other ties and carries. */
  fraction(): bigint {
    const w = this.word();
    switch (this.below(6)) {
      case 0:
        return 0n;
      case 1:
        return 1n << BigInt(this.below(53));
      case 2:
        return -(1n << BigInt(this.below(53)));
      case 3:
        return (1n << BigInt(this.below(53))) + (1n << BigInt(this.below(53)));
      case 4:
        return (w >> BigInt(this.below(64))) << BigInt(this.below(30));
      default:
        return w;
    }
  }
  float(k: 'd' | 's', e: number): bigint {
    const v = pattern(
      k,
      Math.max(-BIAS[k] - MBITS[k], Math.min(BIAS[k], e)),
      BigInt.asUintN(64, this.fraction()),
    );
    return this.below(2) ? v | SIGN[k] : v;
  }
  /** Operands of `o`, exponents biased so that results land near each other and near the range's ends. */
  operands(o: Op): bigint[] {
    const k = o.args[0]!;
    if (k !== 'd' && k !== 's')
      return [this.word() >> BigInt(this.below(64))].map((v) => (this.below(2) ? v : BigInt.asUintN(64, -v)));
    if (this.below(24) === 0) return o.args.map(() => this.pick(k));
    const bias = BIAS[k];
    const near = (e: number, d: number): number => e + this.below(2 * d + 1) - d;
    const ends = [0, 1 - bias, bias, -bias - (MBITS[k] >> 1)];
    const any = (): number => near(0, bias);
    const ea = this.below(2) ? any() : near(ends[this.below(4)]!, 70);
    const a = this.float(k, ea);
    if (o.args.length === 1) return [o.result === 'i64' ? this.float(k, near(31, 40)) : a];
    const target = near(ends[this.below(4)]!, 6);
    let eb = this.below(3) ? near(ea, 60) : any();
    if (o.name.startsWith('mul')) eb = target - ea;
    if (o.name.startsWith('div')) eb = ea - target;
    if (o.args.length === 2) return [a, this.float(k, eb)];
    eb = this.below(4) ? near(0, 8) : target - ea;
    return [a, this.float(k, eb), this.float(k, near(ea + eb, this.below(2) ? 3 : 115))];
  }
  pick(k: 'd' | 's'): bigint {
    return CORNERS[k][this.below(CORNERS[k].length)]!;
  }
}

const CORNERS = { d: corners('d'), s: corners('s') };
const MODES = [0, 1, 2, 3, 4];
const modesOf = (o: Op): number[] => (o.takes === 'rm' ? MODES : [0]);

function collect(failures: string[], found: string | undefined): void {
  if (found !== undefined && failures.length < 10) failures.push(found);
}

// ---- tests ------------------------------------------------------------------------------------------

for (const o of OPS) {
  if (o.args.length === 3) continue;
  test(`${o.name}: every corner value, every mode`, (t) => {
    const values = o.args[0] === 'd' || o.args[0] === 's' ? CORNERS[o.args[0]] : INTEGERS;
    const failures: string[] = [];
    for (const mode of modesOf(o)) {
      for (const a of values) {
        if (o.args.length === 1) collect(failures, judge(o.name, mode, [a]));
        else for (const b of values) collect(failures, judge(o.name, mode, [a, b]));
      }
    }
    t.deepEqual(failures, []);
  });
}

for (const k of FORMATS) {
  test(`fma_${k}: corner triples`, (t) => {
    const random = new Random(77);
    const failures: string[] = [];
    for (let i = 0; i < 20_000 * scale; i++) {
      collect(failures, judge(`fma_${k}`, i % 5, [random.pick(k), random.pick(k), random.pick(k)]));
    }
    t.deepEqual(failures, []);
  });
}

test('random operands against exact arithmetic', (t) => {
  const random = new Random(20261124);
  const failures: string[] = [];
  for (const o of OPS) {
    // Half of the cases round to nearest even, where the quick paths are.
    const many = /add|mul|div|sqrt|fma|d_to_s/.test(o.name) ? 6000 : 1000;
    for (let i = 0; i < many * scale; i++) {
      const mode = i & 1 ? 0 : modesOf(o)[(i >> 1) % modesOf(o).length]!;
      collect(failures, judge(o.name, mode, random.operands(o)));
    }
  }
  t.deepEqual(failures, []);
});

test('halves and integer boundaries convert by the table of the ISA manual', (t) => {
  const bits = (x: number): bigint => {
    const v = new DataView(new ArrayBuffer(8));
    v.setFloat64(0, x);
    return v.getBigUint64(0);
  };
  const failures: string[] = [];
  const bases = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 63, 2 ** 64, 2 ** 63 - 1024];
  for (const target of ['w', 'wu', 'l', 'lu']) {
    for (const base of bases) {
      for (const off of [0, 0.25, 0.5, 0.75, 1, 1.5, -0.25, -0.5, -1]) {
        for (const x of [base + off, -base - off]) {
          for (const mode of MODES) collect(failures, judge(`d_to_${target}`, mode, [bits(x)]));
        }
      }
    }
  }
  t.deepEqual(failures, []);
  // Written out, so that the reference itself is pinned: -0.5 to unsigned is 0 inexact, -1 is invalid.
  t.deepEqual(actual('d_to_wu', 1, 0, bits(-0.5), 0n, 0n), { bits: 0n, flags: 1 });
  t.deepEqual(actual('d_to_wu', 1, 0, bits(-1), 0n, 0n), { bits: 0n, flags: 16 });
  t.deepEqual(actual('d_to_wu', 1, 0, bits(4294967295), 0n, 0n), { bits: 0xffffffffffffffffn, flags: 0 });
  t.deepEqual(actual('d_to_w', 4, 0, bits(2.5), 0n, 0n), { bits: 3n, flags: 1 });
  t.deepEqual(actual('d_to_w', 0, 0, bits(2.5), 0n, 0n), { bits: 2n, flags: 1 });
  t.deepEqual(actual('d_to_l', 0, 0, bits(Number.NaN), 0n, 0n), { bits: 0x7fffffffffffffffn, flags: 16 });
});

test('tininess is detected after rounding', (t) => {
  // (1 - 2^-53) * 2^-1022 has 53 bits, so only the exponent limit makes it round up to 2^-1022: tiny.
  const half = 0x3fe0000000000000n;
  const maxBelow = 0x001fffffffffffffn; // (2 - 2^-52) * 2^-1022
  t.deepEqual(actual('mul_d', 0, 0, maxBelow, half, 0n), { bits: 0x0010000000000000n, flags: 3 });
  t.deepEqual(actual('mul_d', 1, 0, maxBelow, half, 0n), { bits: 0x000fffffffffffffn, flags: 3 });
  // 2^-1022 - 2^-1077 reaches 2^-1022 with an unbounded exponent as well: inexact but not tiny.
  const least = 0x0010000000000000n;
  const tinyNeg = 0x8000000000000001n; // -2^-1074
  const eighth = 0x3fc0000000000000n;
  t.deepEqual(actual('fma_d', 0, 0, tinyNeg, eighth, least), { bits: least, flags: 1 });
  t.deepEqual(actual('fma_d', 1, 0, tinyNeg, eighth, least), { bits: least - 1n, flags: 3 });
  // Narrowing: 2^-126 - 0.75 * 2^-150 rounds up to 2^-126 only for want of a smaller exponent.
  t.deepEqual(actual('d_to_s', 0, 0, 0x380fffffe8000000n, 0n, 0n), { bits: 0x00800000n, flags: 3 });
  t.deepEqual(actual('d_to_s', 0, 0, 0x380ffffffe000000n, 0n, 0n), { bits: 0x00800000n, flags: 1 });
});

test('a tie decided by the last bit of a 76-bit product', (t) => {
  // (2^25+1)(2^50-2^25+1) = 2^75+1, and 2^75 is half an ulp of 2^128 and of 3*2^127: losing the 1, by a
  // right shift without sticky bit or by rounding twice, turns "above the tie" into a tie.
  const a = pattern('d', 25, 1n << 27n);
  const b = pattern('d', 49, ((1n << 50n) - (1n << 25n) + 1n) << 3n);
  const up = pattern('d', 128, 0n);
  t.deepEqual(actual('fma_d', 0, 0, a, b, up), { bits: up + 1n, flags: NX });
  t.deepEqual(actual('fma_d', 4, 0, a, b, up), { bits: up + 1n, flags: NX });
  const down = pattern('d', 128, 1n << 51n);
  t.deepEqual(actual('fma_d', 0, 0, a | SIGN.d, b, down), { bits: down - 1n, flags: NX });
  t.deepEqual(actual('fma_d', 4, 0, a | SIGN.d, b, down), { bits: down - 1n, flags: NX });
});

test('a finite sum whose error term overflows on the way', (t) => {
  // Largest number minus 1.5 ulp is a tie; (sum - small operand) is then beyond the largest number.
  const max = pattern('d', 1023, -1n);
  const small = pattern('d', 971, 1n << 51n) | SIGN.d;
  t.deepEqual(actual('add_d', 0, 0, small, max, 0n), { bits: max - 1n, flags: NX });
  t.deepEqual(actual('add_d', 0, 0, max, small, 0n), { bits: max - 1n, flags: NX });
});

const cross = 'riscv64-linux-gnu-gcc';
const installed = [cross, 'qemu-riscv64'].every((p) => spawnSync(p, ['--version']).status === 0);

if (installed) {
  test('random operands against RISC-V instructions under qemu', (t) => {
    const exe = join(work, 'oracle');
    const cc = spawnSync(cross, ['-O1', '-static', '-o', exe, join(ROOT, 'test/rt/softfloat-oracle.c')]);
    t.is(cc.status, 0, String(cc.stderr));
    const list = spawnSync('qemu-riscv64', [exe, 'list'], { encoding: 'utf8' }).stdout.trim().split('\n');
    t.deepEqual([...list].sort(), OPS.map((o) => o.name).sort());

    const count = 200_000 * scale;
    const random = new Random(424242);
    const input = Buffer.alloc(count * 32);
    for (let i = 0; i < count; i++) {
      const o = op(list[i % list.length]!);
      const [a, b = 0n, c = 0n] = random.operands(o) as [bigint, bigint?, bigint?];
      input.writeUInt32LE(i % list.length, i * 32);
      input.writeUInt32LE(random.below(5), i * 32 + 4);
      for (const [j, v] of [a, b, c].entries()) input.writeBigUInt64LE(v, i * 32 + 8 + 8 * j);
    }
    const qemu = spawnSync('qemu-riscv64', [exe], { input, maxBuffer: 2 ** 30 });
    t.is(qemu.stdout.length, count * 16);
    const failures: string[] = [];
    for (let i = 0; i < count; i++) {
      const name = list[input.readUInt32LE(i * 32)]!;
      const mode = input.readUInt32LE(i * 32 + 4);
      const args = [8, 16, 24].map((at) => input.readBigUInt64LE(i * 32 + at));
      const want = {
        bits: qemu.stdout.readBigUInt64LE(i * 16),
        flags: Number(qemu.stdout.readBigUInt64LE(i * 16 + 8)),
      };
      collect(failures, differs(name, mode, i & 1, args, want));
    }
    t.deepEqual(failures, []);
  });
}
