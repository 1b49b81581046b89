/** Emits WebAssembly binary modules: a growing byte buffer with LEB128, and the few sections regions need. */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const VOID = 0x40;

/** Opcodes used by name; pure operations carry theirs in ir/ops. */
export const W = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  f64Load: 0x2b,
  i32Load8U: 0x2d,
  i32Store: 0x36,
  i64Store: 0x37,
  f64Store: 0x39,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32GtS: 0x4a,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LeU: 0x58,
  i64GeU: 0x5a,
  i64Rotr: 0x8a,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32ShrU: 0x76,
  i32Shl: 0x74,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i32Wrap: 0xa7,
} as const;

export class Bytes {
  buf = new Uint8Array(4096);
  len = 0;

  private room(n: number): void {
    if (this.len + n <= this.buf.length) return;
    const bigger = new Uint8Array(Math.max(this.buf.length * 2, this.len + n));
    bigger.set(this.buf.subarray(0, this.len));
    this.buf = bigger;
  }

  u8(v: number): void {
    if (this.len === this.buf.length) this.room(1);
    this.buf[this.len++] = v;
  }

  /** Unsigned LEB128 of a value below 2^32. */
  u32(v: number): void {
    let x = v >>> 0;
    this.room(5);
    while (x > 127) {
      this.buf[this.len++] = (x & 127) | 128;
      x >>>= 7;
    }
    this.buf[this.len++] = x;
  }

  /** Signed LEB128 of a 32-bit value. */
  s32(v: number): void {
    let x = v | 0;
    this.room(5);
    while (x < -64 || x > 63) {
      this.buf[this.len++] = (x & 127) | 128;
      x >>= 7;
    }
    this.buf[this.len++] = x & 127;
  }

  /** Signed LEB128 of a 64-bit value given as a safe integer or bigint. */
  s64(v: number | bigint): void {
    if (typeof v === 'number') {
      if (v === (v | 0)) {
        this.s32(v);
        return;
      }
      let x = v;
      this.room(10);
      while (x < -64 || x > 63) {
        const low = ((x % 128) + 128) % 128;
        this.buf[this.len++] = low | 128;
        x = (x - low) / 128;
      }
      this.buf[this.len++] = ((x % 128) + 128) % 128;
      return;
    }
    let x = v;
    this.room(10);
    while (x < -64n || x > 63n) {
      this.buf[this.len++] = Number(x & 127n) | 128;
      x >>= 7n;
    }
    this.buf[this.len++] = Number(x & 127n);
  }

  /** Five bytes to be patched with an unsigned value later; returns where they are. */
  hole(): number {
    this.room(5);
    const at = this.len;
    this.len += 5;
    return at;
  }

  patch(at: number, v: number): void {
    for (let i = 0; i < 5; i++) this.buf[at + i] = ((v >>> (7 * i)) & 127) | (i < 4 ? 128 : 0);
  }

  name(s: string): void {
    this.u32(s.length);
    for (let i = 0; i < s.length; i++) this.u8(s.charCodeAt(i));
  }

  append(b: Bytes): void {
    this.room(b.len);
    this.buf.set(b.buf.subarray(0, b.len), this.len);
    this.len += b.len;
  }

  take(): Uint8Array {
    return this.buf.slice(0, this.len);
  }
}

/** A call of the module's own function number `fn`, whose index is to be written at `at` in the body. */
export interface Fixup {
  at: number;
  fn: number;
}

/** Which way the conditional branch at `at` in a body nearly always goes. */
export interface Hint {
  at: number;
  taken: boolean;
}

/** Signature as a string key: parameter types, then results, e.g. `7f7f7e:7e`. */
export function signature(params: readonly number[], results: readonly number[]): string {
  return `${params.map((p) => p.toString(16)).join('')}:${results.map((p) => p.toString(16)).join('')}`;
}

/** A module under construction: imports everything from `env`, exports its functions as f0, f1, ... */
export class ModuleBuilder {
  private types: string[] = [];
  private imports: { name: string; type: number }[] = [];
  private importIndex = new Map<string, number>();
  private bodies: { type: number; body: Bytes; fixups: readonly Fixup[]; hints: readonly Hint[] }[] = [];

  typeIndex(params: readonly number[], results: readonly number[]): number {
    const key = signature(params, results);
    const at = this.types.indexOf(key);
    if (at >= 0) return at;
    this.types.push(key);
    return this.types.length - 1;
  }

  /** Index of an imported function. */
  importFn(name: string, params: readonly number[], results: readonly number[]): number {
    let i = this.importIndex.get(name);
    if (i === undefined) {
      i = this.imports.length;
      this.imports.push({ name, type: this.typeIndex(params, results) });
      this.importIndex.set(name, i);
    }
    return i;
  }

  importNames(): string[] {
    return this.imports.map((i) => i.name);
  }

  /** Adds an own function; `fixups` are calls of own functions, whose index depends on the imports to come. */
  addFunction(type: number, body: Bytes, fixups: readonly Fixup[], hints: readonly Hint[]): void {
    this.bodies.push({ type, body, fixups, hints });
  }

  finish(memoryPages: number): Uint8Array {
    for (const b of this.bodies) for (const f of b.fixups) b.body.patch(f.at, this.imports.length + f.fn);
    const out = new Bytes();
    for (const b of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(b);
    section(out, 1, (s) => {
      s.u32(this.types.length);
      for (const t of this.types) {
        const [p, r] = t.split(':') as [string, string];
        s.u8(0x60);
        for (const list of [p, r]) {
          s.u32(list.length / 2);
          for (let i = 0; i < list.length; i += 2) s.u8(Number.parseInt(list.slice(i, i + 2), 16));
        }
      }
    });
    section(out, 2, (s) => {
      s.u32(this.imports.length + 1);
      for (const i of this.imports) {
        s.name('env');
        s.name(i.name);
        s.u8(0);
        s.u32(i.type);
      }
      s.name('env');
      s.name('memory');
      s.u8(2);
      s.u8(3);
      s.u32(memoryPages);
      s.u32(memoryPages);
    });
    section(out, 3, (s) => {
      s.u32(this.bodies.length);
      for (const b of this.bodies) s.u32(b.type);
    });
    section(out, 7, (s) => {
      s.u32(this.bodies.length);
      this.bodies.forEach((_, i) => {
        s.name(`f${i}`);
        s.u8(0);
        s.u32(this.imports.length + i);
      });
    });
    this.branchHints(out);
    section(out, 10, (s) => {
      s.u32(this.bodies.length);
      for (const b of this.bodies) {
        s.u32(b.body.len);
        s.append(b.body);
      }
    });
    return out.take();
  }

  /** The custom section of the branch hinting proposal (WebAssembly/branch-hinting): by function, offsets in its body. */
  private branchHints(out: Bytes): void {
    const hinted = this.bodies.filter((b) => b.hints.length > 0);
    if (hinted.length === 0) return;
    section(out, 0, (s) => {
      s.name('metadata.code.branch_hint');
      s.u32(hinted.length);
      this.bodies.forEach((b, i) => {
        if (b.hints.length === 0) return;
        s.u32(this.imports.length + i);
        s.u32(b.hints.length);
        for (const h of b.hints) {
          s.u32(h.at);
          s.u32(1);
          s.u32(h.taken ? 1 : 0);
        }
      });
    });
  }
}

function section(out: Bytes, id: number, fill: (s: Bytes) => void): void {
  const s = new Bytes();
  fill(s);
  out.u8(id);
  out.u32(s.len);
  out.append(s);
}
