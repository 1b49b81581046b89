/**
 * What the region manager and the pager of a task share: the structures, the region lock, and the way out to the
 * rest of the system.
 */

import { Mutex } from '../../sync/mutex.js';
import { Frames } from './frames.js';
import { K_COMMIT_PAGES, K_LOCK, K_MAP_EPOCH, K_TOUCHED_PAGES, PAGE_SIZE } from './layout.js';
import type { Machine } from './machine.js';
import { ManagedRanges } from './managed.js';
import { Names } from './names.js';
import { PageMap } from './pagemap.js';
import { RegionTable } from './regions.js';
import { Segments } from './segments.js';

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

/** A mapped file to read from. `size` may be a getter: it is asked at every fault. */
export interface FileReader {
  readonly size: number;
  /** Fills `into` (shared memory) from byte `offset` on; returns bytes read, less only at the end of the file. */
  read(offset: number, into: Uint8Array): number;
}

/** A mapped file to write back to. */
export interface FileWriter {
  readonly size: number;
  write(offset: number, from: Uint8Array): void;
}

/** What a region looks like from outside; a copy. */
export interface RegionView {
  start: number;
  end: number;
  /** PROT_* bits. */
  prot: number;
  maxProt: number;
  /** RF_* bits. */
  flags: number;
  fileId: number;
  fileOffset: number;
  name: string;
}

/**
 * Callbacks. All of them are called with the region lock held, so none may call back into the space.
 * Replace the members at start-up.
 */
export interface SpaceHooks {
  /**
   * Returns once no other thread of the task can use a window older than K_MAP_EPOCH. A thread that waits for the
   * region lock, or is in the kernel, must count as having none: the lock stays held meanwhile.
   */
  shootdown(): void;
  /** Resolves a file id of a mapping another worker made. */
  fileReader(id: number): FileReader | undefined;
  fileWriter(id: number): FileWriter | undefined;
  onMap(region: RegionView): void;
  /** After the pages are gone for everybody, before frames or addresses are used again. */
  onUnmap(lo: number, hi: number): void;
  onProtect(lo: number, hi: number, prot: number): void;
}

export class Space {
  readonly machine: Machine;
  /** Address of the task block. */
  readonly task: number;
  readonly frames: Frames;
  readonly map: PageMap;
  readonly table: RegionTable;
  /** Ranges whose missing pages are a guest thread's business. */
  readonly managed: ManagedRanges;
  readonly names: Names;
  readonly segments: Segments;
  readonly hooks: SpaceHooks;
  private readonly mutex: Mutex;
  private readonly readers = new Map<number, FileReader>();

  constructor(machine: Machine, task: number, hooks: Partial<SpaceHooks>) {
    this.machine = machine;
    this.task = task;
    this.frames = new Frames(machine);
    this.map = new PageMap(machine, task, this.frames);
    this.table = new RegionTable(machine, task);
    this.managed = new ManagedRanges(machine, task);
    this.names = new Names(machine, task);
    this.segments = new Segments(machine, this.frames);
    this.mutex = new Mutex(machine.i32, (task + K_LOCK) >>> 2, 'region');
    this.hooks = {
      shootdown() {},
      fileReader: () => undefined,
      fileWriter: () => undefined,
      onMap() {},
      onUnmap() {},
      onProtect() {},
      ...hooks,
    };
  }

  lock(): void {
    this.mutex.lock(this.machine.self);
  }

  unlock(): void {
    this.mutex.unlock(this.machine.self);
  }

  /** Announces that mappings were taken away or narrowed, and waits until nobody uses them. Region lock. */
  retire(): void {
    Atomics.add(this.machine.i32, (this.task + K_MAP_EPOCH) >>> 2, 1);
    this.hooks.shootdown();
  }

  /** Pages the task has present. */
  get touched(): number {
    return this.machine.i32[(this.task + K_TOUCHED_PAGES) >>> 2];
  }

  addTouched(pages: number): void {
    this.machine.i32[(this.task + K_TOUCHED_PAGES) >>> 2] += pages;
  }

  /** Pages promised to the task. */
  get committed(): number {
    return this.machine.i32[(this.task + K_COMMIT_PAGES) >>> 2];
  }

  /** Promises pages, or gives back a negative number of them. False when there is not that much. */
  commit(pages: number): boolean {
    if (!this.frames.commit(pages)) return false;
    this.machine.i32[(this.task + K_COMMIT_PAGES) >>> 2] += pages;
    return true;
  }

  /** Remembers how this worker reads a file. */
  setReader(id: number, reader: FileReader): void {
    this.readers.set(id, reader);
  }

  reader(id: number): FileReader | undefined {
    return this.hooks.fileReader(id) ?? this.readers.get(id);
  }

  word(offset: number): number {
    return this.machine.f64[(this.task + offset) >>> 3];
  }

  setWord(offset: number, value: number): void {
    this.machine.f64[(this.task + offset) >>> 3] = value;
  }
}

export function pageDown(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}

export function pageUp(addr: number): number {
  return pageDown(addr + PAGE_SIZE - 1);
}
