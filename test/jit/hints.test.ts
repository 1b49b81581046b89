/** Branch hints: the section as WebAssembly's branch hinting proposal has it, every hint on a branch, and on the right ones. */
import test from 'ava';
import { decode } from '../../src/isa/decode.js';
import { translate } from '../../src/jit/translate.js';
import { Bytes, ModuleBuilder } from '../../src/jit/wasm.js';
import { i } from '../support/code-rig.js';
import '../support/jit-rig.js';
import { generate } from './generate.js';

const IF = 0x04;
const BR_IF = 0x0d;
const LOOP = 0x03;

/** Reads the binary format (WebAssembly core specification, chapter 5), as much as such modules have of it. */
class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  leb(): number {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.bytes[this.at++]!;
      v += (b & 127) * 2 ** shift;
      if (b < 128) return v;
    }
  }

  sub(): Reader {
    const size = this.leb();
    this.at += size;
    return new Reader(this.bytes, this.at - size, this.at);
  }

  text(): string {
    const { at, end } = this.sub();
    return String.fromCharCode(...this.bytes.subarray(at, end));
  }

  /** Passes one instruction; gives its first byte. */
  instruction(): number {
    const op = this.bytes[this.at++]!;
    if (op === 0x43) this.at += 4;
    else if (op === 0x44) this.at += 8;
    else if (op === 0xfd) this.at += [21, 33].includes(this.leb()) ? 1 : 0;
    else if (op === 0xfe) for (let n = 0; n < 3; n++) this.leb();
    else if (op >= 0x28 && op <= 0x3e) {
      this.leb();
      this.leb();
    } else if ([0x02, LOOP, IF, 0x0c, BR_IF, 0x10, 0x20, 0x21, 0x22, 0x41, 0x42].includes(op)) this.leb();
    return op;
  }
}

interface Module {
  /** By function index: hints by offset. */
  hints: Map<number, Map<number, number>>;
  order: number[];
  imports: number;
  /** By function: opcode by offset from where the locals are declared. */
  bodies: Map<number, number>[];
  /** Of each body, offsets of the branches back to a loop. */
  back: Set<number>[];
}

function read(bytes: Uint8Array): Module {
  const r = new Reader(bytes, 8);
  const m: Module = { hints: new Map(), order: [], imports: 0, bodies: [], back: [] };
  while (r.at < bytes.length) {
    const id = bytes[r.at++]!;
    const s = r.sub();
    m.order.push(id);
    if (id === 2) m.imports = s.leb() - 1;
    if (id === 0 && s.text() === 'metadata.code.branch_hint') {
      for (let n = s.leb(); n > 0; n--) {
        const fn = s.leb();
        const hints = new Map<number, number>();
        let last = -1;
        for (let k = s.leb(); k > 0; k--) {
          const at = s.leb();
          if (at <= last) throw new Error('hints out of order');
          last = at;
          if (s.leb() !== 1) throw new Error('size of a hint');
          hints.set(at, s.leb());
        }
        if (m.hints.has(fn) || [...m.hints.keys()].some((f) => f > fn))
          throw new Error('functions out of order');
        m.hints.set(fn, hints);
      }
      if (s.at !== s.end) throw new Error('bytes behind the hints');
    }
    if (id === 10) for (let n = s.leb(); n > 0; n--) readBody(s.sub(), m);
  }
  return m;
}

function readBody(b: Reader, m: Module): void {
  const start = b.at;
  for (let n = b.leb(); n > 0; n--) {
    b.leb();
    b.at++;
  }
  const ops = new Map<number, number>();
  const back = new Set<number>();
  const open: number[] = [];
  while (b.at < b.end) {
    const at = b.at;
    const op = b.instruction();
    ops.set(at - start, op);
    if (op === 0x02 || op === LOOP || op === IF) open.push(op);
    else if (op === 0x0b) open.pop();
    else if (op === BR_IF && open.at(-1 - b.bytes[at + 1]!) === LOOP) back.add(at - start);
  }
  m.bodies.push(ops);
  m.back.push(back);
}

/** Translation of code whose callees all come along. */
function compile(pc: number, code: Uint8Array, multi: boolean): Uint8Array {
  const d = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const half = (at: number): number =>
    at >= pc && at + 2 <= pc + code.length ? d.getUint16(at - pc, true) : 0;
  let slots = 1;
  return translate(
    pc,
    (at) => decode((half(at) & 3) === 3 ? (half(at) | (half(at + 2) << 16)) >>> 0 : half(at)),
    { slotOf: () => slots++, wanted: () => true },
    null,
    {
      tso: true,
      multi,
      fma: true,
      fuel: 100,
      limits: { insns: 300, blocks: 40 },
      batch: 8,
      memoryPages: 1,
    },
  ).bytes;
}

/** Two functions; the first has two loops, loads, stores and a call. */
const LOOPS = new Uint8Array(
  Uint32Array.of(
    i('ld', { rd: 6, rs1: 8, imm: 0 }),
    i('sd', { rs1: 9, rs2: 6, imm: 0 }),
    i('addi', { rd: 5, rs1: 5, imm: -1 }),
    i('bne', { rs1: 5, rs2: 0, imm: -12 }),
    i('jal', { rd: 1, imm: 16 }),
    i('addi', { rd: 7, rs1: 7, imm: -1 }),
    i('bne', { rs1: 7, rs2: 0, imm: -24 }),
    i('ecall', {}),
    i('amoadd.d', { rd: 6, rs1: 8, rs2: 5 }),
    i('jalr', { rd: 0, rs1: 1, imm: 0 }),
  ).buffer,
);

function* modules(): Generator<Uint8Array> {
  for (const multi of [false, true]) {
    yield compile(0x10000, LOOPS, multi);
    for (let seed = 1; seed <= 60; seed++) {
      const p = generate(seed, 0);
      yield compile(p.pc, p.code, multi);
    }
  }
}

test('every hint is on an if or a br_if, sections are in order, and the module is valid', (t) => {
  let hints = 0;
  let several = 0;
  for (const bytes of modules()) {
    t.true(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>));
    const m = read(bytes);
    // The proposal: before the code section.
    t.deepEqual(m.order, [1, 2, 3, 7, 0, 10]);
    if (m.hints.size > 1) several++;
    for (const [fn, list] of m.hints) {
      const ops = m.bodies[fn - m.imports]!;
      for (const [at, value] of list) {
        hints++;
        // What is rare is inside an if, or a look at windows that fails; what is likely is a loop going round.
        t.true(ops.get(at) === BR_IF || (value === 0 && ops.get(at) === IF), `function ${fn}, offset ${at}`);
      }
    }
  }
  t.true(hints > 2000, `${hints}`);
  t.true(several > 0);
});

test('every loop is hinted to go round, every access to hit its window', (t) => {
  const m = read(compile(0x10000, LOOPS, false));
  t.is(m.bodies.length, 2);
  for (const [n, back] of m.back.entries()) {
    const list = m.hints.get(m.imports + n)!;
    t.deepEqual(
      [...list].filter(([, v]) => v === 1).map(([at]) => at),
      [...back],
    );
    // The outer loop's way round; of each copy of the inner one a turn, and the way to a new look at its windows.
    t.is(back.size, n === 0 ? 1 + 2 * 2 : 0);
  }
  const rare = (n: number): number => [...m.hints.get(m.imports + n)!.values()].filter((v) => v === 0).length;
  // The entry's test for a stop; of each access the window and what the run time says.
  t.true(rare(0) >= 1 + 2 * 2, `${rare(0)}`);
  t.true(rare(1) >= 1 + 2, `${rare(1)}`);
});

test('functions without hints are left out, and a module without any has no such section', (t) => {
  const build = (hinted: readonly boolean[]): Module => {
    const mod = new ModuleBuilder();
    const type = mod.typeIndex([0x7f], [0x7f]);
    mod.importFn('one', [0x7f], [0x7f]);
    for (const h of hinted) {
      const body = new Bytes();
      // No locals; local.get 0, if, end, local.get 0, end.
      for (const b of [0, 0x20, 0, IF, 0x40, 0x0b, 0x20, 0, 0x0b]) body.u8(b);
      mod.addFunction(type, body, [], h ? [{ at: 3, taken: true }] : []);
    }
    const bytes = mod.finish(1);
    t.true(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>));
    return read(bytes);
  };
  t.deepEqual([...build([false, true, false, true]).hints.keys()], [2, 4]);
  t.deepEqual(build([false, true]).hints.get(2), new Map([[3, 1]]));
  t.false(build([false, false]).order.includes(0));
});
