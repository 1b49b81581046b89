/** One worker's view of the guest process: kernel, code cache and tool over the shared memory. */
import {
  G_EXITING,
  G_LIVE_THREADS,
  G_MULTI,
  G_SERIAL,
  STOP_EXIT,
  T_STOP,
  TASKS,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout.js';
import { AddressSpace } from '../../kernel/core/address-space.js';
import { GuestMem } from '../../kernel/core/guest-mem.js';
import { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import type { ThreadServices } from '../../kernel/linux/env.js';
import { LinuxKernel } from '../../kernel/linux/kernel.js';
import { decode, type Insn } from '../isa/decode.js';
import { CodeCache } from '../jit/cache.js';
import { CodeStore } from '../jit/code-store.js';
import { Log } from '../report/log.js';
import { BigLock } from './big-lock.js';
import type { ToMain, WorkerData } from './config.js';
import { GuestThread } from './guest-thread.js';

const PTE_X = 4;

export class WorkerProcess {
  readonly machine: Machine;
  readonly space: AddressSpace;
  readonly mem: GuestMem;
  readonly threads: ThreadTable;
  readonly kernel: LinuxKernel;
  readonly log: Log;
  private readonly big: BigLock | null;
  private readonly guest: GuestThread;
  private readonly cache: CodeCache;
  private current = 0;

  constructor(
    readonly data: WorkerData,
    private readonly tell: (message: ToMain) => void,
  ) {
    const { config } = data;
    this.machine = Machine.attach(data.memory);
    this.threads = new ThreadTable(this.machine, config.maxThreads);
    this.big = this.machine.i32[G_SERIAL >> 2] ? new BigLock(this.machine, this.threads) : null;
    this.log = new Log(config.report.fd, config.pid, config.report.verbosity);
    this.space = new AddressSpace(this.machine, TASKS, {
      shootdown: () => this.threads.shootdown(this.current, 0),
      onUnmap: (lo, hi) => this.cache.flushRange(this.current, lo, hi),
      onProtect: (lo, hi) => this.cache.flushRange(this.current, lo, hi),
    });
    this.mem = new GuestMem(this.machine, this.space);
    this.kernel = new LinuxKernel({
      machine: this.machine,
      space: this.space,
      mem: this.mem,
      threads: this.services(),
      config: config.linux,
      warn: (text) => this.log.debug(text),
      trace: (text) => this.log.debug(text),
      flushIcache: () => this.cache.flushChanged(this.current),
    });
    this.guest = new GuestThread(this.machine, this.threads, this.big, {
      syscall: (ts) => this.kernel.syscall(ts),
      page: (addr, access) => this.space.fault(addr, access),
      trap: (ts, trap) => {
        this.log.user(`signal ${trap.signo} at ${trap.pc.toString(16)} addr ${trap.addr.toString(16)}`);
        this.services().killProcess(trap.signo);
        void ts;
      },
      request: () => {},
      returned: () => 0,
      flushIcache: () => this.cache.flushChanged(this.current),
    });
    this.cache = new CodeCache(
      this.machine,
      this.threads,
      new CodeStore(data.code),
      0,
      (pc) => this.fetch(pc),
      null,
      {
        tso: process.arch === 'x64',
        fma: true,
        fuel: 20000,
        limits: { insns: 200, blocks: 32 },
        batch: 8,
        memoryPages: 65536,
      },
      data.rt,
      this.guest.imports(),
    );
    this.cache.hostOf = (page) => entryHost(this.space.space.map.lookup(page));
    this.guest.cache = this.cache;
  }

  /** Runs one guest thread to its end. */
  run(ts: number): void {
    this.current = ts;
    this.machine.self = (ts - THREADS) / THREAD_STRIDE + 2;
    this.threads.markRunning(ts);
    this.guest.run(ts);
    this.threads.markExited(ts, 0);
    if (this.threads.free(ts) === 0) this.threads.exitProcess(0, 0);
  }

  /** The instruction at a guest address: undefined where no executable page is present. */
  private fetch(pc: number): Insn | null | undefined {
    const low = this.code16(pc);
    if (low < 0) return undefined;
    if ((low & 3) !== 3) return decode(low);
    const high = this.code16(pc + 2);
    if (high < 0) return undefined;
    return decode((low | (high << 16)) >>> 0);
  }

  private code16(pc: number): number {
    const entry = this.space.space.map.lookup(pc);
    if ((entry & PTE_X) === 0) return -1;
    return this.machine.u16[(entryHost(entry) + (pc % 4096)) >>> 1]!;
  }

  private services(): ThreadServices {
    const { threads, machine } = this;
    return {
      allocThread: () => threads.alloc(0, this.data.config.pid),
      spawn: (ts) => {
        Atomics.store(machine.i32, G_MULTI >> 2, 1);
        this.tell({ kind: 'spawn', ts });
      },
      freeThread: (ts) => void threads.free(ts),
      exitThread: (ts, code) => {
        Atomics.or(machine.i32, (ts + T_STOP) >> 2, STOP_EXIT);
        if (Atomics.load(machine.i32, G_LIVE_THREADS >> 2) === 1) threads.exitProcess(code & 255, 0);
      },
      exitProcess: (code) => void threads.exitProcess(code & 255, 0),
      killProcess: (signal) => void threads.exitProcess(128 + signal, signal),
      blocked: (fn) => (this.big ? this.big.without(this.current, fn) : fn()),
      yieldTurn: (ts) => this.big?.offer(ts),
      live: () => threads.live(),
    };
  }

  /** Whether the process has ended or is ending. */
  exiting(): boolean {
    return Atomics.load(this.machine.i32, G_EXITING >> 2) !== 0;
  }
}
