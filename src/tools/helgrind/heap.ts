/**
 * Memory that begins a new life: blocks of the heap and stacks of new threads. Nobody has accessed it yet, whatever
 * was there before. Giving a block back changes nothing by itself, as in Valgrind: only its next owner starts anew;
 * --free-is-write=yes makes it a write of the whole block.
 */
import { PAGE_SIZE, T_PC } from '../../../kernel/core/layout.js';
import { type AllocationEvents, allocationWraps } from '../allocation.js';
import type { ToolHost, Wrap, WrappedCall } from '../api.js';
import { type HeapBlock, HeapBlocks } from '../heap.js';
import { HG_HEAP, HG_HEAP_BYTES, HG_NUMBER } from './layout.js';

/** Bytes above a new thread's stack pointer that are the thread's own too: its descriptor and thread-local storage. */
const ABOVE_STACK = 16384;

export class Heap implements AllocationEvents {
  readonly blocks: HeapBlocks;
  readonly wraps: readonly Wrap[];
  private readonly freeIsWrite: boolean;
  /** Blocks that realloc is at work on, on this worker. */
  private moving: (HeapBlock | null)[] = [];

  /**
   * @param trace number of the thread's stack trace
   * @param dies hears of memory that is about to be given back
   */
  constructor(
    private readonly host: ToolHost,
    private readonly trace: (ts: number) => number,
    private readonly dies: (ts: number, lo: number, hi: number) => void,
  ) {
    this.blocks = new HeapBlocks(host.machine, HG_HEAP, HG_HEAP_BYTES);
    this.freeIsWrite = host.options['free-is-write'] === 'yes';
    this.wraps = allocationWraps(this);
  }

  word(addr: number): number {
    return this.host.memory.word(addr) ?? 0;
  }

  /** What the allocator does to the memory (calloc, realloc) is its own affair. */
  entered({ ts }: WrappedCall): void {
    this.host.rt['hg_ignore']!(ts, 1, 1);
  }

  left({ ts }: WrappedCall): void {
    this.host.rt['hg_ignore']!(ts, -1, -1);
  }

  allocated({ ts }: WrappedCall, addr: number, size: number): void {
    this.fresh(ts, addr, size);
    this.blocks.allocated(addr, size, this.trace(ts), this.number(ts));
  }

  freeing({ ts }: WrappedCall, addr: number): void {
    const block = this.blocks.freed(addr, this.trace(ts), this.number(ts));
    if (block === null) return;
    this.dies(ts, addr, addr + block.size);
    if (this.freeIsWrite) this.write(ts, addr, block.size);
  }

  reallocating({ ts }: WrappedCall, addr: number): void {
    this.moving.push(addr === 0 ? null : this.blocks.freed(addr, this.trace(ts), this.number(ts)));
  }

  reallocated({ ts }: WrappedCall, from: number, addr: number, size: number): void {
    const old = this.moving.pop() ?? null;
    if (addr !== 0) {
      const kept = old !== null && addr === from ? Math.min(old.size, size) : 0;
      this.fresh(ts, addr + kept, size - kept);
      this.blocks.allocated(addr, size, this.trace(ts), this.number(ts));
      if (old !== null && addr !== from) this.dies(ts, from, from + old.size);
    } else if (old !== null) {
      // It failed, and the block lives on; or its size was 0, and it does not.
      if (size !== 0) this.blocks.allocated(from, old.size, old.trace, old.thread);
      else this.dies(ts, from, from + old.size);
    }
  }

  /** Guest memory [addr, addr + size) starts a new life; rounded up to what nobody else has. Any thread may ask. */
  fresh(ts: number, addr: number, size: number): void {
    const { memory, rt } = this.host;
    const end = addr + Math.ceil(size / 8) * 8;
    for (let p = addr; p < end; ) {
      const stop = Math.min(end, p - (p % PAGE_SIZE) + PAGE_SIZE);
      const h = memory.host(p);
      if (h !== 0) rt['hg_fresh']!(ts, h, stop - p);
      p = stop;
    }
  }

  /** The stack of a new thread, of which its stack pointer and the region it lies in are known. */
  freshStack(ts: number, sp: number, low: number, high: number): void {
    this.fresh(ts, low, Math.min(high, sp + ABOVE_STACK) - low);
  }

  threadStarts(): void {
    this.moving = [];
  }

  private write(ts: number, addr: number, size: number): void {
    const { memory, rt, machine } = this.host;
    const pc = machine.i64[(ts + T_PC) >> 3]!;
    for (let p = addr; p < addr + size; ) {
      let n = 8;
      while (p % n !== 0 || n > addr + size - p) n >>= 1;
      const h = memory.host(p);
      if (h !== 0) rt['hg_write']!(ts, h, n, pc);
      p += n;
    }
  }

  private number(ts: number): number {
    return this.host.machine.i32[(ts + HG_NUMBER) >> 2]!;
  }
}
