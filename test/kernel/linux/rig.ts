/** A machine with a Linux kernel and no guest code: tests put arguments into registers and make the call. */
import { Worker } from 'node:worker_threads';
import { GuestMem } from '../../../kernel/core/guest-mem.js';
import { T_SLOT, T_UNWIND, T_X, UNWIND_EXIT } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { attachTask, createTask } from '../../../kernel/core/task.js';
import { ThreadTable } from '../../../kernel/core/threads.js';
import { bootLinux } from '../../../kernel/linux/boot.js';
import type { LinuxConfig, ThreadServices } from '../../../kernel/linux/env.js';
import { LinuxKernel } from '../../../kernel/linux/kernel.js';
import { P_SIGACTIONS, SIGACTION_SIZE } from '../../../kernel/linux/process.js';

export const PID = 4000;
/** Anonymous memory that every rig has mapped: 512 KiB. */
export const MEMORY = 0x10000;
export const MEMORY_SIZE = 0x80000;

export interface RigOptions {
  readonly cwd?: string;
  readonly sysroot?: string;
  readonly stdio?: readonly (number | null)[];
  readonly cpus?: number;
}

export class Rig {
  readonly machine: Machine;
  readonly threads: ThreadTable;
  readonly kernel: LinuxKernel;
  readonly ts: number;
  /** What the services were asked for, in order. */
  readonly spawned: number[] = [];
  readonly ended: { ts: number; code: number }[] = [];
  readonly warnings: string[] = [];
  readonly traced: string[] = [];
  readonly flushed: [number, number][] = [];
  killedBy = 0;
  exitCode = -1;

  constructor(machine: Machine, fresh: boolean, ts: number, options: RigOptions) {
    this.machine = machine;
    this.threads = new ThreadTable(machine, 8);
    const space = fresh ? createTask(machine, 0, 1) : attachTask(machine, 0);
    if (fresh) {
      const kind = 'anon';
      space.map({ addr: MEMORY, length: MEMORY_SIZE, prot: 3, fixed: true, kind });
    }
    this.ts = ts || this.threads.alloc(0, PID);
    this.machine.self = this.machine.i32[(this.ts + T_SLOT) >> 2]! + 2;
    const config: LinuxConfig = {
      ...(options.sysroot !== undefined && { sysroot: options.sysroot }),
      exePath: '/guest/program',
      argv: ['program', '--flag'],
      envp: ['A=1'],
      cpus: options.cpus ?? 4,
      trace: false,
      regionManager: 'guest',
    };
    const mem = new GuestMem(machine, space);
    this.kernel = new LinuxKernel({
      machine,
      space,
      mem,
      threads: this.#services(),
      config,
      timersChanged: () => {},
      heard: () => {},
      complain: (text) => this.warnings.push(text),
      warn: (text) => this.warnings.push(text),
      trace: (text) => this.traced.push(text),
      flushIcache: (start, end) => this.flushed.push([start, end]),
    });
    if (fresh) {
      const stdio = options.stdio ?? [null, null, null];
      bootLinux(machine, this.ts, { pid: PID, cwd: options.cwd ?? '/', name: 'program', stdio });
      // Without standard streams the first descriptors would be 0, 1, 2: tests want 3.
      if (options.stdio === undefined) for (let fd = 0; fd < 3; fd++) this.kernel.files.inherit(fd, 1);
    }
    this.kernel.ts = this.ts;
  }

  static create<T extends Rig>(
    this: new (
      machine: Machine,
      fresh: boolean,
      ts: number,
      options: RigOptions,
    ) => T,
    options: RigOptions = {},
  ): T {
    return new this(Machine.create(0), true, 0, options);
  }

  /** The same machine from a worker, as thread `ts`. */
  static attach(memory: WebAssembly.Memory, ts: number): Rig {
    return new Rig(Machine.attach(memory), false, ts, {});
  }

  /** Makes a system call: its result, or 'leaves' when the thread has to end. */
  call(nr: number, ...args: number[]): number | 'leaves' {
    this.kernel.setX(this.ts, 17, nr);
    for (let i = 0; i < 6; i++) this.kernel.setX(this.ts, 10 + i, args[i] ?? 0);
    const back = this.kernel.syscall(this.ts);
    if (back === 1 && this.machine.i32[(this.ts + T_UNWIND) >> 2] === UNWIND_EXIT) return 'leaves';
    return this.kernel.x(this.ts, 10);
  }

  /** Runs a scenario (scenarios.ts) as another guest thread on a worker of its own; resolves to its result. */
  spawn(scenario: string, n = 0): Promise<number | 'leaves'> {
    const ts = this.threads.alloc(0, PID);
    const workerData = { memory: this.machine.memory, ts, scenario, n };
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      trackUnmanagedFds: false,
    });
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  }

  /** Waits until a condition that another worker brings about holds, at most 20 s. */
  async until(condition: () => boolean): Promise<void> {
    for (let n = 0; !condition(); n++) {
      if (n > 10_000) throw new Error('it never came about');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  exitProcess(code: number): void {
    this.threads.exitProcess(code, 0);
  }

  ignoreSignal(signal: number, ignored = true): void {
    this.machine.i32[(P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE) >> 2] = ignored ? 1 : 0;
  }

  setWord64(at: number, value: number): void {
    this.machine.i64[at >> 3] = BigInt(value);
  }

  register(ts: number, n: number): number {
    return Number(this.machine.i64[(ts + T_X) / 8 + n]);
  }

  /** Deadlocks that were noticed, each with its threads. */
  readonly stuck: number[][] = [];

  #services(): ThreadServices {
    return {
      allocThread: () => this.threads.alloc(0, PID),
      stuck: (all) => void this.stuck.push([...all]),
      spawn: (ts) => this.spawned.push(ts),
      goParallel: () => {},
      freeThread: (ts) => this.threads.free(ts),
      exitThread: (ts, code) => this.ended.push({ ts, code }),
      exitProcess: (code) => {
        this.exitCode = code;
      },
      killProcess: (signal) => {
        this.killedBy = signal;
      },
      blocked: (fn) => fn(),
      yieldTurn: () => {},
      poke: (ts, why) => this.threads.poke(ts, why),
      live: () => this.threads.live(),
    };
  }
}
