/**
 * The region manager of a task: what mmap, munmap, mprotect, mremap, brk and madvise do to its layout.
 *
 * One object per task and worker over shared structures. Every public call takes the region lock (K_LOCK) and
 * returns copies. Taking mappings away goes: clear page map entries, bump K_MAP_EPOCH, shootdown, callbacks, give
 * frames back, change the table; all with the lock held.
 *
 * Semantics follow mmap(2), mprotect(2), mremap(2), brk(2), madvise(2) of the Linux manual pages; the layout is
 * that of riscv64 Linux with Sv39.
 */

import { EINVAL, ENOMEM } from './errors.js';
import { K_BRK, K_BRK_MAX, K_BRK_START, K_MMAP_TOP, PAGE_SIZE } from './layout.js';
import type { Machine } from './machine.js';
import { Mappings, type MapRequest, USER_BOTTOM, USER_TOP } from './mappings.js';
import { type BadFault, Pager } from './pager.js';
import { emptyRegion, RF_BRK, RF_FILE, RF_RESERVE } from './regions.js';
import { PIECE, plenty, reserveNear } from './reservations.js';
import { pageUp, type RegionView, Space, type SpaceHooks } from './space.js';

export { type MapRequest, MMAP_TOP, PIE_BASE, STACK_TOP, USER_BOTTOM, USER_TOP } from './mappings.js';

export class AddressSpace {
  readonly space: Space;
  readonly pager: Pager;
  private readonly mappings: Mappings;

  /** `task` is the address of a task block set up by `createTask`. */
  constructor(machine: Machine, task: number, hooks: Partial<SpaceHooks> = {}) {
    this.space = new Space(machine, task, hooks);
    this.pager = new Pager(this.space);
    this.mappings = new Mappings(this.space, this.pager);
  }

  /** Callbacks; members may be replaced at start-up. */
  get hooks(): SpaceHooks {
    return this.space.hooks;
  }

  /** Maps memory. Returns its address, or -EINVAL, -ENOMEM, -EEXIST, -EPERM (below USER_BOTTOM). */
  map(request: MapRequest): number {
    return this.locked(() => this.mappings.map(request));
  }

  /** Unmaps whatever lies in the range. 0, -EINVAL, or -ENOMEM when the table has no room for a split. */
  unmap(addr: number, length: number): number {
    const hi = pageUp(addr + length);
    if (!isPage(addr) || length <= 0 || !(hi <= USER_TOP) || addr < 0) return -EINVAL;
    return this.locked(() => (this.mappings.unmap(addr, hi) ? 0 : -ENOMEM));
  }

  /** Changes protection. 0, -EINVAL, -ENOMEM (holes, accounting, table full), -EACCES (beyond maxProt). */
  protect(addr: number, length: number, prot: number): number {
    const hi = pageUp(addr + length);
    if (!isPage(addr) || length < 0 || addr < 0 || (prot & ~7) !== 0) return -EINVAL;
    if (length === 0) return 0;
    if (!(hi <= USER_TOP)) return -ENOMEM;
    return this.locked(() => this.mappings.protect(addr, hi, prot));
  }

  /**
   * Resizes or moves a mapping. `fixedAt` asks for MREMAP_FIXED. The old range must lie in one mapping (-EFAULT).
   * Returns the new address, -EINVAL, -ENOMEM.
   */
  remap(addr: number, oldLength: number, newLength: number, mayMove: boolean, fixedAt?: number): number {
    const from = pageUp(oldLength);
    const to = pageUp(newLength);
    if (!isPage(addr) || addr < 0 || from <= 0 || to <= 0 || !(addr + from <= USER_TOP)) return -EINVAL;
    if (to > USER_TOP) return -ENOMEM;
    if (fixedAt !== undefined) {
      const bad = !isPage(fixedAt) || fixedAt < USER_BOTTOM || fixedAt + to > USER_TOP || !mayMove;
      if (bad || (fixedAt < addr + from && addr < fixedAt + to)) return -EINVAL;
    }
    return this.locked(() => this.mappings.remap(addr, from, to, mayMove, fixedAt));
  }

  /** Sets where the heap starts (and its break), and the highest break allowed, 0 for no limit. */
  setBrkStart(addr: number, max = 0): void {
    this.space.setWord(K_BRK_START, addr);
    this.space.setWord(K_BRK, addr);
    this.space.setWord(K_BRK_MAX, max);
  }

  /** Where top-down placement starts. */
  setMmapTop(addr: number): void {
    this.space.setWord(K_MMAP_TOP, addr);
  }

  /** brk(2): moves the break if that is possible; returns where it is then. */
  brk(addr: number): number {
    return this.locked(() => {
      const { space } = this;
      const current = space.word(K_BRK);
      const max = space.word(K_BRK_MAX);
      if (addr < space.word(K_BRK_START) || (max !== 0 && addr > max) || !(addr <= USER_TOP)) return current;
      const from = pageUp(current);
      const to = pageUp(addr);
      if (to > from ? !this.growHeap(from, to) : to < from && !this.shrinkHeap(to, from)) return current;
      space.setWord(K_BRK, addr);
      return addr;
    });
  }

  /**
   * madvise(2). 'dontneed' gives private pages back (they read as zero, or as the file); shared ones keep their
   * contents. 'willneed' populates. Everything else is only advice. 0, -EINVAL, -ENOMEM for holes.
   */
  advise(addr: number, length: number, advice: 'dontneed' | 'free' | 'willneed' | 'other'): number {
    const hi = pageUp(addr + length);
    if (!isPage(addr) || length < 0 || !(hi <= USER_TOP) || addr < 0) return -EINVAL;
    return this.locked(() => {
      if (advice === 'dontneed' || advice === 'free') this.mappings.discard(addr, hi);
      if (advice === 'willneed') this.pager.populateLocked(addr, hi);
      return this.mappings.covered(addr, hi) ? 0 : -ENOMEM;
    });
  }

  /** msync(2) with MS_SYNC: writes changed pages of shared files back. 0, -EINVAL, -ENOMEM for holes. */
  sync(addr: number, length: number): number {
    const hi = pageUp(addr + length);
    if (!isPage(addr) || length < 0 || !(hi <= USER_TOP) || addr < 0) return -EINVAL;
    return this.locked(() => {
      this.mappings.writeBack(addr, hi);
      return this.mappings.covered(addr, hi) ? 0 : -ENOMEM;
    });
  }

  /** Resolves a fault; see `Pager.fault`. */
  fault(addr: number, access: number): 0 | BadFault {
    return this.pager.fault(addr, access);
  }

  /** The mapping that holds `addr`. */
  regionAt(addr: number): RegionView | undefined {
    return this.locked(() => this.mappings.viewAt(addr));
  }

  /** All mappings in ascending order, as /proc/self/maps would list them. */
  regions(): RegionView[] {
    return this.locked(() => this.mappings.views(0, this.space.table.count));
  }

  /** Whether a mapping still refers to file `id`, so that its reader must stay. */
  usesFile(id: number): boolean {
    return this.regions().some((r) => (r.flags & RF_FILE) !== 0 && r.fileId === id);
  }

  /** Unmaps everything, writes shared files back, and gives the page map back. No thread of the task may run. */
  destroy(): void {
    this.locked(() => {
      this.mappings.unmap(0, 2 ** 47);
      this.space.map.destroy();
    });
  }

  /** Runs `body` with the region lock held. */
  private locked<T>(body: () => T): T {
    this.space.lock();
    try {
      return body();
    } finally {
      this.space.unlock();
    }
  }

  private growHeap(from: number, to: number): boolean {
    const { space } = this;
    const { table } = space;
    if (!table.room(4)) return false;
    let index = table.find(from);
    let at = from;
    if (index < table.count && table.startOf(index) === from && (table.flagsOf(index) & RF_RESERVE) !== 0) {
      at = Math.min(to, table.endOf(index));
      index++;
    }
    const limit = index < table.count ? table.startOf(index) : USER_TOP;
    if (to > limit || !space.commit((to - from) / PAGE_SIZE)) return false;
    const heap = this.mappings.heapRecord(from, to);
    if (at > from) {
      table.split(at);
      const k = table.find(from);
      heap.linHost = table.load(k, emptyRegion()).linHost;
      heap.end = at;
      table.store(k, heap);
    }
    if (at < to) {
      heap.start = at;
      heap.end = to;
      const end = Math.min(limit, at + Math.max(PIECE, to - at));
      heap.linHost = plenty(space, (end - at) / PAGE_SIZE) ? reserveNear(space, at, end) : 0;
      table.insert(heap);
      if (heap.linHost !== 0 && end > to) {
        const host = heap.linHost + (to - at);
        table.insert({ ...emptyRegion(), start: to, end, maxProt: 0, flags: RF_RESERVE, linHost: host });
      }
    }
    table.merge(from, to);
    space.hooks.onMap({ ...this.mappings.view(this.mappings.heapRecord(from, to)) });
    return true;
  }

  /** Takes [lo, hi) from the heap; frames of its reservation stay reserved behind it. */
  private shrinkHeap(lo: number, hi: number): boolean {
    const { space, mappings } = this;
    const { table } = space;
    if (!table.room(2)) return false;
    mappings.discard(lo, hi);
    space.hooks.onUnmap(lo, hi);
    table.split(lo);
    table.split(hi);
    const r = emptyRegion();
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi; ) {
      table.load(k, r);
      if ((r.flags & RF_BRK) === 0) {
        k++;
        continue;
      }
      space.commit(-mappings.accounted(r));
      if (r.linHost === 0) {
        table.remove(k, k + 1);
        continue;
      }
      const { start, end, linHost } = r;
      table.store(k++, { ...emptyRegion(), start, end, linHost, maxProt: 0, flags: RF_RESERVE });
    }
    table.merge(lo, hi);
    return true;
  }
}

function isPage(addr: number): boolean {
  return addr % PAGE_SIZE === 0;
}
