/**
 * One guest thread with a JIT around it, in this very thread: maps memory, runs code until it traps. What the
 * engine does with workers and a kernel is not there: the first trap ends the run.
 */
import { readFileSync } from 'node:fs';
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { GuestMem } from '../../kernel/core/guest-mem.js';
import {
  COLD_KNOWN,
  G_HEAT_LIMIT,
  G_MULTI,
  G_STEPS,
  RVC_TABLE,
  T_F,
  T_FCSR,
  T_MULTI,
  T_PC,
  T_UNWIND,
  T_X,
  UNWIND_EXIT,
} from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import { createTask } from '../../kernel/core/task.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import type { Turns } from '../../src/engine/big-lock.js';
import { GuestThread, type Trap } from '../../src/engine/guest-thread.js';
import { RVC_BIN } from '../../src/engine/paths.js';
import { Builder } from '../../src/ir/builder.js';
import { Interpreter } from '../../src/ir/interp.js';
import type { Access, Block } from '../../src/ir/ir.js';
import { illegal, lifterOf } from '../../src/ir/lift.js';
import '../../src/ir/lift-fp.js';
import { decode, type Insn } from '../../src/isa/decode.js';
import { CodeCache } from '../../src/jit/cache.js';
import { CodeStore } from '../../src/jit/code-store.js';
import type { Limits } from '../../src/jit/region.js';
import type { StepKind } from '../../src/jit/steps.js';
import { prepareV8 } from '../../src/jit/v8.js';
import { reference } from '../rt/softfloat-oracle.js';

// Must be set before the first module is compiled.
prepareV8();

const PTE_R = 1;
const PTE_W = 2;
const PTE_X = 4;
export const PROT_RW = 3;
export const PROT_RX = 5;

let rtModule: WebAssembly.Module | undefined;

/** The run time, compiled once per process. */
export function runtime(): WebAssembly.Module {
  rtModule ??= new WebAssembly.Module(readFileSync(new URL('../../src/rt/rt.wasm', import.meta.url)));
  return rtModule;
}

/** What the run time imports for tools: there is none here, so nobody may call them. */
function toolImports(): Record<string, CallableFunction> {
  const out: Record<string, CallableFunction> = {};
  for (const { name, kind } of WebAssembly.Module.imports(runtime())) {
    if (kind !== 'function') continue;
    out[name] = () => {
      throw new Error(`${name} called without a tool`);
    };
  }
  return out;
}

export interface RigOptions {
  limits: Limits;
  fuel: number;
  fma: boolean;
  tso: boolean;
  /** Count steps; `turns` hears when there are none left. */
  steps?: StepKind;
  turns?: Turns;
  /** Arrivals before cold code is translated; 0: at once. */
  heat: number;
}

export const LARGE: RigOptions = {
  limits: { insns: 600, blocks: 80 },
  fuel: 20000,
  fma: true,
  tso: true,
  heat: 0,
};
export const SMALL: RigOptions = {
  limits: { insns: 6, blocks: 2 },
  fuel: 2,
  fma: false,
  tso: false,
  heat: 0,
};
/** Interpreted from guest memory, but for what that interpreter leaves to translated code. */
export const COLD: RigOptions = { ...SMALL, limits: { insns: 1, blocks: 1 }, heat: 0x7fffffff };

/** All registers: x as unsigned 64-bit values, f as patterns. */
export interface Registers {
  x: BigUint64Array;
  f: BigUint64Array;
  fcsr: number;
}

const RVC = readFileSync(RVC_BIN);

export class JitRig {
  readonly machine = Machine.create(0);
  readonly space: AddressSpace = createTask(this.machine, 0, 1);
  readonly mem = new GuestMem(this.machine, this.space);
  readonly threads = new ThreadTable(this.machine, 4);
  readonly ts: number;
  readonly store = CodeStore.create();
  readonly cache: CodeCache;
  readonly guest: GuestThread;
  /** The last trap. */
  trap: Trap | null = null;
  /** Answers system calls, after which the guest goes on; without it the first call ends the run. */
  onSyscall: (() => void) | null = null;
  /** Addresses of the client requests seen. */
  readonly requests: number[] = [];
  /** What a tool says of cold code (with G_COLD), and where it was told that a wrapped function begins. */
  coldAt: (pc: number) => number = () => 0;
  readonly wrapped: number[] = [];

  constructor(options: RigOptions) {
    this.machine.i32[G_HEAT_LIMIT >> 2] = options.heat;
    this.machine.i32[G_STEPS >> 2] = options.steps === 'accesses' ? 2 : options.steps === 'transfers' ? 1 : 0;
    this.machine.u8.set(RVC, RVC_TABLE);
    this.ts = this.threads.alloc(0, 1);
    this.guest = new GuestThread(this.machine, this.threads, options.turns ?? null, {
      syscall: () => {
        if (!this.onSyscall) return this.stop();
        this.onSyscall();
        return 0;
      },
      page: (_ts, addr, access) => this.space.fault(addr, access),
      peek: (_ts, addr, access) => this.space.fault(addr, access),
      resolve: () => false,
      pending: () => false,
      apply: () => {},
      trap: (_ts, trap) => {
        this.trap = trap;
        this.stop();
      },
      signals: () => false,
      request: (_ts, pc) => {
        this.requests.push(pc);
      },
      cold: (pc) => COLD_KNOWN | this.coldAt(pc),
      wrapped: (ts) => void this.wrapped.push(this.guest.getPc(ts)),
      returned: () => 0,
      flushIcache: () => this.cache.flushChanged(this.ts),
      clock: () => performance.now() * 1e6,
      needsCode: () => undefined,
    });
    this.cache = new CodeCache(
      this.machine,
      this.threads,
      this.store,
      0,
      (pc) => this.fetch(pc),
      null,
      {
        tso: options.tso,
        fma: options.fma,
        fuel: options.fuel,
        limits: options.limits,
        batch: 8,
        memoryPages: 65536,
        ...(options.steps ? { steps: options.steps } : {}),
      },
      runtime(),
      { ...toolImports(), ...this.guest.imports() },
    );
    this.cache.hostOf = (page) => entryHost(this.space.space.map.lookup(page));
    this.guest.cache = this.cache;
  }

  private stop(): number {
    this.machine.i32[(this.ts + T_UNWIND) >> 2] = UNWIND_EXIT;
    return 1;
  }

  /** From now on stores test the reservation filter, as they do once a second thread exists. */
  multi(): void {
    this.machine.i32[G_MULTI >> 2] = 1;
    this.machine.i32[(this.ts + T_MULTI) >> 2] = 1;
    this.cache.flushAll(this.ts);
  }

  /** Maps anonymous memory at exactly addr. */
  map(addr: number, length: number, prot: number): void {
    const got = this.space.map({ addr, length, prot, maxProt: 7, fixed: true, kind: 'anon' });
    if (got !== addr) throw new Error(`map: ${got}`);
  }

  /** Replaces code: makes it writable meanwhile, and drops what was translated from it. */
  putCode(addr: number, bytes: Uint8Array): void {
    const first = addr - (addr % 4096);
    const length = Math.ceil((addr + bytes.length - first) / 4096) * 4096;
    this.space.protect(first, length, PROT_RW);
    this.mem.copyOut(addr, bytes);
    this.space.protect(first, length, PROT_RX);
    this.cache.flushChanged(this.ts);
  }

  setRegisters(r: Registers, pc: number): void {
    const { dv } = this.machine;
    for (let i = 1; i < 32; i++) dv.setBigUint64(this.ts + T_X + i * 8, r.x[i]!, true);
    for (let i = 0; i < 32; i++) dv.setBigUint64(this.ts + T_F + i * 8, r.f[i]!, true);
    dv.setInt32(this.ts + T_FCSR, r.fcsr, true);
    dv.setBigUint64(this.ts + T_PC, BigInt(pc), true);
  }

  registers(): Registers {
    const { dv } = this.machine;
    const x = new BigUint64Array(32);
    const f = new BigUint64Array(32);
    for (let i = 1; i < 32; i++) x[i] = dv.getBigUint64(this.ts + T_X + i * 8, true);
    for (let i = 0; i < 32; i++) f[i] = dv.getBigUint64(this.ts + T_F + i * 8, true);
    return { x, f, fcsr: dv.getInt32(this.ts + T_FCSR, true) };
  }

  get pc(): number {
    return this.guest.getPc(this.ts);
  }

  /** Runs translated code from T_PC to the first trap or system call. */
  run(): void {
    this.trap = null;
    this.machine.i32[(this.ts + T_UNWIND) >> 2] = 0;
    this.threads.forgetWindows(this.ts);
    this.guest.run(this.ts);
  }

  /** The instruction at a guest address: undefined where no executable page is present. */
  fetch(pc: number): Insn | null | undefined {
    const low = this.code16(pc);
    if (low < 0) return undefined;
    if ((low & 3) !== 3) return decode(low);
    const high = this.code16(pc + 2);
    return high < 0 ? undefined : decode((low | (high << 16)) >>> 0);
  }

  private code16(pc: number): number {
    const entry = this.space.space.map.lookup(pc);
    if ((entry & PTE_X) === 0) return -1;
    return this.machine.u16[(entryHost(entry) + (pc % 4096)) >>> 1]!;
  }

  /** Host address of a guest byte, as an interpreter asks for it. */
  translate(addr: bigint, access: Access): number {
    if (addr >= 1n << 47n) return 0;
    const a = Number(addr);
    const need = access === 'r' ? PTE_R : access === 'w' ? PTE_W : PTE_R | PTE_W;
    for (;;) {
      const entry = this.space.space.map.lookup(a);
      if ((entry & need) === need) return entryHost(entry) + (a % 4096);
      for (const bit of [PTE_R, PTE_W]) {
        if ((need & bit) !== 0 && (entry & bit) === 0 && this.space.fault(a, bit) !== 0) return 0;
      }
    }
  }
}

/** The one instruction at pc as a block, not optimised. */
export function liftOne(pc: number, i: Insn | null | undefined): Block {
  const b = new Builder(pc);
  const lift = i ? lifterOf(i.op) : undefined;
  const len = i?.len ?? 2;
  b.imark(pc, len, i?.op ?? 'illegal');
  const term = lift ? lift(b, i!, pc) : illegal(pc, len);
  return b.finish(term ?? { t: 'goto', pc: pc + len }, pc + len);
}

/** Interprets on the rig's memory and thread state, one instruction at a time, to the first exit. */
export function interpret(rig: JitRig, maxInsns = 1_000_000): { why: number; pc: number } {
  const interp = new Interpreter(rig.machine, rig.ts, {
    translate: (addr, access) => rig.translate(addr, access),
    fp: reference,
  });
  for (let n = 0; n < maxInsns; n++) {
    const pc = rig.pc;
    const out = interp.run(liftOne(pc, rig.fetch(pc)));
    if (out.k === 'exit') return { why: out.why, pc: out.pc };
  }
  throw new Error('the interpreter did not come to an end');
}
