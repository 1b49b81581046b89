/**
 * WebAssembly text of the modules that translation makes: for people to read, and valid input for any assembler
 * of the text format. Knows the sections of wasm.ts and the instructions of codegen.ts and the emit-*.ts files only.
 * Source of the encodings: WebAssembly core specification, chapters 5 (binary format) and 6 (text format), with
 * the threads and relaxed SIMD extensions.
 */
import { LOADS, OPS, STORES } from '../ir/ops.js';
import { F32, F64, I32, I64, VOID, W } from './wasm.js';

const TYPES: ReadonlyMap<number, string> = new Map([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
]);

const FLOAT_COMPARE = ['eq', 'ne', 'lt', 'gt', 'le', 'ge'];
const FLOAT_MATH = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'.split(' ');
const DIVISIONS = ['div_s', 'div_u', 'rem_s', 'rem_u'];

const F32_CONST = 0x43;
const F64_CONST = 0x44;
const VECTOR_PREFIX = 0xfd;
const ATOMIC_PREFIX = 0xfe;

/** Instructions without immediates that ir/ops.ts does not name. */
const PLAIN: ReadonlyMap<number, string> = new Map([
  [W.unreachable, 'unreachable'],
  [W.return, 'return'],
  [W.drop, 'drop'],
  [W.select, 'select'],
  ...FLOAT_COMPARE.map((n, i): [number, string] => [0x5b + i, `f32.${n}`]),
  ...FLOAT_COMPARE.map((n, i): [number, string] => [0x61 + i, `f64.${n}`]),
  ...DIVISIONS.map((n, i): [number, string] => [0x6d + i, `i32.${n}`]),
  ...DIVISIONS.map((n, i): [number, string] => [0x7f + i, `i64.${n}`]),
  ...FLOAT_MATH.map((n, i): [number, string] => [0x8b + i, `f32.${n}`]),
  ...FLOAT_MATH.map((n, i): [number, string] => [0x99 + i, `f64.${n}`]),
  [0xaa, 'i32.trunc_f64_s'],
  [0xb0, 'i64.trunc_f64_s'],
  [0xb6, 'f32.demote_f64'],
  [0xb9, 'f64.convert_i64_s'],
  [0xbb, 'f64.promote_f32'],
  ...[...OPS].filter(([, o]) => o.code !== 0).map(([n, o]): [number, string] => [o.code, n]),
]);

/** Loads and stores: name and natural alignment. */
const ACCESSES: ReadonlyMap<number, { name: string; size: number }> = new Map(
  [...LOADS, ...STORES].map(([name, { code, size }]) => [code, { name, size }]),
);

const VECTOR: ReadonlyMap<number, { name: string; lane: boolean }> = new Map([
  [20, { name: 'f64x2.splat', lane: false }],
  [33, { name: 'f64x2.extract_lane', lane: true }],
  [0x107, { name: 'f64x2.relaxed_madd', lane: false }],
]);
const ATOMIC: ReadonlyMap<number, { name: string; size: number }> = new Map([
  [0x1e, { name: 'i32.atomic.rmw.add', size: 4 }],
]);

/** The export section: says of every own function that it is f<number>, which functionText writes anyway. */
/** Branch hints: the text leaves them out. */
const CUSTOM = 0;
const EXPORTS = 7;

const PARAMETERS = ['$ts', '$depth', '$pc'];
const localName = (i: number): string => PARAMETERS[i] ?? `$${i}`;

class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    if (this.done) throw new Error('wasm: the module ends too early');
    return this.bytes[this.at++]!;
  }

  /** Unsigned LEB128 below 2^32. */
  u32(): number {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.u8();
      v += (b & 127) * 2 ** shift;
      if (b < 128) return v;
    }
  }

  /** Signed LEB128. */
  signed(): bigint {
    let v = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const b = this.u8();
      v |= BigInt(b & 127) << shift;
      if (b < 128) return BigInt.asIntN(Number(shift) + 7, v);
    }
  }

  float(size: 4 | 8): string {
    this.at += size;
    const v = size === 4 ? this.view.getFloat32(this.at - 4, true) : this.view.getFloat64(this.at - 8, true);
    // Everything that the code generator writes is a number or an infinity, and JavaScript's notation of it is exact.
    return Number.isFinite(v) ? String(v) : v > 0 ? 'inf' : '-inf';
  }

  name(): string {
    return String.fromCharCode(...this.take(this.u32()));
  }

  take(n: number): Uint8Array {
    if (this.at + n > this.bytes.length) throw new Error('wasm: the module ends too early');
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  /** A vector in the specification's sense: a count, then so many items. */
  list<T>(item: (i: number) => T): T[] {
    const n = this.u32();
    return Array.from({ length: n }, (_, i) => item(i));
  }
}

interface Signature {
  params: string[];
  results: string[];
}

const valueType = (r: Reader): string => known(TYPES, r.u8(), 'type');

function known<T>(table: ReadonlyMap<number, T>, code: number, what: string): T {
  const found = table.get(code);
  if (found === undefined) throw new Error(`wasm: unknown ${what} 0x${code.toString(16)}`);
  return found;
}

const clause = (word: string, types: readonly string[]): string =>
  types.length === 0 ? '' : ` (${word} ${types.join(' ')})`;

/**
 * The text of a whole module. Imports and own functions go by name, the parameters of region functions are `$ts`,
 * `$depth` and `$pc`, other locals and labels are numbered.
 * @throws Error for anything that translation does not emit.
 */
export function moduleText(bytes: Uint8Array): string {
  const file = new Reader(bytes);
  file.take(8);
  let types: Signature[] = [];
  let functions: number[] = [];
  const names: string[] = [];
  const out: string[] = ['(module'];
  while (!file.done) {
    const id = file.u8();
    const r = new Reader(file.take(file.u32()));
    if (id === 1) types = r.list(() => typeOf(r));
    else if (id === 2) out.push(...r.list(() => importOf(r, types, names)));
    else if (id === 3) {
      functions = r.list(() => r.u32());
      names.push(...functions.map((_, i) => `$f${i}`));
    } else if (id === 10) {
      r.list((i) => {
        out.push(...functionText(i, types[functions[i]!]!, new Reader(r.take(r.u32())), names));
      });
    } else if (id !== CUSTOM && id !== EXPORTS) throw new Error(`wasm: unknown section ${id}`);
  }
  return `${out.join('\n')}\n)\n`;
}

function typeOf(r: Reader): Signature {
  r.u8();
  return { params: r.list(() => valueType(r)), results: r.list(() => valueType(r)) };
}

function importOf(r: Reader, types: readonly Signature[], names: string[]): string {
  const module = r.name();
  const name = r.name();
  if (r.u8() === 0) {
    const { params, results } = types[r.u32()]!;
    names.push(`$${name}`);
    return `  (import "${module}" "${name}" (func $${name}${clause('param', params)}${clause('result', results)}))`;
  }
  const shared = r.u8() === 3 ? ' shared' : '';
  return `  (import "${module}" "${name}" (memory ${r.u32()} ${r.u32()}${shared}))`;
}

function functionText(i: number, type: Signature, r: Reader, names: readonly string[]): string[] {
  const params = type.params.map((ty, n) => ` (param ${localName(n)} ${ty})`).join('');
  const out = [`  (func $f${i} (export "f${i}")${params}${clause('result', type.results)}`];
  let local = type.params.length;
  r.list(() => {
    const n = r.u32();
    const ty = valueType(r);
    const group = Array.from({ length: n }, () => `(local ${localName(local++)} ${ty})`);
    while (group.length > 0) out.push(`    ${group.splice(0, 6).join(' ')}`);
  });
  out.push(...new BodyText(r, names).lines());
  out.push('  )');
  return out;
}

/** The instructions of one function, one a line, structure shown by indentation. */
class BodyText {
  private readonly labels: string[] = [];
  private opened = 0;
  private readonly out: string[] = [];

  constructor(
    private readonly r: Reader,
    private readonly names: readonly string[],
  ) {}

  lines(): string[] {
    const { r } = this;
    for (;;) {
      const code = r.u8();
      if (code === W.end && this.labels.length === 0) break;
      this.instruction(code);
    }
    if (!r.done) throw new Error('wasm: code behind the end of a function');
    return this.out;
  }

  private put(text: string, outdent = 0): void {
    this.out.push(' '.repeat(4 + 2 * (this.labels.length - outdent)) + text);
  }

  private label(depth: number): string {
    const name = this.labels[this.labels.length - 1 - depth];
    // The function's own label has no name; nothing emitted branches there.
    if (name === undefined) throw new Error(`wasm: no label ${depth}`);
    return name;
  }

  private open(word: string): void {
    const ty = this.r.u8();
    const label = `$L${this.opened++}`;
    this.put(`${word} ${label}${ty === VOID ? '' : ` (result ${known(TYPES, ty, 'type')})`}`);
    this.labels.push(label);
  }

  private instruction(code: number): void {
    switch (code) {
      case W.block:
        this.open('block');
        return;
      case W.loop:
        this.open('loop');
        return;
      case W.if:
        this.open('if');
        return;
      case W.else:
        this.put('else', 1);
        return;
      case W.end:
        this.labels.pop();
        this.put('end');
        return;
      default:
        this.put(this.plain(code));
    }
  }

  /** An instruction that opens and closes nothing. */
  private plain(code: number): string {
    const { r } = this;
    switch (code) {
      case W.br:
        return `br ${this.label(r.u32())}`;
      case W.brIf:
        return `br_if ${this.label(r.u32())}`;
      case W.call:
        return `call ${this.names[r.u32()]}`;
      case W.get:
        return `local.get ${localName(r.u32())}`;
      case W.set:
        return `local.set ${localName(r.u32())}`;
      case W.tee:
        return `local.tee ${localName(r.u32())}`;
      case W.i32Const:
        return `i32.const ${r.signed()}`;
      case W.i64Const:
        return `i64.const ${r.signed()}`;
      case F32_CONST:
        return `f32.const ${r.float(4)}`;
      case F64_CONST:
        return `f64.const ${r.float(8)}`;
      case VECTOR_PREFIX: {
        const { name, lane } = known(VECTOR, r.u32(), 'vector instruction');
        return lane ? `${name} ${r.u8()}` : name;
      }
      case ATOMIC_PREFIX:
        return this.access(known(ATOMIC, r.u32(), 'atomic instruction'));
      default: {
        const access = ACCESSES.get(code);
        return access ? this.access(access) : known(PLAIN, code, 'instruction');
      }
    }
  }

  private access(a: { name: string; size: number }): string {
    const align = 2 ** this.r.u32();
    const offset = this.r.u32();
    return a.name + (offset === 0 ? '' : ` offset=${offset}`) + (align === a.size ? '' : ` align=${align}`);
  }
}
