/**
 * Capability tables and the life of objects.
 *
 * A task's table is a directory of pages of slots. All slots that refer to an object are in one list, with no
 * parents and children: taking a slot away never takes copies of it. Filling an occupied slot takes the old content
 * away first, and destroys the old object if the slot held D (fact sheet 4.5, 4.6).
 *
 * Destruction has two steps. `destroy` empties every slot at once and puts the object on the list of dying ones;
 * `reap` then takes their insides down, which may destroy more. Whoever changes slots calls `reap` before the lock
 * is given back.
 */
import { PAGE_SIZE } from '../core/layout.js';
import { CAP_D, CAP_SLOTS } from './abi.js';
import * as L from './layout.js';
import type { L4State } from './state.js';

/** How a slot was filled or emptied, for tools. */
export type SlotChange =
  | 'create'
  | 'map'
  | 'item'
  | 'grant'
  | 'overmap'
  | 'unmap'
  | 'delete'
  | 'destroyed'
  | 'exit';

/** What tools hear of capability tables. The kernel lock is held: no call back into the kernel. */
export interface CapEvents {
  filled(task: number, index: number, obj: number, how: SlotChange): void;
  emptied(task: number, index: number, obj: number, how: SlotChange): void;
  /** The slot may not destroy its object, which was asked for. It is emptied next. */
  refused(task: number, index: number, obj: number): void;
  /** Rights were taken from a full slot. */
  weakened(task: number, index: number, rights: number): void;
  /** The object of a sent slot did not arrive. */
  lost(task: number, index: number, reason: 'rights' | 'empty'): void;
  /** The object was destroyed; all its slots are empty. */
  gone(obj: number): void;
}

export class Caps {
  events: CapEvents | null = null;
  /** Takes the insides of a dying object down; false when its memory is still in use. Set by objects.ts. */
  dismantle: (obj: number) => boolean = () => true;

  constructor(private readonly state: L4State) {}

  /** Directory for a fresh task; false when there is no memory. */
  setup(task: number): boolean {
    const dir = this.state.pages((L.CAP_DIR * 4) / PAGE_SIZE);
    this.state.setW(task + L.K_CAPS, dir);
    return dir !== 0;
  }

  /** Address of a slot; 0 when it was never used (or, with `make`, when there is no memory for it). */
  slot(task: number, index: number, make = false): number {
    if (!(index >= 0 && index < CAP_SLOTS)) return 0;
    const { state } = this;
    const dir = state.w(task + L.K_CAPS);
    if (dir === 0) return 0;
    const entry = dir + Math.floor(index / L.CAP_PAGE_SLOTS) * 4;
    let page = state.w(entry);
    if (page === 0) {
      if (!make) return 0;
      page = state.pages(1);
      if (page === 0) return 0;
      state.setW(entry, page);
    }
    return page + (index % L.CAP_PAGE_SLOTS) * L.SLOT_SIZE;
  }

  /** Object in a slot, 0 for none. */
  lookup(task: number, index: number): number {
    const slot = this.slot(task, index);
    return slot === 0 ? 0 : this.state.w(slot + L.S_OBJ);
  }

  /** Puts a capability into a slot, over whatever is there. False when there is no memory or no such slot. */
  fill(task: number, index: number, obj: number, attr: number, how: SlotChange): boolean {
    const { state } = this;
    const slot = this.slot(task, index, true);
    if (slot === 0) return false;
    const id = state.id(obj);
    if (state.w(slot + L.S_OBJ) !== 0) this.empty(slot, true, 'overmap');
    // The object may just have been destroyed through the slot that it was to go into.
    if (state.alive(obj, id) === 0 || this.dying(obj)) return true;
    const first = state.w(obj + L.O_SLOTS);
    state.setW(slot + L.S_OBJ, obj);
    state.setW(slot + L.S_ATTR, attr);
    state.setW(slot + L.S_NEXT, first);
    state.setW(slot + L.S_PREV, 0);
    state.setW(slot + L.S_GEN, state.w(slot + L.S_GEN) + 1);
    state.setW(slot + L.S_TASK, task);
    state.setW(slot + L.S_INDEX, index);
    if (first !== 0) state.setW(first + L.S_PREV, slot);
    state.setW(obj + L.O_SLOTS, slot);
    if (attr & L.SLOT_COUNTED) state.setW(obj + L.O_REFS, state.w(obj + L.O_REFS) + 1);
    this.events?.filled(task, index, obj, how);
    return true;
  }

  /** Empties a full slot. With `remove` the object is destroyed if the slot held D. */
  empty(slot: number, remove: boolean, how: SlotChange): void {
    const { state } = this;
    const obj = state.w(slot + L.S_OBJ);
    const attr = state.w(slot + L.S_ATTR);
    if (remove && (attr & CAP_D) !== 0) {
      this.destroy(obj, slot, how);
      return;
    }
    if (how === 'delete') {
      this.events?.refused(state.w(slot + L.S_TASK), state.w(slot + L.S_INDEX), obj);
      how = 'unmap';
    }
    this.#unlink(slot, how);
    if (attr & L.SLOT_COUNTED) {
      const refs = state.w(obj + L.O_REFS);
      if (refs <= 1) {
        state.setW(obj + L.O_REFS, 0);
        this.destroy(obj, 0, how);
        return;
      }
      state.setW(obj + L.O_REFS, refs - 1);
    }
    // A count above 0 without slots: capgrind itself holds the object.
    if (state.w(obj + L.O_SLOTS) === 0 && state.w(obj + L.O_REFS) === 0) this.destroy(obj, 0, how);
  }

  /** Empties every slot of the object and lists it as dying. `first`: the slot that was asked for, if any. */
  destroy(obj: number, first: number, how: SlotChange): void {
    const { state } = this;
    if (this.dying(obj)) return;
    for (let slot = state.w(obj + L.O_SLOTS); slot !== 0; slot = state.w(obj + L.O_SLOTS)) {
      this.#unlink(slot, slot === first ? how : 'destroyed');
    }
    this.events?.gone(obj);
    state.setW(obj + L.O_NEXT, state.w(L.A_DYING));
    state.setW(L.A_DYING, obj);
    state.setW(obj + L.O_CHARGE, state.w(obj + L.O_CHARGE) | DYING);
  }

  dying(obj: number): boolean {
    return (this.state.w(obj + L.O_CHARGE) & DYING) !== 0;
  }

  /** Takes down everything that was destroyed. */
  reap(): void {
    const { state } = this;
    for (let obj = state.w(L.A_DYING); obj !== 0; obj = state.w(L.A_DYING)) {
      state.setW(L.A_DYING, state.w(obj + L.O_NEXT));
      if (this.dismantle(obj)) this.bury(obj);
    }
  }

  /** Gives a dismantled object's memory back. */
  bury(obj: number): void {
    this.state.setW(obj + L.O_CHARGE, this.state.w(obj + L.O_CHARGE) & ~DYING);
    this.state.free(obj);
  }

  /** Empties the whole table of a dying task and gives its memory back. */
  tearDown(task: number): void {
    const { state } = this;
    const dir = state.w(task + L.K_CAPS);
    if (dir === 0) return;
    for (let k = 0; k < L.CAP_DIR; k++) {
      const page = state.w(dir + k * 4);
      if (page === 0) continue;
      for (let n = 0; n < L.CAP_PAGE_SLOTS; n++) {
        const slot = page + n * L.SLOT_SIZE;
        if (state.w(slot + L.S_OBJ) !== 0) this.empty(slot, false, 'exit');
      }
    }
    // Only now: emptying one slot may have looked at another.
    for (let k = 0; k < L.CAP_DIR; k++) {
      const page = state.w(dir + k * 4);
      if (page !== 0) state.freePages(page, 1);
    }
    state.freePages(dir, (L.CAP_DIR * 4) / PAGE_SIZE);
    state.setW(task + L.K_CAPS, 0);
  }

  /** Calls `visit` for the full slots in [first, first + count), skipping pages never used. */
  each(task: number, first: number, count: number, visit: (slot: number, index: number) => void): void {
    const { state } = this;
    const end = Math.min(CAP_SLOTS, first + count);
    const dir = state.w(task + L.K_CAPS);
    if (dir === 0) return;
    for (let index = Math.max(0, first); index < end; ) {
      const next = (Math.floor(index / L.CAP_PAGE_SLOTS) + 1) * L.CAP_PAGE_SLOTS;
      if (state.w(dir + (next / L.CAP_PAGE_SLOTS - 1) * 4) === 0) {
        index = next;
        continue;
      }
      for (; index < Math.min(end, next); index++) {
        const slot = this.slot(task, index);
        if (state.w(slot + L.S_OBJ) !== 0) visit(slot, index);
      }
    }
  }

  #unlink(slot: number, how: SlotChange): void {
    const { state } = this;
    const obj = state.w(slot + L.S_OBJ);
    const next = state.w(slot + L.S_NEXT);
    const prev = state.w(slot + L.S_PREV);
    if (prev !== 0) state.setW(prev + L.S_NEXT, next);
    else state.setW(obj + L.O_SLOTS, next);
    if (next !== 0) state.setW(next + L.S_PREV, prev);
    state.setW(slot + L.S_OBJ, 0);
    this.events?.emptied(state.w(slot + L.S_TASK), state.w(slot + L.S_INDEX), obj, how);
  }
}

/** Bit of O_CHARGE of an object on the dying list; charges are far smaller. */
const DYING = 0x8000_0000;
