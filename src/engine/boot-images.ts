/**
 * Which file of a booted system the code of a task comes from. Nobody tells: loaders of L4Re map pages of the boot modules
 * into tasks without the kernel's knowing what they are. But these are the very frames that hold the module, so the frame
 * of a page of code says which file it is, and where in it.
 */
import { readFileSync } from 'node:fs';
import { PAGE_SIZE } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import type { Space } from '../../kernel/core/space.js';
import { attachTask } from '../../kernel/core/task.js';
import { PT_LOAD } from '../../kernel/elf/constants.js';
import { ElfError, inspectElf, type ProgramHeader } from '../../kernel/elf/elf.js';
import type { ImageRef, ModuleRef } from './config.js';

interface Placed {
  module: ModuleRef;
  /** Offset in the file. */
  offset: number;
}

/** Of one task slot, as one worker sees it. */
export class BootImages {
  /** Frame of each page of code that was asked for: another one means another program in the slot. */
  private readonly frames = new Map<number, number>();
  /** Images found, none over another. */
  private known: ImageRef[] = [];
  private placed: Map<number, Placed> | null = null;
  private readonly segments = new Map<string, readonly ProgramHeader[]>();

  /**
   * @param space the task
   * @param ram sigma0's task, in which modules lie at their physical addresses
   */
  constructor(
    private readonly space: Space,
    private readonly ram: Space,
    private readonly modules: readonly ModuleRef[],
    private readonly task: number,
  ) {}

  /** The image around the code at `pc`, if it comes from a module and is not known yet. */
  find(pc: number): ImageRef | null {
    const page = pc - (pc % PAGE_SIZE);
    const host = entryHost(this.space.map.lookup(page));
    if (host === 0 || this.frames.get(page) === host) return null;
    this.frames.set(page, host);
    this.placed ??= this.place();
    const found = this.placed.get(host);
    if (found === undefined) return null;
    const { module, offset } = found;
    const loads = this.loadsOf(module.path);
    const h = loads.find((l) => offset + PAGE_SIZE > l.offset && offset < l.offset + l.filesz);
    if (h === undefined) return null;
    const bias = page - (h.vaddr - h.offset + offset);
    const here = this.known.find((k) => page >= k.start && page < k.end);
    if (here?.path === module.path && here.bias === bias) return null;
    const start = Math.min(...loads.map((l) => l.vaddr)) + bias;
    const end = Math.max(...loads.map((l) => l.vaddr + l.memsz)) + bias;
    const image = {
      path: module.path,
      bias,
      start: start - (start % PAGE_SIZE),
      end: Math.ceil(end / PAGE_SIZE) * PAGE_SIZE,
      task: this.task,
    };
    this.known = this.known.filter((k) => k.end <= image.start || k.start >= image.end);
    this.known.push(image);
    return image;
  }

  /** Frames of all modules. They stay where they are for the whole run. */
  private place(): Map<number, Placed> {
    const out = new Map<number, Placed>();
    for (const module of this.modules) {
      for (let offset = 0; offset < module.bytes; offset += PAGE_SIZE) {
        const host = entryHost(this.ram.map.lookup(module.at + offset));
        if (host !== 0) out.set(host, { module, offset });
      }
    }
    return out;
  }

  private loadsOf(path: string): readonly ProgramHeader[] {
    let loads = this.segments.get(path);
    if (loads === undefined) {
      loads = readLoads(path);
      this.segments.set(path, loads);
    }
    return loads;
  }
}

/** Loadable segments; none of what is no program. */
function readLoads(path: string): ProgramHeader[] {
  try {
    return inspectElf(readFileSync(path)).programHeaders.filter((h) => h.type === PT_LOAD && h.memsz > 0);
  } catch (error) {
    if (error instanceof ElfError) return [];
    throw error;
  }
}

/** Finds out what a task of a booted system runs; null where one program was started. */
export function bootImages(machine: Machine, modules: readonly ModuleRef[], task: number): BootImages | null {
  if (modules.length === 0) return null;
  return new BootImages(attachTask(machine, task).space, attachTask(machine, 0).space, modules, task);
}
