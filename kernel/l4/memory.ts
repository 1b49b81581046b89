/**
 * Memory of tasks: address spaces by task, kernel-user memory, and the mapping data base that remembers which page
 * was mapped from which.
 *
 * A mapped page is a node (32 bytes, found by hash of task and page) and one ownership of its frame. Pages that came
 * into a task otherwise (its region manager is capgrind's own, or the kernel gave them) have a node only as the root
 * of what was mapped from them. All under the kernel lock; page maps change under the region lock of their task.
 */
import { type AddressSpace, USER_TOP } from '../core/address-space.js';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE, PTE_COW, PTE_R, PTE_W, PTE_X } from '../core/layout.js';
import { entryHost } from '../core/pagemap.js';
import { EEXIST, EINVAL, ENOMEM, MEM_R, MEM_W, MEM_X } from './abi.js';
import * as L from './layout.js';
import type { L4State } from './state.js';

/** Name of what capgrind's own region manager has attached on request, unlike what the program was loaded with. */
export const ATTACHED = '[attached]';

const NODES = 1 << 20;
const NODE_SIZE = 32;
const N_TASK = 0;
const N_PAGE = 4;
/** Host page; or-ed with OWNED when the mapping, not a region, owns the frame. */
const N_HOST = 8;
const N_PARENT = 12;
const N_CHILD = 16;
const N_SIBLING = 20;
const N_PREVIOUS = 24;
const N_HASH = 28;
const OWNED = 1;
const BUCKETS = 1 << 18;
/** Largest kernel-user memory area that may be added at once, in log2 bytes. */
const KU_ORDER_MAX = 17;

export class Memory {
  /** Tasks that lost rights since `settle`, and frames that are free once nobody can use them. */
  readonly #lost = new Set<number>();
  readonly #frames: number[] = [];

  constructor(
    private readonly state: L4State,
    /** The address space of an engine task slot, with this worker's hooks. */
    private readonly spaceOf: (slot: number) => AddressSpace,
    /** Executable pages of a task slot are gone or changed. */
    private readonly codeGone: (slot: number, lo: number, hi: number) => void,
  ) {}

  /** Sets the data base up in a fresh machine. */
  boot(): boolean {
    const { state } = this;
    const nodes = state.pages((NODES * NODE_SIZE) / PAGE_SIZE);
    const hash = state.pages((BUCKETS * 4) / PAGE_SIZE);
    if (nodes === 0 || hash === 0) return false;
    state.setW(L.A_NODES, nodes);
    state.setW(L.A_NODE_TOP, nodes);
    state.setW(L.A_NODE_END, nodes + NODES * NODE_SIZE);
    state.setW(L.A_HASH, hash);
    return true;
  }

  space(task: number): AddressSpace {
    return this.spaceOf(this.state.w(task + L.K_SLOT));
  }

  /**
   * Maps [from, from + count) of one task to `to` of another, page by page as far as the source has pages.
   * Returns how many pages arrived; -1 when memory ran out on the way.
   *
   * @param rights MEM_*
   */
  map(
    source: number,
    from: number,
    target: number,
    to: number,
    count: number,
    rights: number,
    grant = false,
  ): number {
    const end = Math.min(from + count, USER_TOP, from + (USER_TOP - to));
    const space = this.space(source);
    let arrived = 0;
    for (let a = from; a < end; a += PAGE_SIZE) {
      // Regions fill pages on demand; elsewhere absent stretches are skipped at once.
      let entry = this.#sourceEntry(space, a, rights);
      if (entry === 0) {
        a = space.space.map.nextPresent(a, Math.min(end, this.#regionAfter(space, a)));
        if (a >= end) break;
        entry = this.#sourceEntry(space, a, rights);
        if (entry === 0) continue;
      }
      const done = this.#mapPage(source, a, entry, target, to + (a - from), rights);
      if (done < 0) {
        this.settle();
        return -1;
      }
      arrived += done;
      if (grant && done > 0) this.#give(source, a);
    }
    this.settle();
    return arrived;
  }

  /** First address behind `a` that a region covers. */
  #regionAfter(space: AddressSpace, a: number): number {
    const { table } = space.space;
    const k = table.find(a + PAGE_SIZE);
    return k === table.count ? USER_TOP : Math.max(a + PAGE_SIZE, table.startOf(k));
  }

  /** Page map entry of a source page, filled by its region if there is one; a page to be written has its own frame. */
  #sourceEntry(space: AddressSpace, a: number, rights: number): number {
    const { map } = space.space;
    let entry = map.lookup(a);
    if (entry === 0 || ((rights & MEM_W) !== 0 && (entry & PTE_COW) !== 0)) {
      space.fault(a, entry === 0 ? ACCESS_READ : ACCESS_WRITE);
      entry = map.lookup(a);
      if ((rights & MEM_W) !== 0 && (entry & PTE_W) === 0) {
        space.fault(a, ACCESS_WRITE);
        entry = map.lookup(a);
      }
    }
    return entry;
  }

  #mapPage(source: number, a: number, entry: number, target: number, b: number, rights: number): number {
    const { state } = this;
    const flags = flagsOf(rights) & entry;
    if ((flags & (PTE_R | PTE_X)) === 0) return 0;
    if ((source === target && a === b) || this.inKernelMemory(target, b)) return 0;
    const host = entryHost(entry);
    const parent = this.#find(source, a) || this.#create(source, a, host, 0, 0);
    if (parent === 0) return -1;
    const space = this.space(target);
    const old = space.space.map.lookup(b);
    const node = this.#find(target, b);
    if (node !== 0 && state.w(node + N_PARENT) === parent && state.w(node + N_HOST) === host + OWNED) {
      space.space.lock();
      space.space.map.setFlags(b, 1, (old & (PTE_R | PTE_W | PTE_X)) | flags);
      space.space.unlock();
      return 1;
    }
    if (node !== 0 && this.#descends(parent, node)) return 0;
    if (old !== 0) this.#remove(target, b, node);
    const mine = this.#create(target, b, host, OWNED, parent);
    if (mine === 0) return -1;
    space.space.lock();
    const done = space.space.map.setRange(b, 1, host, flags);
    if (done) {
      state.frames.share(host, 1);
      if (old === 0) space.space.addTouched(1);
    }
    space.space.unlock();
    if (!done) {
      this.#unlink(mine);
      return -1;
    }
    return 1;
  }

  /** Maps frames that a dataspace owns; the mapping counts as an owner of them. False when memory ran out. */
  mapFrames(task: number, to: number, host: number, pages: number, rights: number): boolean {
    const { state } = this;
    const space = this.space(task);
    for (let k = 0; k < pages; k++) {
      const a = to + k * PAGE_SIZE;
      if (a >= USER_TOP || this.inKernelMemory(task, a)) continue;
      if (space.space.map.lookup(a) !== 0) this.#remove(task, a, this.#find(task, a));
      if (this.#create(task, a, host + k * PAGE_SIZE, OWNED, 0) === 0) return false;
      state.frames.share(host + k * PAGE_SIZE, 1);
    }
    this.settle();
    space.space.lock();
    const done = space.space.map.setRange(to, pages, host, flagsOf(rights));
    space.space.unlock();
    return done;
  }

  /** Whether `node` is `above` or was mapped from it, over any number of steps. */
  #descends(node: number, above: number): boolean {
    for (let n = node; n !== 0; n = this.state.w(n + N_PARENT)) if (n === above) return true;
    return false;
  }

  /** The source's page of a grant goes; what was mapped from it now hangs on its parent. */
  #give(source: number, a: number): void {
    const { state } = this;
    const node = this.#find(source, a);
    const parent = state.w(node + N_PARENT);
    for (let child = state.w(node + N_CHILD); child !== 0; child = state.w(node + N_CHILD)) {
      this.#detach(child);
      this.#attach(child, parent);
    }
    this.#remove(source, a, node);
  }

  /**
   * Takes mappings away: what was mapped from the pages of [from, from + count), and with `self` those pages too.
   * @param rights MEM_R among them: all of the mapping goes; otherwise only the right to write.
   */
  unmap(task: number, from: number, count: number, rights: number, self: boolean): void {
    const { state } = this;
    const { map } = this.space(task).space;
    const end = Math.min(from + count, USER_TOP);
    const whole = (rights & MEM_R) !== 0;
    if (!whole && (rights & MEM_W) === 0) return;
    for (let a = map.nextPresent(from, end); a < end; a = map.nextPresent(a + PAGE_SIZE, end)) {
      const node = this.#find(task, a);
      if (node === 0 || this.inKernelMemory(task, a)) continue;
      const own = self && (state.w(node + N_HOST) & OWNED) !== 0;
      if (whole) {
        if (own) this.#remove(task, a, node);
        else this.#removeChildren(node);
      } else {
        this.#protect(node, own);
      }
    }
    this.settle();
  }

  #protect(node: number, self: boolean): void {
    const { state } = this;
    for (let c = state.w(node + N_CHILD); c !== 0; c = state.w(c + N_SIBLING)) this.#protect(c, true);
    if (!self) return;
    const task = state.w(node + N_TASK);
    const { space } = this.space(task);
    space.lock();
    space.map.setFlags(state.w(node + N_PAGE) * PAGE_SIZE, 1, 0, PTE_R | PTE_X);
    space.unlock();
    this.#lost.add(task);
  }

  /** Removes a page of a task and everything mapped from it. `node` may be 0. */
  #remove(task: number, a: number, node: number): void {
    const { state } = this;
    const host = node === 0 ? 0 : state.w(node + N_HOST);
    const owned = (host & OWNED) !== 0;
    if (node !== 0) {
      this.#removeChildren(node);
      this.#unlink(node);
    }
    const space = this.space(task);
    // A page of the task's own region: its frame is the region's business.
    if (!owned) space.advise(a, PAGE_SIZE, 'dontneed');
    space.space.lock();
    const exec = (space.space.map.lookup(a) & PTE_X) !== 0;
    space.space.addTouched(-space.space.map.clearRange(a, 1));
    space.space.unlock();
    if (owned) this.#frames.push(host - OWNED);
    this.#lost.add(task);
    if (exec) this.codeGone(state.w(task + L.K_SLOT), a, a + PAGE_SIZE);
  }

  #removeChildren(node: number): void {
    const { state } = this;
    for (let child = state.w(node + N_CHILD); child !== 0; child = state.w(node + N_CHILD)) {
      this.#remove(state.w(child + N_TASK), state.w(child + N_PAGE) * PAGE_SIZE, child);
    }
  }

  /** Waits until nobody can use what was taken away, and gives its frames back. */
  settle(): void {
    for (const task of this.#lost) {
      const { space } = this.space(task);
      space.lock();
      space.retire();
      space.unlock();
    }
    this.#lost.clear();
    for (const host of this.#frames) this.state.frames.release(host, 1);
    this.#frames.length = 0;
  }

  /** Removes all that was mapped into a dying task, and everything that was mapped from it. */
  tearDown(task: number): void {
    const { map } = this.space(task).space;
    for (let a = map.nextPresent(0, USER_TOP); a < USER_TOP; a = map.nextPresent(a + PAGE_SIZE, USER_TOP)) {
      const node = this.#find(task, a);
      if (node !== 0) this.#remove(task, a, node);
    }
    this.settle();
    const page = this.state.w(task + L.K_KU);
    if (page !== 0) this.state.freePages(page, 1);
    this.state.setW(task + L.K_KU, 0);
    this.state.setW(task + L.K_KU_COUNT, 0);
  }

  /** What was mapped from [lo, hi) of a task goes: its own region manager is about to take the pages away. */
  leaving(task: number, lo: number, hi: number): void {
    const { map } = this.space(task).space;
    for (let a = map.nextPresent(lo, hi); a < hi; a = map.nextPresent(a + PAGE_SIZE, hi)) {
      const node = this.#find(task, a);
      if (node === 0) continue;
      this.#removeChildren(node);
      if ((this.state.w(node + N_HOST) & OWNED) === 0) this.#unlink(node);
    }
    this.settle();
  }

  /**
   * Whether the page is there with the right, or capgrind's own region manager puts it there now.
   * @param loaded only what the program was loaded with is put there
   */
  resolve(task: number, addr: number, access: number, loaded = false): boolean {
    const space = this.space(task);
    if ((space.space.map.lookup(addr) & access) !== 0) return true;
    // A page that somebody mapped keeps the rights it was mapped with.
    const node = addr < USER_TOP ? this.#find(task, addr - (addr % PAGE_SIZE)) : 0;
    if (node !== 0 && (this.state.w(node + N_HOST) & OWNED) !== 0) return false;
    if (loaded && space.regionAt(addr)?.name === ATTACHED) return false;
    return space.fault(addr, access) === 0;
  }

  // --- kernel-user memory -------------------------------------------------------------------------------------------

  /** Maps zeroed memory that the kernel may access too. 0 or a negative error number. */
  addKernelMemory(task: number, base: number, order: number): number {
    const { state } = this;
    if (order < 12 || order > KU_ORDER_MAX || base % 2 ** order !== 0) return -EINVAL;
    const bytes = 2 ** order;
    if (!(base + bytes <= USER_TOP)) return -EINVAL;
    const count = state.w(task + L.K_KU_COUNT);
    let records = state.w(task + L.K_KU);
    if (records === 0) {
      records = state.pages(1);
      if (records === 0) return -ENOMEM;
      state.setW(task + L.K_KU, records);
    }
    if (count >= L.KU_MAX) return -ENOMEM;
    const space = this.space(task);
    if (space.space.map.nextPresent(base, base + bytes) < base + bytes) return -EEXIST;
    const at = space.map({
      addr: base,
      length: bytes,
      prot: 3,
      noReplace: true,
      lowest: PAGE_SIZE,
      kind: 'anon',
      shared: true,
      populate: true,
      name: '[kumem]',
    });
    if (at < 0) return at === -EEXIST ? at : -ENOMEM;
    const host = entryHost(space.space.map.lookup(base));
    const record = records + count * 16;
    state.f64[record >>> 3] = base;
    state.setW(record + 8, bytes);
    state.setW(record + 12, host);
    state.setW(task + L.K_KU_COUNT, count + 1);
    return 0;
  }

  /** Host address of `bytes` bytes at a guest address that lie in one kernel-user area; 0 otherwise. */
  kernelMemory(task: number, addr: number, bytes: number): number {
    const { state } = this;
    const records = state.w(task + L.K_KU);
    for (let k = 0; k < state.w(task + L.K_KU_COUNT); k++) {
      const base = state.f64[(records + k * 16) >>> 3]!;
      if (addr < base || addr + bytes > base + state.w(records + k * 16 + 8)) continue;
      return state.w(records + k * 16 + 12) + (addr - base);
    }
    return 0;
  }

  inKernelMemory(task: number, addr: number): boolean {
    return this.kernelMemory(task, addr, 1) !== 0;
  }

  // --- nodes ----------------------------------------------------------------------------------------------------------

  #bucket(task: number, page: number): number {
    const h = Math.imul(page ^ Math.imul(task >>> 8, 0x9e3779b1), 0x85ebca6b) >>> 14;
    return this.state.w(L.A_HASH) + (h & (BUCKETS - 1)) * 4;
  }

  #find(task: number, a: number): number {
    const { state } = this;
    const page = a / PAGE_SIZE;
    let n = state.w(this.#bucket(task, page));
    while (n !== 0 && (state.w(n + N_PAGE) !== page || state.w(n + N_TASK) !== task)) n = state.w(n + N_HASH);
    return n;
  }

  #create(task: number, a: number, host: number, owned: number, parent: number): number {
    const { state } = this;
    let n = state.w(L.A_NODE_FREE);
    if (n !== 0) {
      state.setW(L.A_NODE_FREE, state.w(n + N_HASH));
    } else {
      n = state.w(L.A_NODE_TOP);
      if (n >= state.w(L.A_NODE_END)) return 0;
      state.setW(L.A_NODE_TOP, n + NODE_SIZE);
    }
    const bucket = this.#bucket(task, a / PAGE_SIZE);
    state.setW(n + N_TASK, task);
    state.setW(n + N_PAGE, a / PAGE_SIZE);
    state.setW(n + N_HOST, host + owned);
    state.setW(n + N_CHILD, 0);
    state.setW(n + N_HASH, state.w(bucket));
    state.setW(bucket, n);
    this.#attach(n, parent);
    return n;
  }

  #attach(n: number, parent: number): void {
    const { state } = this;
    const first = parent === 0 ? 0 : state.w(parent + N_CHILD);
    state.setW(n + N_PARENT, parent);
    state.setW(n + N_PREVIOUS, 0);
    state.setW(n + N_SIBLING, first);
    if (first !== 0) state.setW(first + N_PREVIOUS, n);
    if (parent !== 0) state.setW(parent + N_CHILD, n);
  }

  #detach(n: number): void {
    const { state } = this;
    const parent = state.w(n + N_PARENT);
    const next = state.w(n + N_SIBLING);
    const previous = state.w(n + N_PREVIOUS);
    if (previous !== 0) state.setW(previous + N_SIBLING, next);
    else if (parent !== 0) state.setW(parent + N_CHILD, next);
    if (next !== 0) state.setW(next + N_PREVIOUS, previous);
  }

  #unlink(n: number): void {
    const { state } = this;
    this.#detach(n);
    const bucket = this.#bucket(state.w(n + N_TASK), state.w(n + N_PAGE));
    let at = bucket;
    while (state.w(at) !== n) at = state.w(at) + N_HASH;
    state.setW(at, state.w(n + N_HASH));
    state.setW(n + N_HASH, state.w(L.A_NODE_FREE));
    state.setW(L.A_NODE_FREE, n);
  }
}

/** Page map flags of flexpage rights: there is no write without read. */
export function flagsOf(rights: number): number {
  return (
    ((rights & MEM_R) !== 0 ? PTE_R : 0) |
    ((rights & MEM_W) !== 0 ? PTE_W | PTE_R : 0) |
    ((rights & MEM_X) !== 0 ? PTE_X : 0)
  );
}
