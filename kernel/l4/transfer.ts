/**
 * What moves from sender to receiver once both are there: words, map and grant items, FPU state (fact sheet 4.2 to
 * 4.5). Kernel lock held; both UTCBs belong to threads that stand still.
 */
import { T_F, T_FCSR } from '../core/layout.js';
import * as A from './abi.js';
import type { Caps, SlotChange } from './caps.js';
import { coversAll, type Flexpage, meet, readFlexpage } from './fpage.js';
import * as L from './layout.js';
import type { Memory } from './memory.js';
import type { Observer } from './observe.js';
import type { L4State } from './state.js';

/** A receive buffer that an item may go into. */
interface Buffer {
  task: number;
  base: number;
  order: number;
  localId: boolean;
}

/** Walks the receive buffers of one kind. */
class BufferList {
  private current: Buffer | null = null;

  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly utcb: number,
    private readonly task: number,
    private readonly type: number,
    private index: number,
  ) {}

  /** The next buffer, or with `again` the one before once more; null when there is none that fits. */
  next(again: boolean): Buffer | null {
    if (again && this.current !== null) return this.current;
    this.current = this.read();
    return this.current;
  }

  private read(): Buffer | null {
    const { words } = this.state;
    if (this.index >= A.BR_WORDS) return null;
    const at = this.utcb + A.UTCB_BR + this.index * 8;
    const head = words.low(at);
    if ((head & A.ITEM_MAP) === 0) return null;
    let { task } = this;
    const small = (head & A.BUF_SMALL) !== 0;
    this.index += small ? 1 : 2;
    if ((head & A.BUF_FORWARD) !== 0) {
      if (this.index >= A.BR_WORDS) return null;
      const selector = words.unsigned(this.utcb + A.UTCB_BR + this.index * 8);
      this.index++;
      task = this.caps.lookup(this.task, Math.floor(selector / 4096));
      if (this.state.kind(task) !== L.KIND_TASK) return null;
    }
    const localId = (head & A.BUF_LOCAL_ID) !== 0;
    if (small) {
      if (this.type !== A.FP_OBJECT) return null;
      const index = (words.high(at) >>> 0) * 1048576 + (head >>> A.CAP_SHIFT);
      return { task, base: index, order: 0, localId };
    }
    if (this.index > A.BR_WORDS) return null;
    const page = readFlexpage(words, at + 8);
    if (page.type === this.type) return { task, base: page.base, order: page.order, localId };
    return coversAll(page, this.type) ? { task, base: 0, order: A.FP_WHOLE, localId } : null;
  }
}

export class Transfer {
  observer: Observer | null = null;

  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly memory: Memory,
  ) {}

  /**
   * Moves the sender's message. Returns 0 or an IPC error (as the sender sees it; the receiver's has bit 0 set).
   * Words arrive even when an item does not.
   */
  message(from: number, to: number): number {
    const { state } = this;
    const { words } = state;
    const tag = state.i32[(from + L.H_TAG) >>> 2]!;
    const count = Math.min(tag & 63, A.MR_WORDS);
    const source = state.w(from + L.H_UTCB);
    const target = state.w(to + L.H_UTCB);
    words.copy(target, source, count);
    const rights = state.w(from + L.H_RIGHTS);
    if ((tag & A.TAG_FPU) !== 0 && (rights & A.CAP_S) !== 0) this.fpu(from, to, target);
    const items = (tag >>> 6) & 63;
    if (items === 0) return 0;
    const move = (): number => this.items(from, to, count, items, (rights & A.CAP_S) !== 0);
    return this.observer === null ? move() : this.observer.transfer(from, to, move);
  }

  private fpu(from: number, to: number, target: number): void {
    const { state } = this;
    const a = state.w(from + L.H_TS);
    const b = state.w(to + L.H_TS);
    if ((state.words.low(target + A.UTCB_BDR) & A.BDR_FPU) === 0 || a === 0 || b === 0) return;
    state.words.copy(b + T_F, a + T_F, 32);
    state.i32[(b + T_FCSR) >>> 2] = state.i32[(a + T_FCSR) >>> 2]!;
  }

  private items(from: number, to: number, first: number, items: number, mayS: boolean): number {
    const { state } = this;
    const { words } = state;
    if (first + items * 2 > A.MR_WORDS) return A.IPC_OVERFLOW;
    const source = state.w(from + L.H_UTCB);
    const target = state.w(to + L.H_UTCB);
    const fromTask = state.w(from + L.H_TASK);
    const toTask = state.w(to + L.H_TASK);
    const bdr = words.low(target + A.UTCB_BDR);
    const lists = [0, 1, 2, 3].map(
      (type) =>
        new BufferList(
          state,
          this.caps,
          target,
          toTask,
          type,
          type === A.FP_SPECIAL ? A.BR_WORDS : (bdr >>> ((type - 1) * 5)) & 31,
        ),
    );
    let again = false;
    for (let k = 0; k < items; k++) {
      const at = source + (first + k * 2) * 8;
      const into = target + (first + k * 2) * 8;
      const low = words.low(at);
      const high = words.high(at);
      if (low === 0 && high === 0) {
        words.set(into, 0);
        again = false;
        continue;
      }
      if ((low & A.ITEM_MAP) === 0) return A.IPC_OVERFLOW;
      const page = readFlexpage(words, at + 8);
      const buffer = lists[page.type]!.next(again);
      again = (low & A.ITEM_COMPOUND) !== 0;
      if (buffer === null) return A.IPC_OVERFLOW;
      const local = this.localId(fromTask, toTask, page, buffer, into + 8, at + 8);
      const result = local ?? this.map(fromTask, buffer, page, low, high, mayS);
      if (result < 0) return A.IPC_MAP_FAILED;
      words.pair(into, (low & ~0xff6) | result | (words.low(at + 8) & 0xff0), high);
    }
    return 0;
  }

  /** The local-id forms of an item: its result type, null when it has to be mapped. */
  private localId(
    fromTask: number,
    toTask: number,
    page: Flexpage,
    buffer: Buffer,
    into: number,
    at: number,
  ): number | null {
    if (!buffer.localId || page.type !== A.FP_OBJECT || page.order !== 0) return null;
    const { state } = this;
    const slot = this.caps.slot(fromTask, page.base);
    const obj = slot === 0 ? 0 : state.w(slot + L.S_OBJ);
    if (obj === 0 || (page.rights & A.CAP_R) === 0) return A.RESULT_NOTHING;
    if (fromTask === toTask) {
      state.words.copy(into, at, 1);
      return A.RESULT_FPAGE;
    }
    if (state.kind(obj) !== L.KIND_GATE) return null;
    const thread = state.alive(state.w(obj + L.G_THREAD), state.w(obj + L.G_THREAD_ID));
    if (thread === 0 || state.w(thread + L.H_TASK) !== toTask) return null;
    const rights = page.rights & state.w(slot + L.S_ATTR) & (A.CAP_W | A.CAP_S);
    state.words.pair(into, state.words.low(obj + L.G_LABEL) | rights, state.words.high(obj + L.G_LABEL));
    return A.RESULT_GATE_ID;
  }

  /** Result type of mapping one item, -1 when the kernel is out of memory. */
  private map(
    fromTask: number,
    buffer: Buffer,
    page: Flexpage,
    low: number,
    high: number,
    mayS: boolean,
  ): number {
    const hot = (high >>> 0) * 4294967296 + (low >>> A.CAP_SHIFT) * 4096;
    const grant = (low & A.ITEM_GRANT) !== 0;
    const done =
      page.type === A.FP_OBJECT
        ? this.objects(fromTask, page, buffer.task, buffer, hot / 4096, low, mayS, grant ? 'grant' : 'item')
        : this.pages(fromTask, page, buffer.task, buffer, hot, grant);
    if (done < 0) return -1;
    return done > 0 ? A.RESULT_MAPPED : A.RESULT_NOTHING;
  }

  /** Maps a memory flexpage: pages that arrived, -1 out of memory. */
  pages(
    fromTask: number,
    page: Flexpage,
    toTask: number,
    window: { base: number; order: number },
    hot: number,
    grant: boolean,
  ): number {
    if (page.type !== A.FP_MEMORY) return 0;
    const m = meet(page, window, hot, 12);
    if (m === null) return 0;
    return this.memory.map(fromTask, m.from, toTask, m.to, m.count, page.rights, grant);
  }

  /**
   * Maps an object flexpage: slots filled, -1 out of memory.
   * @param hot slot index; @param attributes word 0 of the item.
   */
  objects(
    fromTask: number,
    page: Flexpage,
    toTask: number,
    window: { base: number; order: number },
    hot: number,
    attributes: number,
    mayS: boolean,
    how: SlotChange,
  ): number {
    const { state, caps } = this;
    const one = page.order === 0 && caps.events !== null;
    if ((page.rights & A.CAP_R) === 0) {
      if (one) caps.events?.lost(fromTask, page.base, 'rights');
      return 0;
    }
    if (one && how === 'item' && caps.lookup(fromTask, page.base) === 0) {
      caps.events?.lost(fromTask, page.base, 'empty');
    }
    const m = meet(page, window, hot, 0);
    if (m === null) return 0;
    const found: { slot: number; index: number; gen: number }[] = [];
    caps.each(fromTask, m.from, m.count, (slot, index) => {
      found.push({ slot, index, gen: state.w(slot + L.S_GEN) });
    });
    let filled = 0;
    for (const { slot, index, gen } of found) {
      const obj = state.w(slot + L.S_OBJ);
      if (obj === 0 || state.w(slot + L.S_GEN) !== gen) continue;
      const to = m.to + (index - m.from);
      if (!(to < A.CAP_SLOTS)) continue;
      if (caps.slot(toTask, to) === slot) {
        caps.empty(slot, true, 'overmap');
        continue;
      }
      const held = state.w(slot + L.S_ATTR);
      let attr = (page.rights & held & 0xf) | A.CAP_R | (attributes & held & A.CAP_OBJECT_RIGHTS);
      if (!mayS) attr &= ~A.CAP_S;
      if ((held & L.SLOT_COUNTED) !== 0 && (attributes & A.ATTR_WEAK) === 0) attr |= L.SLOT_COUNTED;
      if (!caps.fill(toTask, to, obj, attr, how)) return -1;
      if (caps.lookup(toTask, to) === obj) filled++;
      if (how === 'grant' && state.w(slot + L.S_OBJ) === obj && state.w(slot + L.S_GEN) === gen) {
        caps.empty(slot, false, 'grant');
      }
    }
    return filled;
  }
}
