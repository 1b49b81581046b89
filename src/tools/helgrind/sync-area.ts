/**
 * Where helgrind keeps what it knows of synchronisation objects: SYNC_AREA in the shared memory, 8 MB.
 *
 * | from SYNC_AREA + | what                                                     | protection                        |
 * | ---------------- | -------------------------------------------------------- | --------------------------------- |
 * | 0                | words of administration, A_*                             | G_LOCK_SYNC                       |
 * | 0x1000           | heads of the hash chains of objects                      | G_LOCK_SYNC; read without         |
 * | 0x12000          | count of objects by hash of their page                   | G_LOCK_SYNC; read without         |
 * | 0x20000          | objects, OBJECT_SIZE bytes each (objects.ts)             | see there                         |
 * | 0x320000         | edges of the lock order (lock-order.ts)                  | G_LOCK_SYNC                       |
 * | 0x520000         | sets of locks (lock-sets.ts)                             | G_LOCK_SYNC; read without         |
 *
 * G_LOCK_SYNC has the rank toolState and lies behind G_LOCK_TOOL: whoever writes a report may take it, and nothing is
 * reported with it held.
 */
import { G_LOCK_SYNC, SYNC_AREA } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { Mutex } from '../../../sync/mutex.js';

/** Identity of the next object. */
export const A_NEXT_ID = SYNC_AREA;
/** Objects ever used, and the first of those given back (number, 0 for none). */
export const A_OBJECTS = SYNC_AREA + 4;
export const A_FREE_OBJECT = SYNC_AREA + 8;
/** The same for edges. */
export const A_EDGES = SYNC_AREA + 12;
export const A_FREE_EDGE = SYNC_AREA + 16;
/** Sets of locks, and the next free byte for one. */
export const A_SETS = SYNC_AREA + 20;
export const A_SET_TOP = SYNC_AREA + 24;
/** Number of the search through the lock order that runs now. */
export const A_SEARCH = SYNC_AREA + 28;
/** 1 once somebody was told that there are more objects than fit. */
export const A_FULL = SYNC_AREA + 32;

export const CHAINS = SYNC_AREA + 0x1000;
export const CHAIN_COUNT = 16384;
export const PAGES = SYNC_AREA + 0x12000;
export const PAGE_COUNT = 8192;
export const OBJECTS = SYNC_AREA + 0x20000;
export const OBJECT_SIZE = 128;
export const OBJECT_COUNT = 24000;
export const EDGES = SYNC_AREA + 0x320000;
export const EDGE_SIZE = 32;
export const EDGE_COUNT = 65000;
export const SETS = SYNC_AREA + 0x520000;
export const SETS_END = SYNC_AREA + 0x7f0000;

/** Runs fn with the lock of the tables above. */
export class SyncLock {
  private readonly lock: Mutex;

  constructor(private readonly machine: Machine) {
    this.lock = new Mutex(machine.i32, G_LOCK_SYNC >> 2, 'toolState');
  }

  with<R>(fn: () => R): R {
    this.lock.lock(this.machine.self);
    try {
      return fn();
    } finally {
      this.lock.unlock();
    }
  }
}
