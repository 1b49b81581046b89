/**
 * Start of a single application: root objects, its task and thread, capabilities and stack, as moe and ned would
 * leave them (fact sheet 12). Services of moe and ITAS are objects of capgrind's own.
 */
import { GuestMem } from '../core/guest-mem.js';
import { PAGE_SIZE } from '../core/layout.js';
import type { ElfFile } from '../elf/elf.js';
import * as A from './abi.js';
import { loadImage, wishesOf } from './image.js';
import type { L4Kernel } from './kernel.js';
import { makeKip } from './kip.js';
import * as L from './layout.js';
import { CREATOR_RIGHTS } from './obj-factory.js';
import { GIVEN, handOut, rootObject } from './root-objects.js';
import { DS_R, DS_X } from './services/dataspace.js';
import { buildStack } from './start.js';

/** Slots beyond the kernel's own, as ned lays them out. */
const CAP_RM = 0x10;
const CAP_MEM_ALLOC = 0x11;
const CAP_PARENT = 0x13;
const CAP_KIP = 0x14;
const CAP_ROM = 0x16;
const FIRST_FREE_CAP = 0x20;
const UTCB_AREA = 0xb3000000;
const UTCB_ORDER = 12;
/** Kernel memory that the application's factory may use. */
const QUOTA = 64 << 20;
const APP_PRIORITY = 2;

export interface Application {
  elf: ElfFile;
  path: string;
  /** L4Re's ITAS: it is started in the program's place, and loads the program from `rom`. */
  itas: { elf: ElfFile; path: string } | null;
  argv: readonly string[];
  envp: readonly string[];
}

export interface Booted {
  start: number;
  end: number;
  stackLow: number;
  stackHigh: number;
}

/**
 * Builds the application's task and starts its thread (L4Env.spawn). Throws ElfError when the image does not fit, Error
 * when memory is too small.
 */
export function bootApplication(kernel: L4Kernel, app: Application): Booted {
  const { state, tasks, memory } = kernel;
  if (!kernel.boot()) throw new Error('not enough memory for the L4 kernel');
  state.lock();
  try {
    const object = (kind: number): number => rootObject(kernel, kind);
    const factory = object(L.KIND_FACTORY);
    state.f64[(factory + L.F_LIMIT) >>> 3] = QUOTA;
    const task = object(L.KIND_TASK);
    const area = { type: A.FP_MEMORY, rights: 7, order: UTCB_ORDER, base: UTCB_AREA };
    if (tasks.initTask(task, area) !== 0) throw new Error('no room for a task');
    const thread = object(L.KIND_THREAD);
    tasks.initThread(thread);
    const give = (index: number, obj: number, rights = GIVEN): void =>
      handOut(kernel, task, index, obj, rights);
    give(A.CAP_TASK, task);
    give(A.CAP_FACTORY, factory);
    give(A.CAP_THREAD, thread, CREATOR_RIGHTS);
    give(A.CAP_LOG, object(L.KIND_LOG));
    give(A.CAP_SCHEDULER, object(L.KIND_SCHEDULER));
    give(A.CAP_DEBUGGER, object(L.KIND_DEBUGGER));
    give(CAP_RM, object(L.KIND_RM));
    give(CAP_MEM_ALLOC, object(L.KIND_MEM_ALLOC));
    give(CAP_PARENT, object(L.KIND_PARENT));
    const rom = object(L.KIND_NAMESPACE);
    give(CAP_ROM, rom);
    const name = app.path.split('/').pop()!;
    kernel.namespaces.add(rom, name, app.elf.bytes);
    const started = app.itas ?? app;
    const kip = kernel.dataspaces.make(PAGE_SIZE, DS_R | DS_X);
    if (kip === 0) throw new Error('no memory for the kernel information page');
    state.machine.u8.set(makeKip(), state.w(kip + L.D_HOST));
    give(CAP_KIP, kip);

    const space = memory.space(task);
    const wishes = wishesOf(started.elf);
    const image = loadImage(space, started.elf, started.path);
    const { stackAddr, stackSize, kipAddr } = wishes;
    const mem = new GuestMem(state.machine, space);
    const place = (addr: number, length: number, name: string): void => {
      const at = space.map({ addr, length, prot: 3, noReplace: true, kind: 'anon', name });
      if (at < 0) throw new Error(`${app.path}: ${name} does not fit at 0x${addr.toString(16)}`);
    };
    place(stackAddr, stackSize, '[stack]');
    const file = kernel.dataspaces.file(kip, 0);
    const at = { addr: kipAddr, length: PAGE_SIZE, prot: 5, noReplace: true, name: '[kip]' } as const;
    if (space.map({ ...at, kind: 'file', shared: true, file }) < 0)
      throw new Error(`${app.path}: [kip] does not fit`);
    const stack = buildStack({
      elf: started.elf,
      argv: app.itas ? [`rom/${name}`, ...app.argv.slice(1)] : app.argv,
      envp: app.envp,
      kipAddr,
      top: stackAddr + stackSize,
      env: {
        parent: CAP_PARENT,
        rm: CAP_RM,
        memAlloc: CAP_MEM_ALLOC,
        log: A.CAP_LOG,
        mainThread: A.CAP_THREAD,
        factory: A.CAP_FACTORY,
        scheduler: A.CAP_SCHEDULER,
        firstFreeCap: FIRST_FREE_CAP,
        utcbArea: UTCB_AREA + (UTCB_ORDER << 6) + 0x17,
        firstFreeUtcb: UTCB_AREA + A.UTCB_SIZE,
        kip: CAP_KIP,
        named: [{ name: 'rom', index: CAP_ROM }],
      },
    });
    mem.copyOut(stack.sp, stack.bytes);

    if (tasks.bind(thread, task, UTCB_AREA) !== 0) throw new Error('the UTCB does not fit');
    state.words.set(thread + L.H_PAGER, CAP_RM * PAGE_SIZE);
    state.words.set(thread + L.H_HANDLER, CAP_RM * PAGE_SIZE);
    state.f64[(thread + L.H_IP) >>> 3] = started.elf.entry;
    state.f64[(thread + L.H_SP) >>> 3] = stack.sp;
    state.setW(thread + L.Q_PRIO, APP_PRIORITY);
    tasks.flag(thread, L.HF_HAS_IP | L.HF_SCHEDULED);
    if (!tasks.start(thread)) throw new Error('no thread to run the program on');
    return { ...image, stackLow: stackAddr, stackHigh: stackAddr + stackSize };
  } finally {
    state.unlock();
  }
}
