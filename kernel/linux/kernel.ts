/**
 * The Linux face of one worker: takes the registers of a guest thread at an `ecall`, runs the call, puts the
 * result into a0. One instance per worker, one guest thread on it at a time; everything that threads share lies
 * in the shared memory.
 */
import type { AddressSpace } from '../core/address-space.js';
import { GuestFault, type GuestMem } from '../core/guest-mem.js';
import {
  G_EXITING,
  STOP_EXIT,
  T_PC,
  T_STOP,
  T_TID,
  T_UNWIND,
  T_X,
  UNWIND_EXIT,
  UNWIND_RESTART,
} from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { LinuxEnv } from './env.js';
import { EFAULT, ENOSYS, errnoOf } from './errno.js';
import { LEAVE, RESUME, SysError, ThreadLeaves } from './error.js';
import { FileTable } from './files.js';
import { FutexTable } from './futex.js';
import { comesFromOutside, pinned } from './journal.js';
import { managerRequest } from './manager-requests.js';
import { MappedFiles } from './mapped-files.js';
import { PathResolver } from './paths.js';
import { pipeEnd } from './pipe.js';
import { P_PID } from './process.js';
import { RegionManagers } from './region-manager.js';
import { type SignalInfo, SignalQueue } from './signal-queue.js';
import { type Delivery, deliverSignals, forceSignal } from './signals.js';
import { BY_NUMBER, type Row, WIDE } from './table.js';
import { Timers } from './timers.js';
import { traceCall, traceResult } from './trace.js';
import { BOUNCE } from './user.js';
import { Sleeper } from './wait.js';

/** Which of the six arguments take the whole register: a bit mask per system call number. */
const WIDE_MASK: readonly number[] = BY_NUMBER.map((row) =>
  row === undefined ? 63 : row.args.reduce((mask, kind, i) => (WIDE.has(kind) ? mask | (1 << i) : mask), 0),
);

/** What the kernel answers for an error of a handler. */
function errorNumber(error: unknown): number {
  if (error instanceof SysError) return -error.errno;
  if (error instanceof GuestFault) return -EFAULT;
  return -errnoOf(error);
}

/** The result of a call, errors as negative numbers. @throws ThreadLeaves */
function answer(call: () => number): number {
  try {
    return call();
  } catch (error) {
    if (error instanceof ThreadLeaves) throw error;
    return errorNumber(error);
  }
}

export class LinuxKernel {
  readonly env: LinuxEnv;
  readonly machine: Machine;
  readonly space: AddressSpace;
  readonly mem: GuestMem;
  readonly files: FileTable;
  readonly mapped: MappedFiles;
  readonly futex: FutexTable;
  readonly paths: PathResolver;
  readonly sleeper: Sleeper;
  readonly signals: SignalQueue;
  readonly timers: Timers;
  readonly managers: RegionManagers;
  /** For one chunk of I/O; no call keeps anything in it. */
  readonly bounce = new Uint8Array(BOUNCE);
  /** The thread whose call is running. */
  ts = 0;
  /** Set by clone: the thread must leave its translated code although the call came back. */
  restart = false;
  /** Mask that comes back once a signal that ended the running call has been delivered. */
  savedMask: readonly [number, number] | undefined;
  readonly #warned = new Set<number>();
  readonly #i32: Int32Array;

  constructor(env: LinuxEnv) {
    this.env = env;
    this.machine = env.machine;
    this.space = env.space;
    this.mem = env.mem;
    this.#i32 = env.machine.i32;
    this.sleeper = new Sleeper(env.machine, env.threads, env.scheduled);
    this.signals = new SignalQueue(env.machine, env.threads);
    this.timers = new Timers(env.machine, this.signals, () => this.sleeper.now());
    this.files = new FileTable(env.machine);
    this.mapped = new MappedFiles(env.machine);
    this.mapped.serve(env.space);
    this.files.onPipeEnd = (pipe, writer) => pipeEnd(this, pipe, writer);
    this.futex = new FutexTable(env.machine, env.mem, env.space, this.sleeper, env.threads);
    this.managers = new RegionManagers(this);
    this.paths = new PathResolver(env, this.files);
  }

  /** Thread id of the caller. */
  get tid(): number {
    return this.#i32[(this.ts + T_TID) >> 2];
  }

  /** Whether the running thread has been told to end. */
  get stopping(): boolean {
    return (
      (Atomics.load(this.#i32, (this.ts + T_STOP) >> 2) & STOP_EXIT) !== 0 ||
      Atomics.load(this.#i32, G_EXITING >> 2) !== 0
    );
  }

  /**
   * Runs the call that the registers at `ts` ask for. On entry T_PC is the address of the `ecall`.
   *
   * @returns 0: a0 is set, go on behind the `ecall`. 1: T_UNWIND says why the thread has to leave its code:
   *   UNWIND_EXIT (it ends), or UNWIND_RESTART (a0 is set, go on at T_PC, which is behind the `ecall` now).
   */
  syscall(ts: number): number {
    this.ts = ts;
    this.restart = false;
    const nr = this.#i32[(ts + T_X + 17 * 8) >> 2];
    const row = BY_NUMBER[nr];
    const trace = this.env.config.trace;
    if (trace) this.env.trace(traceCall(this, row, nr));
    const pc = this.#pc(ts);
    const a0 = (ts + T_X + 10 * 8) >> 2;
    const before: [number, number] = [this.#i32[a0], this.#i32[a0 + 1]];
    const result = row === undefined ? this.#unknown(nr) : this.#run(row, nr);
    if (trace) this.env.trace(traceResult(this, row, nr, result));
    if (result === LEAVE) return this.#unwind(UNWIND_EXIT);
    const signalled = this.sleeper.signalled(ts) || this.savedMask !== undefined;
    if (result === RESUME) {
      const after = signalled ? deliverSignals(this) : 'moved';
      return this.#unwind(after === 'ends' ? UNWIND_EXIT : UNWIND_RESTART);
    }
    this.setX(ts, 10, result);
    if (!this.restart && !signalled) return 0;
    if (this.restart) this.#unwind(UNWIND_RESTART);
    else this.#setPc(ts, pc + 4);
    const after = signalled ? deliverSignals(this, { pc, a0: before, result }) : 'none';
    if (after !== 'none') return this.#unwind(after === 'ends' ? UNWIND_EXIT : UNWIND_RESTART);
    if (this.restart) return 1;
    this.#setPc(ts, pc);
    return 0;
  }

  /** Delivers signals to a thread at its safepoint. `moved` or `ends`: it must leave its translated code. */
  deliver(ts: number): Delivery {
    this.ts = ts;
    return deliverSignals(this);
  }

  /** A signal that the running instruction, at T_PC, raised. False when the process has to end by it. */
  force(ts: number, signo: number, code: number, addr: number): boolean {
    this.ts = ts;
    const word20 = Math.floor(addr / 4294967296) | 0;
    return forceSignal(this, { signo, code, word16: addr | 0, word20, value: [0, 0] });
  }

  /** Client request of the thread at `ts`: its result, undefined when it is none of the kernel's. */
  request(ts: number, request: number, args: readonly number[]): number | undefined {
    this.ts = ts;
    return managerRequest(this, request, args);
  }

  /** What a signal that the guest sends itself tells about its sender. */
  sentBySelf(signo: number, code: number): SignalInfo {
    const uid = process.getuid?.() ?? 0;
    return { signo, code, word16: this.#i32[P_PID >> 2], word20: uid, value: [0, 0] };
  }

  #pc(ts: number): number {
    const at = (ts + T_PC) >> 2;
    return this.#i32[at + 1] * 4294967296 + (this.#i32[at] >>> 0);
  }

  #setPc(ts: number, pc: number): void {
    this.#i32[(ts + T_PC) >> 2] = pc | 0;
    this.#i32[((ts + T_PC) >> 2) + 1] = Math.floor(pc / 4294967296) | 0;
  }

  #unwind(why: number): 1 {
    this.#i32[(this.ts + T_UNWIND) >> 2] = why;
    return 1;
  }

  /** Register value as a signed number; exact up to 2^53. */
  x(ts: number, n: number): number {
    const at = (ts + T_X + n * 8) >> 2;
    return this.#i32[at + 1] * 4294967296 + (this.#i32[at] >>> 0);
  }

  /** Writes a register, sign-extended. */
  setX(ts: number, n: number, value: number): void {
    const at = (ts + T_X + n * 8) >> 2;
    this.#i32[at] = value | 0;
    this.#i32[at + 1] = Math.floor(value / 4294967296) | 0;
  }

  /** Argument i of the running call, as its kind wants it. */
  arg(nr: number, i: number): number {
    return (WIDE_MASK[nr] ?? 63) & (1 << i)
      ? this.x(this.ts, 10 + i)
      : this.#i32[(this.ts + T_X + (10 + i) * 8) >> 2];
  }

  #run(row: Row, nr: number): number {
    const handler = row.handler;
    if (handler === undefined) return -row.errno;
    try {
      const a = this.arg(nr, 0);
      const b = this.arg(nr, 1);
      const c = this.arg(nr, 2);
      const call = () => handler(this, a, b, c, this.arg(nr, 3), this.arg(nr, 4), this.arg(nr, 5));
      const { journal } = this.env;
      if (!journal || !comesFromOutside(this, row.name)) return call();
      return pinned(this, journal, row.name, nr, () => answer(call));
    } catch (error) {
      if (error instanceof ThreadLeaves) return LEAVE;
      return errorNumber(error);
    }
  }

  #unknown(nr: number): number {
    if (!this.#warned.has(nr)) {
      this.#warned.add(nr);
      this.env.warn(`WARNING: unhandled riscv64-linux syscall: ${nr}`);
    }
    return -ENOSYS;
  }
}
