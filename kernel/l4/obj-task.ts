/** Operations on tasks: map, unmap, capability queries, kernel-user memory (fact sheet 6.2, 4.5 to 4.7). */
import * as A from './abi.js';
import { type Call, failed, type Outcome, reply } from './call.js';
import type { Caps } from './caps.js';
import { coversAll, type Flexpage, readFlexpage } from './fpage.js';
import * as L from './layout.js';
import type { Memory } from './memory.js';
import type { L4State } from './state.js';
import type { Transfer } from './transfer.js';

const EVERYWHERE = { base: 0, order: A.FP_WHOLE };
const UNMAP_SELF = 0x80000000 | 0;
const UNMAP_DELETE = 0x40000000;

export class TaskObject {
  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly memory: Memory,
    private readonly transfer: Transfer,
  ) {}

  invoke(call: Call): Outcome {
    if (call.label !== A.PROTO_TASK) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0) & 0xffff) {
      case 0:
        return this.map(call);
      case 1:
        return this.unmap(call);
      case 2:
        return this.capInfo(call);
      case 3:
        return this.addKernelMemory(call);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private map(call: Call): Outcome {
    if ((call.rights & A.CAP_W) === 0) return reply(-A.EPERM);
    if (call.words < 3) return reply(-A.EMSGTOOSHORT);
    const item = call.item(0);
    if (typeof item === 'number') return item > 0 ? failed(item) : reply(item);
    if (this.state.kind(item.obj) !== L.KIND_TASK) return reply(-A.EINVAL);
    const low = call.low(1);
    const hot = (call.state.words.high(call.at(1)) >>> 0) * 4294967296 + (low >>> A.CAP_SHIFT) * 4096;
    const page = readFlexpage(this.state.words, call.at(2));
    const mayS = (call.rights & item.rights & A.CAP_S) !== 0;
    const grant = (low & A.ITEM_GRANT) !== 0;
    const { transfer } = this;
    const done =
      page.type === A.FP_OBJECT
        ? transfer.objects(
            item.obj,
            page,
            call.obj,
            EVERYWHERE,
            hot / 4096,
            low,
            mayS,
            grant ? 'grant' : 'map',
          )
        : transfer.pages(item.obj, page, call.obj, EVERYWHERE, hot, grant);
    return done < 0 ? failed(A.IPC_MAP_FAILED) : reply(0);
  }

  private unmap(call: Call): Outcome {
    const { state } = this;
    if (call.words < 2) return reply(-A.EMSGTOOSHORT);
    const mask = call.low(1);
    const words = Math.min(call.words, A.MR_WORDS);
    for (let i = 2; i < words; i++) {
      const page = readFlexpage(state.words, call.at(i));
      if (page.type === A.FP_OBJECT || coversAll(page, A.FP_OBJECT)) this.unmapObjects(call.obj, page, mask);
      if (page.type === A.FP_MEMORY || coversAll(page, A.FP_MEMORY)) {
        const all = page.order >= 53;
        const count = all ? Number.MAX_SAFE_INTEGER : 2 ** page.order;
        const base = all ? 0 : page.base - (page.base % count);
        if (page.order >= 12)
          this.memory.unmap(call.obj, base, count, page.rights, (mask & UNMAP_SELF) !== 0);
      }
      state.words.pair(call.at(i), state.words.low(call.at(i)) & ~0xf, state.words.high(call.at(i)));
    }
    return reply(0, words);
  }

  private unmapObjects(task: number, page: Flexpage, mask: number): void {
    if ((mask & UNMAP_SELF) === 0) return;
    const { state, caps } = this;
    const all = page.order >= 20;
    const count = all ? A.CAP_SLOTS : 2 ** page.order;
    const first = all ? 0 : page.base - (page.base % count);
    const remove = (mask & UNMAP_DELETE) !== 0;
    caps.each(task, first, count, (slot) => {
      if ((page.rights & A.CAP_R) !== 0) {
        caps.empty(slot, remove, remove ? 'delete' : 'unmap');
        return;
      }
      const attr = state.w(slot + L.S_ATTR);
      if (remove && (attr & A.CAP_D) !== 0) caps.empty(slot, true, 'delete');
      else {
        const left = attr & ~(page.rights & (A.CAP_W | A.CAP_S | A.CAP_D));
        state.setW(slot + L.S_ATTR, left);
        caps.events?.weakened(task, state.w(slot + L.S_INDEX), left);
      }
    });
  }

  private capInfo(call: Call): Outcome {
    if (call.words === 2) {
      return reply(this.slotOf(call, 1) !== 0 ? 1 : 0);
    }
    if (call.words !== 3) return reply(-A.EINVAL);
    const { words } = this.state;
    if (words.low(call.at(1)) === words.low(call.at(2)) && words.high(call.at(1)) === words.high(call.at(2)))
      return reply(1);
    const special = A.SEL_SPECIAL | A.SEL_REPLY;
    const a = call.low(1) & special;
    const b = call.low(2) & special;
    if (a !== 0 || b !== 0) return reply(a !== 0 && a === b ? 1 : 0);
    const first = this.slotOf(call, 1);
    const second = this.slotOf(call, 2);
    if (first === 0 || second === 0) return reply(0);
    const same =
      this.state.w(first + L.S_OBJ) === this.state.w(second + L.S_OBJ) &&
      ((this.state.w(first + L.S_ATTR) ^ this.state.w(second + L.S_ATTR)) & (A.CAP_W | A.CAP_S)) === 0;
    return reply(same ? 1 : 0);
  }

  /** Full slot that a selector word names, 0 for none and for special selectors. */
  private slotOf(call: Call, mr: number): number {
    if ((call.low(mr) & (A.SEL_SPECIAL | A.SEL_REPLY)) !== 0) return 0;
    const slot = this.caps.slot(call.obj, Math.floor(call.mru(mr) / 4096));
    return slot !== 0 && this.state.w(slot + L.S_OBJ) !== 0 ? slot : 0;
  }

  private addKernelMemory(call: Call): Outcome {
    const { state } = this;
    const words = Math.min(call.words, A.MR_WORDS);
    if (words < 2) return reply(-A.EINVAL);
    for (let i = 1; i < words; i++) {
      const page = readFlexpage(state.words, call.at(i));
      if (page.type !== A.FP_MEMORY) return reply(-A.EINVAL);
      const error = this.memory.addKernelMemory(call.obj, page.base, page.order);
      if (error !== 0) return reply(error);
      state.words.copy(call.at(i - 1), call.at(i), 1);
    }
    return reply(0, words - 1);
  }
}
