/**
 * Start of a whole system: sigma0 and the root task, with what the kernel gives them (fact sheet 9). All memory belongs
 * to sigma0, whose addresses are physical ones; everybody else gets it by messages.
 */
import { USER_TOP } from '../../core/address-space.js';
import { GuestMem } from '../../core/guest-mem.js';
import { T_X } from '../../core/layout.js';
import * as A from '../abi.js';
import type { L4Kernel } from '../kernel.js';
import { makeKip } from '../kip.js';
import * as L from '../layout.js';
import { CREATOR_RIGHTS } from '../obj-factory.js';
import { GIVEN, handOut, rootObject } from '../root-objects.js';
import type { BootModules } from './modules.js';
import { layOut, type Ram } from './ram.js';

/** UTCBs of the first two threads. */
const UTCB_AREA = USER_TOP - 0x10000;
const UTCB_ORDER = 12;
const SIGMA0_LABEL = 0x40;
/** Kernel memory that there is at all. */
const KERNEL_MEMORY = 256 << 20;
const FIRST_PRIORITY = 1;

/**
 * Sets the machine up and starts both threads (L4Env.spawn, sigma0's first).
 *
 * @param bytes size of memory. Throws ModulesListError or Error when something does not fit.
 */
export function bootStack(kernel: L4Kernel, modules: BootModules, bytes: number): Ram {
  const ram = layOut(modules, bytes);
  const { state, tasks } = kernel;
  if (!kernel.boot()) throw new Error('not enough memory for the L4 kernel');
  state.lock();
  try {
    const object = (kind: number): number => rootObject(kernel, kind);
    const give = (task: number, index: number, obj: number, rights = GIVEN): void =>
      handOut(kernel, task, index, obj, rights);
    const factory = object(L.KIND_FACTORY);
    state.f64[(factory + L.F_LIMIT) >>> 3] = KERNEL_MEMORY;
    const common: [number, number][] = [
      [A.CAP_FACTORY, factory],
      [A.CAP_LOG, object(L.KIND_LOG)],
      [A.CAP_ICU, object(L.KIND_ICU)],
      [A.CAP_SCHEDULER, object(L.KIND_SCHEDULER)],
      [A.CAP_DEBUGGER, object(L.KIND_DEBUGGER)],
    ];
    const area = { type: A.FP_MEMORY, rights: 7, order: UTCB_ORDER, base: UTCB_AREA };
    const first = (ip: number, pager: number): { task: number; thread: number } => {
      const task = object(L.KIND_TASK);
      if (tasks.initTask(task, area) !== 0) throw new Error('no room for a task');
      const thread = object(L.KIND_THREAD);
      tasks.initThread(thread);
      give(task, A.CAP_TASK, task);
      give(task, A.CAP_THREAD, thread, CREATOR_RIGHTS);
      for (const [index, obj] of common) give(task, index, obj);
      if (tasks.bind(thread, task, UTCB_AREA) !== 0) throw new Error('the UTCB does not fit');
      if (pager !== 0) state.words.set(thread + L.H_PAGER, pager * 4096);
      state.f64[(thread + L.H_IP) >>> 3] = ip;
      state.f64[(thread + L.H_SP) >>> 3] = 0;
      state.setW(thread + L.Q_PRIO, FIRST_PRIORITY);
      tasks.flag(thread, L.HF_HAS_IP | L.HF_SCHEDULED);
      return { task, thread };
    };
    const sigma0 = first(ram.sigma0.entry, 0);
    fillMemory(kernel, sigma0.task, ram);
    const root = first(ram.roottask.entry, A.CAP_PAGER);
    const gate = object(L.KIND_GATE);
    state.setW(gate + L.G_THREAD, sigma0.thread);
    state.setW(gate + L.G_THREAD_ID, state.id(sigma0.thread));
    state.words.set(gate + L.G_LABEL, SIGMA0_LABEL);
    give(root.task, A.CAP_PAGER, gate);
    state.setName(sigma0.task, new TextEncoder().encode('sigma0'));
    state.setName(root.task, new TextEncoder().encode('root'));
    for (const { thread } of [sigma0, root]) {
      if (!tasks.start(thread)) throw new Error('no thread to run the system on');
    }
    // The one argument that anybody gets.
    state.words.set(state.w(sigma0.thread + L.H_TS) + T_X + 10 * 8, ram.kip);
    return ram;
  } finally {
    state.unlock();
  }
}

/** Sigma0 sees all of memory at its physical addresses; its own faults never reach a pager. */
function fillMemory(kernel: L4Kernel, task: number, ram: Ram): void {
  const { state, memory } = kernel;
  const space = memory.space(task);
  const request = {
    addr: ram.start,
    length: ram.end - ram.start,
    prot: 7,
    kind: 'anon',
    name: '[ram]',
  } as const;
  if (space.map({ ...request, noReplace: true }) < 0) {
    throw new Error(`no room for ${(ram.end - ram.start) >> 20} MiB of memory`);
  }
  const mem = new GuestMem(state.machine, space);
  for (const { at, bytes } of ram.pieces) mem.copyOut(at, bytes);
  const kip = makeKip({
    descriptors: ram.descriptors,
    sigma0: ram.sigma0.entry,
    root: ram.roottask.entry,
    userPtr: ram.info,
  });
  mem.copyOut(ram.kip, kip);
}
