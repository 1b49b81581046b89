/**
 * Runs guest threads on one worker: the loop around translated code, and every way out of it into the kernel
 * (system calls, faults, safepoints, missing code). One guest thread at a time; the next one may follow.
 */
import {
  ACCESS_EXEC,
  DEPTH_LIMIT,
  FAULT_STALE,
  FAULT_STRADDLES,
  G_EXITING,
  G_OWN,
  PAGE_SIZE,
  STOP_EXIT,
  STOP_SIGNAL,
  T_BLOCK_INSNS,
  T_FAULT_ADDR,
  T_FAULT_KIND,
  T_LIMIT,
  T_PC,
  T_SCRATCH,
  T_STOP,
  T_UNWIND,
  UNWIND_EXIT,
  UNWIND_RESTART,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { SIGBUS } from '../../kernel/core/pager.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import {
  EXIT_BREAK,
  EXIT_CLIENT,
  EXIT_FAULT,
  EXIT_FENCEI,
  EXIT_ILLEGAL,
  EXIT_MISALIGNED,
  EXIT_RETURN,
  EXIT_STEP,
  EXIT_SYSCALL,
} from '../ir/ir.js';
import type { CodeCache } from '../jit/cache.js';
import type { Turns } from './big-lock.js';

/** Signals that end or trap a thread, with their si_code. */
export interface Trap {
  signo: number;
  code: number;
  addr: number;
  /** Address of the instruction. */
  pc: number;
}

export const SIGILL = 4;
export const SIGTRAP = 5;
const ILL_ILLOPC = 1;
const TRAP_BRKPT = 1;
const BUS_ADRALN = 1;

/** Attempts at a block before it is run with all other threads stopped. */
const GIVE_UP_LIMIT = 16;

export interface Hooks {
  /** The call in the registers. 0 = go on, 1 = T_UNWIND says what. */
  syscall(ts: number): number;
  /** Pager, with all registers in the thread state: 0 = resolved, or T_UNWIND says how to go on; else the signal. */
  page(ts: number, addr: number, access: number): 0 | { signo: number; code: number };
  /** Pager in the middle of translated code: what it does not resolve is asked again through `page`. */
  peek(ts: number, addr: number, access: number): 0 | { signo: number; code: number };
  /** What `peek` leaves, of a block that has been undone; may wait, raises nothing. True: the block starts over. */
  resolve(ts: number, addr: number, access: number): boolean;
  /** Whether registers are to be changed once the thread has no translated frame left, and the change. */
  pending(ts: number): boolean;
  apply(ts: number): void;
  /** A synchronous signal. It ends the process, unless the guest handles it: then T_PC is where to go on. */
  trap(ts: number, trap: Trap): void;
  /** Delivers pending signals at a safepoint. True when T_PC is where to go on, or the process ends. */
  signals(ts: number): boolean;
  /** Client request; false when it is none that anybody knows. */
  request(ts: number, pc: number): void;
  /** How the tool wants cold code at pc to be treated: COLD_* bits. */
  cold(pc: number): number;
  /** The thread is at the entry of a wrapped function, at T_PC. */
  wrapped(ts: number): void;
  /** A wrapped function returned to the trampoline; gives the real return address. */
  returned(ts: number): number;
  flushIcache(): void;
  /** Nanoseconds since some moment before the thread's start, for the counters that the guest can read. */
  clock(): number;
  /** Code at `pc` is about to be translated, or loaded on this worker. */
  needsCode(pc: number): void;
}

export class GuestThread {
  private readonly i32: Int32Array;
  private readonly u32: Uint32Array;
  private slowPc = -1;
  /** Instructions run alone, and nothing has led into the kernel since. */
  private stepping = false;
  /** The instruction that was stepped over accesses two windows. */
  private straddles = false;
  /** Block that gave up last for other threads' sake, and how often in a row. */
  private givenUpAt = -1;
  private givenUp = 0;
  cache!: CodeCache;

  constructor(
    readonly machine: Machine,
    readonly threads: ThreadTable,
    private readonly turns: Turns | null,
    private readonly hooks: Hooks,
  ) {
    this.i32 = machine.i32;
    this.u32 = machine.u32;
  }

  /** JavaScript functions that generated code and the run time import. */
  imports(): Record<string, CallableFunction> {
    return {
      exit: (ts: number, why: number, arg: number) => this.exit(ts, why, arg),
      js_page: (ts: number) => this.page(ts),
      js_code: (ts: number) => this.code(ts),
      js_poll: (ts: number) => this.poll(ts),
      js_thrash: (ts: number) => this.thrash(ts),
      js_clock: () => this.hooks.clock(),
      js_nap: (word: number, value: number, micros: number) => {
        Atomics.wait(this.i32, word >>> 2, value, micros / 1000);
      },
      js_cold: this.toolCall((ts: number) => this.hooks.cold(this.word64(ts + T_SCRATCH))),
      js_wrapped: this.toolCall((ts: number) => this.hooks.wrapped(ts)),
    };
  }

  /**
   * A tool's function for generated code: it runs in the kernel's mode, since it may wait for locks. When the
   * thread has to give up its frames afterwards, it does so at its next call or return.
   */
  toolCall(fn: CallableFunction): CallableFunction {
    return (ts: number, ...args: number[]) => {
      this.threads.enterKernel(ts);
      const r: unknown = fn(ts, ...args);
      this.threads.leaveKernel(ts);
      this.settle(ts);
      return r;
    };
  }

  /** Runs the thread from T_PC until it ends; it has the turn, where threads take turns. */
  run(ts: number): void {
    this.leaveKernel(ts);
    for (;;) {
      const unwind = this.i32[(ts + T_UNWIND) >> 2]!;
      if (unwind === UNWIND_EXIT) break;
      this.i32[(ts + T_UNWIND) >> 2] = 0;
      if (this.hooks.pending(ts)) {
        this.enterKernel(ts);
        this.hooks.apply(ts);
        this.leaveKernel(ts);
        if (this.stopping(ts)) break;
      }
      if (this.cache.needsRenewal(ts)) {
        this.enterKernel(ts);
        this.cache.renew(ts);
        this.leaveKernel(ts);
      }
      if (this.slowPc >= 0 && this.getPc(ts) === this.slowPc) {
        this.slowPc = -1;
        if (this.owns()) this.stepAlone(ts);
        else this.step(ts, true);
      } else {
        this.cache.rt.run(ts);
      }
    }
    this.enterKernel(ts);
  }

  /** Runs the one instruction at T_PC, byte by byte if asked to. */
  private step(ts: number, bytewise: boolean): void {
    this.threads.enterKernel(ts);
    const slot = this.cache.ensureSingle(ts, this.getPc(ts), bytewise);
    this.threads.leaveKernel(ts);
    if (slot !== 0) this.cache.rt.step(ts, slot);
  }

  // --- line ownership: --atomicity=restart with more than one thread ----------------------------------------------

  private owns(): boolean {
    return this.i32[G_OWN >> 2] !== 0;
  }

  /** Into the kernel, where a block has ended or not begun: others may take lines. */
  private enterKernel(ts: number): void {
    this.threads.enterKernel(ts);
    if (this.owns()) this.cache.rt.own_open(ts);
  }

  private leaveKernel(ts: number): boolean {
    if (this.owns()) this.cache.rt.own_close(ts);
    return this.threads.leaveKernel(ts);
  }

  /**
   * The block at T_PC does not get to its end: because of a fault, an access that lies in two windows, or other threads.
   * Runs it instruction by instruction while all other threads are between blocks, so that it is still atomic, and what
   * cannot be resolved faults where it should.
   */
  private stepAlone(ts: number): void {
    const { i32 } = this;
    this.enterKernel(ts);
    const alone = this.cache.rt.own_alone(ts) === 0;
    if (!alone) this.cache.rt.own_close(ts);
    this.threads.leaveKernel(ts);
    if (!alone) return;
    this.stepping = true;
    for (let n = i32[(ts + T_BLOCK_INSNS) >> 2]!; n > 0; n--) {
      const pc = this.getPc(ts);
      this.step(ts, false);
      if (this.straddles) {
        this.straddles = false;
        this.step(ts, true);
      }
      const now = this.getPc(ts);
      // A jump ends the block, and so does whatever has led into the kernel.
      if (now <= pc || now > pc + 4 || !this.stepping || i32[(ts + T_UNWIND) >> 2] !== 0) break;
    }
    this.stepping = false;
    this.enterKernel(ts);
    this.leaveKernel(ts);
    this.settle(ts);
  }

  /** The block at pc has given up: it starts over, or is run alone. */
  private gaveUp(ts: number, pc: number, kind: number): number {
    let alone = (kind & FAULT_STRADDLES) !== 0;
    if (kind & FAULT_STALE) {
      this.givenUp = this.givenUpAt === pc ? this.givenUp + 1 : 1;
      this.givenUpAt = pc;
      alone = this.givenUp >= GIVE_UP_LIMIT;
      if (alone) this.givenUp = 0;
    } else if (!alone) {
      const addr = this.word64(ts + T_FAULT_ADDR);
      const access = kind & 7;
      alone = this.hooks.peek(ts, addr, access) !== 0 && !this.hooks.resolve(ts, addr, access);
    }
    if (alone) {
      this.slowPc = pc;
      this.unwind(ts, UNWIND_RESTART);
    }
    return 1;
  }

  getPc(ts: number): number {
    return this.word64(ts + T_PC);
  }

  setPc(ts: number, pc: number): void {
    this.i32[(ts + T_PC) >> 2] = pc | 0;
    this.i32[(ts + T_PC + 4) >> 2] = Math.floor(pc / 4294967296);
  }

  /** A 64-bit word as an unsigned number; exact below 2^53. */
  word64(at: number): number {
    return this.u32[(at + 4) >> 2]! * 4294967296 + this.u32[at >> 2]!;
  }

  private stopping(ts: number): boolean {
    return (
      Atomics.load(this.i32, G_EXITING >> 2) !== 0 ||
      (Atomics.load(this.i32, (ts + T_STOP) >> 2) & STOP_EXIT) !== 0
    );
  }

  private unwind(ts: number, why: number): void {
    this.i32[(ts + T_UNWIND) >> 2] = why;
  }

  /** Generated code leaves at T_PC. 0 = go on behind the instruction, else at T_PC. */
  private exit(ts: number, why: number, arg: number): number {
    const stepped = this.stepping;
    if (stepped && why === EXIT_FAULT && this.i32[(ts + T_FAULT_KIND) >> 2]! & FAULT_STRADDLES) {
      this.straddles = true;
      return 1;
    }
    this.stepping = false;
    this.enterKernel(ts);
    const r = this.leave(ts, why, arg, stepped);
    this.leaveKernel(ts);
    return this.settle(ts) ? 1 : r;
  }

  /** On the way back to guest code: true when the thread must give up its frames, which is then arranged. */
  private settle(ts: number): boolean {
    if (this.stopping(ts)) {
      this.unwind(ts, UNWIND_EXIT);
      return true;
    }
    if (!this.cache.outdated() && !this.hooks.pending(ts)) return false;
    this.unwind(ts, UNWIND_RESTART);
    return true;
  }

  private leave(ts: number, why: number, arg: number, stepped: boolean): number {
    const pc = this.getPc(ts);
    switch (why) {
      case EXIT_SYSCALL: {
        const r = this.hooks.syscall(ts);
        if (r === 0) this.setPc(ts, pc + arg);
        return r;
      }
      case EXIT_FAULT:
        return this.fault(ts, pc, stepped);
      case EXIT_CLIENT:
        this.hooks.request(ts, pc);
        this.setPc(ts, pc + arg);
        return 0;
      case EXIT_RETURN:
        this.setPc(ts, this.hooks.returned(ts));
        return 1;
      case EXIT_STEP:
        this.turns?.step(ts);
        return 1;
      case EXIT_FENCEI:
        this.hooks.flushIcache();
        return 1;
      case EXIT_ILLEGAL:
        this.trap(ts, SIGILL, ILL_ILLOPC, pc, pc);
        return 1;
      case EXIT_BREAK:
        this.trap(ts, SIGTRAP, TRAP_BRKPT, pc, pc);
        return 1;
      case EXIT_MISALIGNED:
        this.trap(ts, SIGBUS, BUS_ADRALN, pc, pc);
        return 1;
      default:
        throw new Error(`unknown exit ${why}`);
    }
  }

  private fault(ts: number, pc: number, stepped: boolean): number {
    const kind = this.i32[(ts + T_FAULT_KIND) >> 2]!;
    if (this.owns() && !stepped) return this.gaveUp(ts, pc, kind);
    // Mappings or code changed while the pager was at work: the instruction starts over.
    if (kind & FAULT_STALE) return 1;
    const addr = this.word64(ts + T_FAULT_ADDR);
    if (kind & FAULT_STRADDLES) {
      this.slowPc = pc;
      this.unwind(ts, UNWIND_RESTART);
      return 1;
    }
    const r = this.hooks.page(ts, addr, kind & 7);
    if (r !== 0) this.trap(ts, r.signo, r.code, addr, pc);
    else if (!this.owns()) this.cache.rt.audit_carry(ts);
    return 1;
  }

  private trap(ts: number, signo: number, code: number, addr: number, pc: number): void {
    this.hooks.trap(ts, { signo, code, addr, pc });
    if (this.i32[(ts + T_UNWIND) >> 2] === 0) this.unwind(ts, UNWIND_RESTART);
  }

  /** The run time found no window: 1 = look again, 0 = leave the region, which then asks `exit`. */
  private page(ts: number): number {
    this.threads.enterKernel(ts);
    const addr = this.word64(ts + T_FAULT_ADDR);
    const r = this.hooks.peek(ts, addr, this.i32[(ts + T_FAULT_KIND) >> 2]! & 7);
    const stale = this.threads.leaveKernel(ts);
    if (r !== 0) return 0;
    if (!stale && !this.settle(ts)) return 1;
    this.i32[(ts + T_FAULT_KIND) >> 2]! |= FAULT_STALE;
    return 0;
  }

  /** Slot of the code at T_SCRATCH, translated and loaded; 0 after a fault on the fetch. */
  private code(ts: number): number {
    this.enterKernel(ts);
    const pc = this.word64(ts + T_SCRATCH);
    this.hooks.needsCode(pc);
    let slot = this.cache.ensure(ts, pc);
    if (slot === 0) {
      this.setPc(ts, pc);
      if (pc % 2 !== 0) this.trap(ts, SIGBUS, BUS_ADRALN, pc, pc);
      else slot = this.fetched(ts, pc, pc);
      // The second half of an instruction may lie in another page. A generation that has ended says nothing of it.
      if (slot === 0 && pc % PAGE_SIZE === PAGE_SIZE - 2 && this.i32[(ts + T_UNWIND) >> 2] === 0) {
        if (!this.cache.outdated()) slot = this.fetched(ts, pc, pc + 2);
      }
    }
    this.leaveKernel(ts);
    if (slot === 0) {
      this.settle(ts);
      return 0;
    }
    if (!this.settle(ts)) return slot;
    this.setPc(ts, pc);
    return 0;
  }

  /** Asks the pager for code at addr, which the instruction at pc needs; the slot as in `code`, 0 after a trap as well. */
  private fetched(ts: number, pc: number, addr: number): number {
    const r = this.hooks.page(ts, addr, ACCESS_EXEC);
    if (r !== 0) this.trap(ts, r.signo, r.code, addr, pc);
    return this.i32[(ts + T_UNWIND) >> 2] === 0 ? this.cache.ensure(ts, pc) : 0;
  }

  /** A window cell changes too often: 1 = code was dropped over it, the instruction starts over. */
  private thrash(ts: number): number {
    this.enterKernel(ts);
    this.cache.thrash(ts);
    const stale = this.leaveKernel(ts);
    return this.settle(ts) || stale ? 1 : 0;
  }

  /** Safepoint. */
  private poll(ts: number): void {
    const { i32 } = this;
    this.enterKernel(ts);
    Atomics.and(i32, (ts + T_STOP) >> 2, STOP_EXIT | STOP_SIGNAL);
    Atomics.store(i32, (ts + T_LIMIT) >> 2, DEPTH_LIMIT);
    const signalled = (Atomics.load(i32, (ts + T_STOP) >> 2) & STOP_SIGNAL) !== 0;
    if (signalled && this.hooks.signals(ts)) this.unwind(ts, UNWIND_RESTART);
    this.turns?.offer(ts);
    this.leaveKernel(ts);
    this.settle(ts);
  }
}
