/** One worker's view of one guest task: kernel, code cache and tool over the shared memory. */
import { threadId } from 'node:worker_threads';
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { monotonicMs } from '../../kernel/core/clock.js';
import type { Face } from '../../kernel/core/face.js';
import { GuestMem } from '../../kernel/core/guest-mem.js';
import {
  G_CLOCK_BASE,
  G_COLD,
  G_ENDING,
  G_EXITING,
  G_FUEL,
  G_HEAT_LIMIT,
  G_IMAGES,
  G_LIVE_THREADS,
  G_MULTI,
  G_OWN,
  G_OWN_AREA,
  G_SERIAL,
  G_STATS,
  G_STEPS,
  G_TSO,
  STEPS_ACCESSES,
  STEPS_TRANSFERS,
  STOP_EXIT,
  T_FUTEX_STATE,
  T_MULTI,
  T_OWN,
  T_SLOT,
  T_STOP,
  T_X,
  THREADS,
  WASM_PAGES,
} from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { OWN_DIRECTORY_SIZE, OWN_RECORD } from '../../kernel/core/ownership.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import type { RegionView } from '../../kernel/core/space.js';
import { attachTask } from '../../kernel/core/task.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import { fanOut, type L4Events } from '../../kernel/l4/events.js';
import { l4Face } from '../../kernel/l4/face.js';
import { L4Kernel } from '../../kernel/l4/kernel.js';
import type { ThreadServices } from '../../kernel/linux/env.js';
import { linuxFace } from '../../kernel/linux/face.js';
import type { Journal } from '../../kernel/linux/journal.js';
import { LinuxKernel } from '../../kernel/linux/kernel.js';
import { CodeCache } from '../jit/cache.js';
import { CodeStore } from '../jit/code-store.js';
import { hasFusedMadd } from '../jit/fma.js';
import { endsBlock } from '../jit/own.js';
import { isAccess } from '../jit/steps.js';
import type { TranslateOptions } from '../jit/translate.js';
import { type FatalSignal, fatalXml, reportFatal } from '../report/fatal.js';
import { IpcRecorder } from '../report/ipc/record.js';
import { Log } from '../report/log.js';
import { xmlClientMessage } from '../report/xml.js';
import type { Tool } from '../tools/api.js';
import { BigLock, type Turns } from './big-lock.js';
import { type BootImages, bootImages } from './boot-images.js';
import { coreRequest } from './client-requests.js';
import { codeHalf, fetchInsn } from './code-fetch.js';
import type { ImageRef, RunConfig, ToMain, WorkerData } from './config.js';
import { reportDeadlock, type Waiting } from './deadlock.js';
import type { Errors } from './errors.js';
import { GuestThread, type Trap } from './guest-thread.js';
import { hostDiscard } from './host-memory.js';
import { l4Env } from './l4-host.js';
import { toolErrors, xmlLog } from './reporter.js';
import { type ScheduleEnd, STATUS_DEADLOCK, STATUS_DIVERGED, STATUS_LIVELOCK } from './schedule/config.js';
import { Recorder, Replayer } from './schedule/journal.js';
import { Schedule } from './schedule/schedule.js';
import { Symbols } from './symbols.js';
import { ToolRuntime } from './tool-runtime.js';

/** Lock owner ids of workers; the main thread is 1. */
const FIRST_WORKER_ID = 0x10000;
/**
 * How much is translated at once: enough for a whole loop nest, and little enough that code which runs once costs
 * little.
 */
export const TRANSLATION = { limits: { insns: 1000, blocks: 150 }, batch: 6 };
/** Workers that have run guest threads. Shared, atomic. */
export const WORKERS = G_STATS;

export class WorkerProcess {
  readonly machine: Machine;
  readonly space: AddressSpace;
  readonly mem: GuestMem;
  readonly threads: ThreadTable;
  readonly face: Face;
  /** Set where the program is one of L4. */
  private l4Kernel: L4Kernel | null = null;
  private recorder: IpcRecorder | null = null;
  /** Set where a system was booted. */
  private readonly bootImages: BootImages | null;
  readonly log: Log;
  private readonly schedule: Schedule | null;
  private readonly turns: Turns | null;
  private readonly guest: GuestThread;
  private readonly cache: CodeCache;
  private readonly tool: ToolRuntime;
  private readonly symbols: Symbols;
  private readonly errors: Errors;
  /** Where the XML form goes, null for the text form. */
  private readonly xml: Log | null;
  private current = 0;
  private started = false;
  private ended = false;
  /** Address of the system call that is running. */
  private callPc = 0;
  /** Value of G_IMAGES that this worker has seen. */
  private imagesKnown = 0;

  constructor(
    readonly data: WorkerData,
    tool: Tool,
    private readonly tell: (message: ToMain) => void,
    /** Task slot. */
    private readonly slot = 0,
  ) {
    const { config } = data;
    this.machine = Machine.attach(data.memory);
    this.machine.discard = hostDiscard;
    this.machine.self = FIRST_WORKER_ID + threadId;
    Atomics.add(this.machine.i32, WORKERS >> 2, 1);
    this.threads = new ThreadTable(this.machine, config.maxThreads);
    this.schedule = config.schedule
      ? new Schedule(this.machine, config.schedule, (end) => this.scheduleEnds(end))
      : null;
    const serial = this.machine.i32[G_SERIAL >> 2] !== 0;
    this.turns = this.schedule ?? (serial ? new BigLock(this.machine, this.threads, config.quantum) : null);
    this.log = new Log(config.report.fd, config.pid, config.report.verbosity);
    this.space = attachTask(this.machine, slot, {
      shootdown: () => this.threads.shootdown(this.current, slot),
      onMap: (region) => this.mapped(region),
      onUnmap: (lo, hi) => this.unmapped(lo, hi),
      onProtect: (lo, hi) => this.cache.flushRange(this.current, lo, hi),
    });
    this.mem = new GuestMem(this.machine, this.space);
    this.face = config.os === 'l4' ? this.l4() : this.linux();
    const codeOf = (task: number): BootImages | null => bootImages(this.machine, config.modules, task);
    this.bootImages = codeOf(slot);
    this.symbols = new Symbols(config, slot, codeOf);
    this.xml = xmlLog(config);
    this.errors = toolErrors(config, tool, {
      machine: this.machine,
      buffer: data.errors,
      symbols: this.symbols,
      log: this.log,
      exit: (status) => void this.threads.exitProcess(status, 0),
    });
    this.tool = new ToolRuntime(
      tool,
      this.machine,
      this.space,
      this.mem,
      this.log,
      this.symbols,
      config.toolOptions,
      this.errors,
    );
    const { instance } = this.tool;
    if (instance.beforeWrite) this.mem.writes = (host, length) => instance.beforeWrite!(host, length);
    this.observe();
    const start = this.machine.f64[G_CLOCK_BASE >> 3]!;
    this.guest = new GuestThread(this.machine, this.threads, this.turns, {
      syscall: (ts) => this.syscall(ts),
      page: (ts, addr, access) => this.face.fault(ts, addr, access),
      peek: (ts, addr, access) => this.face.peek(ts, addr, access),
      resolve: (ts, addr, access) => this.face.resolve(ts, addr, access),
      pending: (ts) => this.face.pending(ts),
      apply: (ts) => this.face.apply(ts),
      trap: (ts, trap) => this.trap(ts, trap),
      signals: (ts) => this.face.signals(ts),
      request: (ts) => this.request(ts),
      cold: (pc) => {
        this.knowImages(pc);
        return this.tool.cold(pc);
      },
      wrapped: (ts) => this.tool.wrapped(ts, this.guest.getPc(ts)),
      returned: (ts) => this.returned(ts),
      flushIcache: () => this.cache.flushChanged(this.current),
      clock: () => this.schedule?.now() ?? (monotonicMs() - start) * 1e6,
      needsCode: (pc) => this.knowImages(pc),
    });
    this.cache = new CodeCache(
      this.machine,
      this.threads,
      new CodeStore(data.code),
      slot,
      (pc) => fetchInsn((at) => this.code16(at), pc),
      this.tool.instrument(),
      {
        ...TRANSLATION,
        ...steps(this.machine.i32[G_STEPS >> 2]!),
        audit: config.audit,
        ...(config.atomicity === 'restart' ? ownership(tool, this.tool.instrument() !== null) : {}),
        fma: hasFusedMadd(data.memory, WASM_PAGES),
        tso: this.machine.i32[G_TSO >> 2] !== 0,
        fuel: this.machine.i32[G_FUEL >> 2]!,
        memoryPages: WASM_PAGES,
      },
      data.rt,
      { hg_race: () => {}, hg_own_code: () => 0, ...this.guest.imports(), ...this.toolImports() },
    );
    if (this.tool.interprets) this.machine.i32[G_COLD >> 2] = 1;
    else if (this.tool.instrument() !== null) this.machine.i32[G_HEAT_LIMIT >> 2] = 0;
    Object.assign(this.tool.rt, this.cache.rt);
    this.cache.hostOf = (page) => entryHost(this.space.space.map.lookup(page));
    this.guest.cache = this.cache;
  }

  /** Runs one guest thread to its end. */
  run(ts: number): void {
    this.current = ts;
    this.ended = false;
    const { i32 } = this.machine;
    const area = i32[G_OWN_AREA >> 2]!;
    if (area !== 0)
      i32[(ts + T_OWN) >> 2] = area + OWN_DIRECTORY_SIZE + i32[(ts + T_SLOT) >> 2]! * OWN_RECORD;
    this.turns?.acquire(ts);
    this.threads.markRunning(ts);
    if (ts === THREADS && this.x(ts, 2) !== 0 && !this.started) this.tool.instance.threadCreated?.(ts, 0);
    this.started = true;
    this.tool.instance.threadStarts?.(ts);
    this.guest.run(ts);
    this.endThread(ts);
    this.tool.collect(ts);
    this.tool.threadDone();
    this.errors.threadDone();
    this.face.ended(ts);
    // From the mark on, the main thread may find that nobody runs any more, and read the schedule's outcome.
    this.schedule?.leave(ts);
    this.threads.markExited(ts, 0);
    if (this.threads.free(ts) === 0) this.threads.exitProcess(0, 0);
    this.turns?.release(ts);
  }

  private toolImports(): Record<string, CallableFunction> {
    const own = Object.entries(this.tool.imports());
    return Object.fromEntries(own.map(([name, fn]) => [name, this.guest.toolCall(fn)]));
  }

  /** Tells the tool once that the thread ends. */
  private endThread(ts: number): void {
    if (this.ended) return;
    this.ended = true;
    Atomics.add(this.machine.i32, G_ENDING >> 2, 1);
    this.tool.instance.threadEnds?.(ts);
    this.recorder?.flush();
  }

  private syscall(ts: number): number {
    this.callPc = this.guest.getPc(ts);
    // Whoever joins the thread is woken by this call: what the tool does at a thread's end comes before.
    if (this.face.endsThread(ts)) this.endThread(ts);
    const { beforeSyscall, afterSyscall } = this.tool.instance;
    const nr = this.face.callNumber(ts);
    if (this.face.endsHandler(ts)) this.tool.handlerEnds();
    beforeSyscall?.call(this.tool.instance, ts, nr);
    const r = this.face.syscall(ts);
    afterSyscall?.call(this.tool.instance, ts, nr);
    this.schedule?.called(ts);
    return r;
  }

  private returned(ts: number): number {
    const to = this.tool.returned(ts);
    this.tool.rt['cs_pop']!(ts, BigInt(to), BigInt(this.x(ts, 2)));
    return to;
  }

  private x(ts: number, n: number): number {
    const { i32, u32 } = this.machine;
    const at = (ts + T_X + n * 8) >> 2;
    return i32[at + 1]! * 4294967296 + u32[at]!;
  }

  private setX(ts: number, n: number, v: number): void {
    const at = (ts + T_X + n * 8) >> 2;
    this.machine.i32[at] = v | 0;
    this.machine.i32[at + 1] = Math.floor(v / 4294967296);
  }

  private linux(): Face {
    const kernel = new LinuxKernel({
      machine: this.machine,
      space: this.space,
      mem: this.mem,
      threads: this.services(),
      config: this.data.config.linux,
      ...(this.schedule ? { scheduled: this.schedule } : {}),
      ...this.journal(this.data.config),
      timersChanged: () => {
        if (this.schedule) this.schedule.alarmsChanged(this.current);
        else this.tell({ kind: 'timers' });
      },
      heard: (signo) => this.tool.handlerBegins(this.current, signo),
      warn: (text) => this.log.debug(text),
      complain: (text) => this.log.user(text),
      trace: (text) => this.log.debug(text),
      flushIcache: () => this.cache.flushChanged(this.current),
    });
    if (this.schedule) this.schedule.alarms = () => kernel.timers.expire();
    return linuxFace(kernel);
  }

  /** Connects whoever wants to know what the L4 kernel does. */
  private observe(): void {
    const { l4Kernel, machine } = this;
    const { ipcRecords } = this.data.config;
    if (l4Kernel === null) return;
    const watchers: L4Events[] = [];
    const { l4 } = this.tool.instance;
    if (l4) watchers.push(l4);
    if (ipcRecords !== null) {
      this.recorder = new IpcRecorder(machine, ipcRecords);
      watchers.push(this.recorder);
    }
    if (watchers.length > 0) l4Kernel.observe(fanOut(watchers));
  }

  private l4(): Face {
    const services = this.services();
    const env = l4Env({
      machine: this.machine,
      threads: this.threads,
      config: this.data.config.l4,
      log: this.log,
      pid: this.data.config.pid,
      slot: this.slot,
      space: this.space,
      scheduled: this.schedule,
      current: () => this.current,
      codeGone: (lo, hi) => this.cache.flushRange(this.current, lo, hi),
      spawn: (ts) => {
        const { i32 } = this.machine;
        i32[(ts + T_MULTI) >> 2] = 1;
        if (Atomics.exchange(i32, G_MULTI >> 2, 1) === 0) services.goParallel();
        services.spawn(ts);
      },
      blocked: (fn) => services.blocked(fn),
      yieldTurn: (ts) => services.yieldTurn(ts),
    });
    this.l4Kernel = new L4Kernel(env);
    return l4Face(this.l4Kernel);
  }

  /** A signal of the running instruction: its handler runs next, or the process ends and the report says where. */
  private trap(ts: number, trap: Trap): void {
    if (this.exiting()) return;
    this.tool.instance.signal?.(ts, trap.signo);
    if (!this.face.exception(ts, trap.signo, trap.code, trap.addr)) this.die(ts, trap);
  }

  /** Ends the process by a signal's default action; the report says where the thread was. */
  private die(ts: number, trap: FatalSignal): void {
    if (this.exiting()) return;
    this.knowImages(trap.pc);
    const x = Array.from({ length: 32 }, (_, i) => (i === 0 ? 0 : this.x(ts, i)));
    const pcs = this.symbols.unwind(
      trap.pc,
      x,
      (addr) => this.tool.memory.word(addr),
      this.tool.hiddenReturns(),
    );
    const { report } = this.data.config;
    if (this.xml) this.xml.raw(fatalXml(trap, this.tid(ts), this.symbols.trace(pcs), report));
    else reportFatal(this.log, trap, this.symbols.traceLines(pcs), (pc) => this.codeBytes(pc));
    this.threads.exitProcess(128 + trap.signo, trap.signo);
  }

  /** Bytes of the instruction at pc, for reports. */
  private codeBytes(pc: number): number[] {
    const low = this.code16(pc);
    if (low < 0) return [];
    const words = (low & 3) === 3 ? [low, this.code16(pc + 2)] : [low];
    return words.filter((w) => w >= 0).flatMap((w) => [w & 255, w >>> 8]);
  }

  /** Client request: a4 points to {request, five arguments}, a3 holds the default answer and gets the result. */
  private request(ts: number): void {
    const at = this.x(ts, 14);
    const words = [0, 1, 2, 3, 4, 5].map((i) => this.tool.memory.word(at + i * 8));
    if (words.some((w) => w === null)) return;
    const [request, ...args] = words as number[];
    const result =
      coreRequest(request!, args, (text) => this.clientMessage(ts, text), this.mem) ??
      this.faceRequest(ts, request!, args) ??
      this.errors.request(request!, args) ??
      this.tool.instance.request?.(ts, request!, args);
    if (result !== undefined) this.setX(ts, 13, result);
  }

  private faceRequest(ts: number, request: number, args: readonly number[]): number | undefined {
    const result = this.face.request(ts, request, args);
    if (result !== undefined) this.schedule?.called(ts);
    return result;
  }

  private clientMessage(ts: number, text: string): void {
    if (this.xml) this.xml.raw(xmlClientMessage(this.tid(ts), text, [], this.data.config.report));
    else this.log.client(text);
  }

  /** Number of a thread in reports of the core: of its slot, from 1. */
  private tid(ts: number): number {
    return this.machine.i32[(ts + T_SLOT) >> 2]! + 1;
  }

  private mapped(region: RegionView): void {
    const image = imageOf(region);
    if (image && this.symbols.add(image)) {
      this.tool.findWraps();
      this.tell({ kind: 'image', image });
      Atomics.add(this.machine.i32, G_IMAGES >> 2, 1);
    }
    this.tool.instance.mapped?.(region.start, region.end);
  }

  /** Takes note of files that other workers have mapped; to be called before code is translated or loaded. */
  private knowImages(pc: number): void {
    const code = this.bootImages?.find(pc) ?? null;
    if (code !== null) {
      this.symbols.replace(code);
      this.tool.findWraps();
      this.tell({ kind: 'image', image: code });
    }
    const now = Atomics.load(this.machine.i32, G_IMAGES >> 2);
    if (now === this.imagesKnown) return;
    this.imagesKnown = now;
    const images = this.space.regions().flatMap((r) => imageOf(r) ?? []);
    if (images.filter((i) => this.symbols.add(i)).length > 0) this.tool.findWraps();
  }

  private unmapped(lo: number, hi: number): void {
    this.cache.flushRange(this.current, lo, hi);
    this.tool.instance.unmapped?.(lo, hi);
  }

  private code16(pc: number): number {
    return codeHalf(this.machine, this.space, pc);
  }

  private services(): ThreadServices {
    const { threads, machine } = this;
    return {
      allocThread: () => threads.alloc(0, this.data.config.pid),
      spawn: (ts) => {
        const pc = this.guest.getPc(this.current);
        this.guest.setPc(this.current, this.callPc);
        this.tool.instance.threadCreated?.(ts, this.current);
        this.guest.setPc(this.current, pc);
        this.schedule?.add(ts);
        this.tell({ kind: 'spawn', ts });
      },
      goParallel: () => {
        // From now on code owns lines; none that does not may run again.
        machine.i32[G_OWN >> 2] = machine.i32[G_OWN_AREA >> 2]!;
        this.cache.flushAll(this.current);
        this.tool.forgetCold();
      },
      freeThread: (ts) => void threads.free(ts),
      exitThread: (ts, code) => {
        Atomics.or(machine.i32, (ts + T_STOP) >> 2, STOP_EXIT);
        if (Atomics.load(machine.i32, G_LIVE_THREADS >> 2) === 1) threads.exitProcess(code & 255, 0);
      },
      exitProcess: (code) => void threads.exitProcess(code & 255, 0),
      killProcess: (signo) =>
        this.die(this.current, { signo, code: 0, addr: 0, pc: this.guest.getPc(this.current) }),
      blocked: (fn) => (this.turns ? this.turns.without(this.current, fn) : fn()),
      yieldTurn: (ts) => this.turns?.yielded(ts),
      poke: (ts, why) => threads.poke(ts, why),
      live: () => threads.live(),
      stuck: (all) => this.deadlock(all.map((ts) => ({ ts, at: ts + T_FUTEX_STATE }))),
    };
  }

  private journal(config: RunConfig): { journal?: Journal } {
    const diverged = (name: string): void => {
      this.log.user(`Replay: the program calls ${name}, and the recorded one did something else`);
      this.threads.exitProcess(STATUS_DIVERGED, 0);
    };
    if (config.recordFd !== null) return { journal: new Recorder(config.recordFd, diverged) };
    if (config.replay === null) return {};
    return { journal: new Replayer(this.machine, config.replay, diverged) };
  }

  /** No thread can go on, or none may: the run ends here, with a report. */
  private scheduleEnds(end: ScheduleEnd): void {
    if (end === 'deadlock') {
      this.deadlock(this.schedule!.waiting());
    } else {
      this.log.user(`Livelock: the run is over after ${this.data.config.schedule!.maxBlocks} blocks`);
      this.threads.exitProcess(STATUS_LIVELOCK, 0);
    }
  }

  private deadlock(waiting: readonly Waiting[]): void {
    const { machine, log, symbols } = this;
    const { memory, tool, instance, errors } = this.tool;
    reportDeadlock({ machine, log, symbols, memory, tool, instance, errors }, waiting);
    this.threads.exitProcess(STATUS_DEADLOCK, 0);
  }

  /** Whether the process has ended or is ending. */
  exiting(): boolean {
    return Atomics.load(this.machine.i32, G_EXITING >> 2) !== 0;
  }
}

/**
 * Where blocks end that may start over. What an access-atomic tool adds need not be one with what it adds to other
 * accesses, so blocks end behind each: then its calls have nothing behind them that could give up.
 */
function ownership(tool: Tool, instruments: boolean): Partial<TranslateOptions> {
  const ends = instruments && tool.atomicity === 'access' ? isAccess : endsBlock;
  return { limits: { ...TRANSLATION.limits, ends } };
}

/** How generated code counts steps, if it does. */
function steps(counted: number): Partial<TranslateOptions> {
  if (counted === STEPS_ACCESSES) {
    return { steps: 'accesses', limits: { ...TRANSLATION.limits, atAccesses: true } };
  }
  return counted === STEPS_TRANSFERS ? { steps: 'transfers' } : {};
}

/** A mapped file, if the region is one with a path. */
function imageOf(region: RegionView): ImageRef | null {
  if (region.fileId < 0 || !region.name.startsWith('/')) return null;
  const { name: path, start, end } = region;
  return { path, bias: start - region.fileOffset, start, end };
}
