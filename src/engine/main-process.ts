/** The control plane on the main thread: loads the program, starts workers for guest threads, waits for the end. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { AUDIT_AREA_SIZE } from '../../kernel/core/audit.js';
import { GuestMem } from '../../kernel/core/guest-mem.js';
import {
  G_CLOCK_BASE,
  G_ENDING,
  G_EXIT_SIGNAL,
  G_EXITING,
  G_FUEL,
  G_HEAT_LIMIT,
  G_SERIAL,
  G_STEPS,
  G_STUCK_FOUND,
  G_THRASH_LIMIT,
  G_THREAD_EVENT,
  G_TSO,
  RVC_TABLE,
  STEPS_ACCESSES,
  STEPS_NONE,
  STEPS_TRANSFERS,
  T_PC,
  T_SP_START,
  T_STACK_HI,
  T_STACK_LO,
  T_X,
} from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { OWN_AREA_SIZE } from '../../kernel/core/ownership.js';
import { createTask } from '../../kernel/core/task.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import { ElfError } from '../../kernel/elf/elf.js';
import { bootApplication } from '../../kernel/l4/boot.js';
import { L4Kernel } from '../../kernel/l4/kernel.js';
import { bootStack } from '../../kernel/l4/stack/boot.js';
import { type BootRequest, readBootModules } from '../../kernel/l4/stack/modules.js';
import { imageExtent } from '../../kernel/l4/stack/ram.js';
import { bootLinux } from '../../kernel/linux/boot.js';
import { LoadError, loadProgram, openProgram, type ProgramFile } from '../../kernel/linux/loader.js';
import { CodeStore } from '../jit/code-store.js';
import { prepareV8 } from '../jit/v8.js';
import type { Log } from '../report/log.js';
import type { Tool, ToolInstance } from '../tools/api.js';
import { bootImages } from './boot-images.js';
import type { RunConfig, ToMain, WorkerData } from './config.js';
import { ErrorStore } from './error-store.js';
import { hostDiscard } from './host-memory.js';
import { HostSignals } from './host-signals.js';
import { l4Env } from './l4-host.js';
import { GUEST_WORKER, RT_WASM, RVC_BIN } from './paths.js';
import { toolErrors } from './reporter.js';
import type { ScheduleOutcome } from './schedule/config.js';
import { Schedule } from './schedule/schedule.js';
import { Symbols } from './symbols.js';
import { ToolRuntime } from './tool-runtime.js';

/**
 * Arrivals at a branch target before it is translated, without a tool: a translation costs about as much as a few
 * hundred passes of the interpreter over the same code.
 */
const HEAT_LIMIT = 300;
/** First value of G_THRASH_LIMIT: the time lost by then is about that of translating anew. */
const THRASH_LIMIT = 1_000_000;

/** How long the other threads have to end after a worker died, in ms. */
const GRACE_MS = 2000;

export interface RunResult {
  /** Exit status of the guest, 0..255. */
  status: number;
  /** Signal that ended it, 0 for none. */
  signal: number;
  /** Set when a worker died of something that is not the guest's doing. */
  failure?: Error;
  /** From the start of the first guest thread to the end of the last. */
  milliseconds?: number;
  /** What came of a seeded schedule. */
  schedule?: ScheduleOutcome;
  /** All threads waited for each other. */
  deadlock?: boolean;
}

export class MainProcess {
  readonly machine: Machine;
  readonly threads: ThreadTable;
  readonly store: CodeStore;
  /** What tools found. */
  readonly errors = ErrorStore.create();
  readonly space: AddressSpace;
  readonly mem: GuestMem;
  /** Address of the first instruction. */
  entry = 0;
  private pool!: Piscina;
  /** Threads that the run starts with. */
  private readonly first: number[] = [];
  private schedule: Schedule | null = null;

  constructor(
    readonly config: RunConfig,
    private readonly tool: Tool,
    private readonly log: Log,
  ) {
    prepareV8();
    this.machine = Machine.create(
      tool.shadowScale,
      config.atomicity === 'restart' ? OWN_AREA_SIZE : 0,
      config.audit ? AUDIT_AREA_SIZE : 0,
    );
    this.machine.discard = hostDiscard;
    this.threads = new ThreadTable(this.machine, config.maxThreads);
    this.store = CodeStore.create();
    this.space = createTask(this.machine, 0, 0);
    this.mem = new GuestMem(this.machine, this.space);
    const { i32 } = this.machine;
    i32[G_SERIAL >> 2] = config.atomicity === 'serial' ? 1 : 0;
    i32[G_FUEL >> 2] = 20000;
    // The interpreter of cold code tells of no accesses.
    i32[G_HEAT_LIMIT >> 2] = config.audit ? 0 : HEAT_LIMIT;
    // In the middle of a block that may start over, code must stay.
    i32[G_THRASH_LIMIT >> 2] = config.atomicity === 'restart' ? 0 : THRASH_LIMIT;
    i32[G_STEPS >> 2] = counted(config);
    this.machine.u8.set(readFileSync(RVC_BIN), RVC_TABLE);
    i32[G_TSO >> 2] = process.arch === 'x64' ? 1 : 0;
  }

  /**
   * Maps the program and prepares its first thread; null: the system that the configuration asks to boot. Throws LoadError
   * or ModulesListError.
   */
  load(file: ProgramFile | null): void {
    const { config, machine } = this;
    if (config.schedule) {
      Schedule.prepare(machine, config.schedule);
      this.schedule = new Schedule(machine, config.schedule, () => undefined);
      // Virtual time starts at 0.
      machine.f64[G_CLOCK_BASE >> 3] = 0;
    }
    if (config.l4.boot !== null) this.bootSystem(config.l4.boot);
    else if (config.os === 'l4') this.loadL4(file!);
    else this.loadLinux(file!);
  }

  /** The simulated Fiasco.OC before the run: threads that it starts run first. */
  private l4Kernel(): L4Kernel {
    const { config, machine, threads } = this;
    return new L4Kernel(
      l4Env({
        machine,
        threads,
        config: config.l4,
        log: this.log,
        pid: config.pid,
        slot: 0,
        space: this.space,
        scheduled: this.schedule,
        current: () => 0,
        codeGone: () => {},
        spawn: (ts) => {
          this.schedule?.add(ts);
          this.first.push(ts);
        },
        blocked: (fn) => fn(),
        yieldTurn: () => {},
      }),
    );
  }

  private loadL4(file: ProgramFile): void {
    const { config } = this;
    try {
      const { argv, envp, exePath } = config.linux;
      const itas = config.l4.itas === null ? null : openProgram(config.l4.itas);
      const booted = bootApplication(this.l4Kernel(), { elf: file.elf, path: exePath, itas, argv, envp });
      const started = itas ?? { elf: file.elf, path: exePath };
      this.entry = started.elf.entry;
      config.images = [{ path: started.path, bias: 0, start: booted.start, end: booted.end }];
      this.put64(this.first[0]! + T_STACK_LO, booted.stackLow);
      this.put64(this.first[0]! + T_STACK_HI, booted.stackHigh);
    } catch (error) {
      if (error instanceof ElfError) throw new LoadError(`${file.path}: ${error.reason}`, 126);
      throw error;
    }
  }

  /** Sigma0 and the root task of an entry of modules.list. */
  private bootSystem(request: BootRequest & { memory: number }): void {
    const boot = readBootModules(request);
    const ram = bootStack(this.l4Kernel(), boot, request.memory);
    this.entry = ram.roottask.entry;
    // The first two tasks have the first two slots.
    this.config.images = boot.modules.flatMap(({ kind, path }) => {
      if (kind === 'sigma0') return [{ path, bias: 0, ...imageExtent(ram.sigma0), task: 0 }];
      return kind === 'roottask' ? [{ path, bias: 0, ...imageExtent(ram.roottask), task: 1 }] : [];
    });
    this.config.modules = boot.modules.flatMap((m, i) =>
      m.kind === 'module' && !m.packed ? [{ path: m.path, at: ram.places[i]!, bytes: m.bytes.length }] : [],
    );
  }

  private loadLinux(file: ProgramFile): void {
    const { config, machine } = this;
    const { linux } = config;
    const random = new Uint8Array(16);
    this.schedule?.random(random);
    const program = loadProgram(this.space, this.mem, {
      ...file,
      argv: linux.argv,
      execfn: linux.argv[0]!,
      envp: linux.envp,
      ...(linux.sysroot ? { sysroot: linux.sysroot } : {}),
      ...(config.schedule ? { random } : {}),
    });
    this.entry = program.entry;
    const ts = this.threads.alloc(0, config.pid);
    this.schedule?.add(ts);
    bootLinux(machine, ts, {
      pid: config.pid,
      fixed: config.schedule !== null,
      cwd: config.cwd,
      name: linux.exePath.split('/').pop()!,
    });
    this.put64(ts + T_PC, program.entry);
    this.put64(ts + T_X + 2 * 8, program.sp);
    this.put64(ts + T_SP_START, program.sp);
    this.put64(ts + T_STACK_LO, program.stackLow);
    this.put64(ts + T_STACK_HI, program.stackHigh);
    config.images = program.images.map((i) => ({
      // As the kernel names what it maps, and suppressions of objects expect.
      path: resolve(i.path),
      bias: i.bias,
      start: i.start,
      end: i.end,
    }));
    this.first.push(ts);
  }

  /** The tool's instance on this thread, for its final report. */
  toolRuntime(): ToolRuntime {
    const { config, tool, machine, log } = this;
    const symbols = new Symbols(config, 0, (task) => bootImages(machine, config.modules, task));
    return new ToolRuntime(
      tool,
      machine,
      this.space,
      this.mem,
      log,
      symbols,
      config.toolOptions,
      toolErrors(config, tool, {
        machine,
        buffer: this.errors.buffer,
        symbols,
        log,
        // The program has ended already.
        exit: () => undefined,
      }),
    );
  }

  /** Programs of L4 know no signals: the tool may take them. */
  private toolSignals(): (name: NodeJS.Signals) => boolean {
    if (this.config.os !== 'l4') return () => false;
    let instance: ToolInstance | undefined;
    return (name) => {
      instance ??= this.toolRuntime().instance;
      return instance.hostSignal?.(name) ?? false;
    };
  }

  private put64(at: number, v: number): void {
    this.machine.i32[at >> 2] = v | 0;
    this.machine.i32[(at + 4) >> 2] = Math.floor(v / 4294967296);
  }

  /** Runs the program to its end. */
  async run(): Promise<RunResult> {
    const { config, machine } = this;
    const rt = new WebAssembly.Module(readFileSync(RT_WASM));
    const workerData: WorkerData = {
      config,
      memory: machine.memory,
      code: this.store.buffer,
      errors: this.errors.buffer,
      rt,
    };
    this.pool = new Piscina({
      filename: GUEST_WORKER,
      minThreads: 1,
      maxThreads: config.maxThreads + 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: 10_000,
      workerData,
      resourceLimits: { stackSizeMb: 32, maxOldGenerationSizeMb: 512 },
      recordTiming: false,
      // Host descriptors belong to the guest process, not to the worker that happened to open them.
      trackUnmanagedFds: false,
    });
    const signals = new HostSignals(machine, this.threads, this.toolSignals());
    signals.listen();
    let failure: Error | undefined;
    let done = false;
    const { i32 } = machine;
    let running = 0;
    const waiting: number[] = [];
    const start = (ts: number): void => {
      running++;
      this.pool
        .run({ ts })
        .catch((error: Error) => {
          // Workers still on their way out when the pool is taken down have done their work.
          if (done) return;
          failure ??= new Error(`a worker died: ${error.message}`, { cause: error });
          this.threads.free(ts);
          this.threads.exitProcess(70, 0);
        })
        .finally(() => {
          running--;
          Atomics.sub(i32, G_ENDING >> 2, 1);
          const next = waiting.shift();
          if (next !== undefined && !done) start(next);
        });
    };
    // The worker of a thread that ends is free in a moment; to start another one takes far longer. Where threads take turns an
    // ending thread may wait for the new one's turn to pass, so there nothing waits.
    const spawned = (ts: number): void => {
      const ending = config.atomicity === 'parallel' ? Atomics.load(i32, G_ENDING >> 2) : 0;
      if (running >= this.pool.threads.length && ending > waiting.length) waiting.push(ts);
      else start(ts);
    };
    const channel = new BroadcastChannel(config.id);
    channel.onmessage = (event) => {
      const message = (event as { data: ToMain }).data;
      if (message.kind === 'spawn') spawned(message.ts);
      else if (message.kind === 'timers') signals.runTimers();
      else config.images.push(message.image);
    };
    const began = performance.now();
    for (const ts of this.first) start(ts);
    await this.ended(() => failure !== undefined);
    const milliseconds = performance.now() - began;
    done = true;
    signals.unlisten();
    channel.close();
    await this.pool.destroy().catch(() => undefined);
    const result: RunResult = {
      status: Atomics.load(i32, G_EXITING >> 2) - 1,
      signal: Math.max(0, Atomics.load(i32, G_EXIT_SIGNAL >> 2) - 1),
      milliseconds,
    };
    if (failure) result.failure = failure;
    if (Atomics.load(i32, G_STUCK_FOUND >> 2) !== 0) result.deadlock = true;
    if (this.schedule) result.schedule = this.schedule.outcome();
    return result;
  }

  /**
   * Resolves once the process is ending and no guest thread runs any more. A worker that died may have left a lock
   * behind that others wait for without end: they are given some time, and then go down with their workers.
   */
  private async ended(died: () => boolean): Promise<void> {
    const { i32 } = this.machine;
    let since: number | undefined;
    for (;;) {
      const event = Atomics.load(i32, G_THREAD_EVENT >> 2);
      const exiting = Atomics.load(i32, G_EXITING >> 2) !== 0;
      if (exiting && this.threads.live().length === 0) return;
      if (died()) since ??= performance.now();
      if (since !== undefined && performance.now() - since > GRACE_MS) return;
      const wait = Atomics.waitAsync(i32, G_THREAD_EVENT >> 2, event, 500);
      if (wait.async) await wait.value;
    }
  }
}

/** Which steps guest code counts. */
function counted(config: RunConfig): number {
  if (config.schedule) return STEPS_ACCESSES;
  return config.atomicity === 'serial' && config.quantum > 0 ? STEPS_TRANSFERS : STEPS_NONE;
}
