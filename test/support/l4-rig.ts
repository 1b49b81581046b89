/** The L4 kernel without an engine: tasks, threads and capabilities to call it with directly, one caller at a time. */
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { T_X } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { attachTask } from '../../kernel/core/task.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import * as A from '../../kernel/l4/abi.js';
import type { L4Env } from '../../kernel/l4/env.js';
import { L4Kernel } from '../../kernel/l4/kernel.js';
import * as L from '../../kernel/l4/layout.js';
import { CREATOR_RIGHTS } from '../../kernel/l4/obj-factory.js';
import { tagOf } from '../../kernel/l4/words.js';

const UTCBS = 0xb3000000;
/** A call's outcome as a guest sees it. */
export interface Result {
  /** Label of the result tag, words, items. */
  label: number;
  words: number;
  items: number;
  /** IPC error, 0 for none. */
  error: number;
  /** Received label. */
  from: number;
}

export const CALL = A.OP_SEND | A.OP_RECV;
export const slot = (index: number): number => index * 4096;
export const buffer = (index: number): number => index * 4096 + 0xa;
export const object = (index: number, rights = 0xf, order = 0): number =>
  index * 4096 + (order << 6) + 0x30 + rights;
export const memory = (addr: number, order: number, rights = 7): number =>
  addr + (order << 6) + 0x10 + rights;

/** A task with a thread, an own factory and the kernel's other objects in their usual slots. */
export interface Party {
  task: number;
  thread: number;
  ts: number;
  utcb: number;
  space: AddressSpace;
}

export class L4Rig {
  readonly machine = Machine.create(0);
  readonly threads = new ThreadTable(this.machine, 100);
  readonly kernel: L4Kernel;
  /** What was written to the log, threads that were started, exit status, remarks. */
  output = '';
  readonly spawned: number[] = [];
  exit: number | null = null;
  readonly warnings: string[] = [];
  private readonly spaces = new Map<number, AddressSpace>();

  constructor(regionManager: 'virtual' | 'guest' = 'virtual') {
    const env: L4Env = {
      machine: this.machine,
      config: { trace: false, regionManager, itas: null, boot: null },
      space: (s) => this.space(s),
      codeGone() {},
      allocThread: (s) => this.threads.alloc(s, 1),
      spawn: (ts) => void this.spawned.push(ts),
      freeThread: (ts) => void this.threads.free(ts),
      poke: (ts, why) => this.threads.poke(ts, why),
      exitProcess: (code) => {
        this.exit = code;
      },
      blocked: (fn) => fn(),
      yieldTurn() {},
      // A rig has one caller: nobody ever waits for the last of the others.
      live: () => 1000,
      write: (bytes) => {
        this.output += Buffer.from(bytes).toString('latin1');
      },
      warn: (text) => void this.warnings.push(text),
      note: (text) => void this.warnings.push(text),
      trace() {},
    };
    this.kernel = new L4Kernel(env);
    this.kernel.boot();
  }

  private space(s: number): AddressSpace {
    let found = this.spaces.get(s);
    if (found === undefined) {
      found = attachTask(this.machine, s);
      this.spaces.set(s, found);
    }
    return found;
  }

  /** A fresh task with one thread, started as far as the kernel is concerned. */
  party(quota = 1 << 24): Party {
    const { state, caps, tasks, memory: mem } = this.kernel;
    const factory = state.alloc(L.KIND_FACTORY, 0, 0);
    state.f64[(factory + L.F_LIMIT) >>> 3] = quota;
    const task = state.alloc(L.KIND_TASK, 0, 0);
    const error = tasks.initTask(task, { type: A.FP_MEMORY, rights: 7, order: 12, base: UTCBS });
    if (error !== 0) throw new Error(`no task: ${error}`);
    const thread = state.alloc(L.KIND_THREAD, 0, 0);
    tasks.initThread(thread);
    caps.fill(task, A.CAP_TASK, task, CREATOR_RIGHTS, 'create');
    caps.fill(task, A.CAP_FACTORY, factory, CREATOR_RIGHTS, 'create');
    caps.fill(task, A.CAP_THREAD, thread, CREATOR_RIGHTS, 'create');
    const kinds = [
      [A.CAP_LOG, L.KIND_LOG],
      [A.CAP_ICU, L.KIND_ICU],
      [A.CAP_SCHEDULER, L.KIND_SCHEDULER],
      [A.CAP_DEBUGGER, L.KIND_DEBUGGER],
    ] as const;
    for (const [index, kind] of kinds) {
      caps.fill(task, index, state.alloc(kind, 0, 0), CREATOR_RIGHTS, 'create');
    }
    tasks.bind(thread, task, UTCBS);
    tasks.flag(thread, L.HF_HAS_IP | L.HF_SCHEDULED);
    tasks.start(thread);
    const ts = state.w(thread + L.H_TS);
    return { task, thread, ts, utcb: state.w(thread + L.H_UTCB), space: mem.space(task) };
  }

  /** Message register i as a signed number. */
  mr(p: Party, i: number): number {
    return this.kernel.state.words.get(p.utcb + i * 8);
  }

  setMr(p: Party, first: number, values: readonly number[]): void {
    values.forEach((v, i) => {
      this.kernel.state.words.set(p.utcb + (first + i) * 8, v);
    });
  }

  setBr(p: Party, values: readonly number[]): void {
    values.forEach((v, i) => {
      this.kernel.state.words.set(p.utcb + A.UTCB_BR + i * 8, v);
    });
  }

  /** One system call: selector with its operation bits, tag, timeouts. */
  syscall(p: Party, selector: number, tag: number, timeouts = 0, from = 0): Result {
    const { words } = this.kernel.state;
    const x = (n: number): number => p.ts + T_X + n * 8;
    words.set(x(10), tag);
    words.set(x(11), selector);
    words.set(x(12), timeouts);
    words.set(x(13), from);
    this.kernel.syscall(p.ts);
    const low = words.low(x(10));
    return {
      label: words.high(x(10)) * 65536 + (low >>> 16),
      words: low & 63,
      items: (low >>> 6) & 63,
      error: (low & A.TAG_ERROR) === 0 ? 0 : words.low(p.utcb + A.UTCB_ERROR),
      from: words.get(x(13)),
    };
  }

  /** A call with words and capability items (as pairs of words). */
  call(
    p: Party,
    index: number,
    label: number,
    mrs: readonly number[],
    items: readonly (readonly [number, number])[] = [],
  ): Result {
    this.setMr(p, 0, [...mrs, ...items.flat()]);
    return this.syscall(p, slot(index) | CALL, tagOf(label, mrs.length, items.length));
  }

  /** Factory create into a slot. */
  create(
    p: Party,
    index: number,
    type: number,
    args: readonly number[] = [],
    items: readonly (readonly [number, number])[] = [],
  ): Result {
    this.setBr(p, [buffer(index), 0]);
    return this.call(p, A.CAP_FACTORY, A.PROTO_FACTORY, [type, ...args], items);
  }

  /** Whether a slot of the party's task holds something. */
  full(p: Party, index: number): boolean {
    return this.kernel.caps.lookup(p.task, index) !== 0;
  }
}
