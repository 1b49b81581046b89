/**
 * Page faults and exceptions: messages to whoever the thread names (fact sheet 7.1, 7.2).
 *
 * The faulting thread makes the call itself, with its own UTCB, whose words are put back afterwards. Its registers are all in
 * its thread state, so a handler sees and changes them exactly. The kernel lock is held, but while waiting.
 */
import { ACCESS_EXEC, ACCESS_WRITE, STOP_EXIT, T_PC, T_UNWIND, T_X, UNWIND_RESTART } from '../core/layout.js';
import { type BadFault, SEGV_MAPERR, SIGSEGV } from '../core/pager.js';
import * as A from './abi.js';
import type { Caps } from './caps.js';
import type { L4Env } from './env.js';
import { GONE, type Ipc } from './ipc.js';
import * as L from './layout.js';
import type { Memory } from './memory.js';
import type { Shadow } from './shadow.js';
import type { L4State } from './state.js';
import { tagOf } from './words.js';

const FRAME_WORDS = 37;
const FRAME_PC = 32;
/** Receive window over the whole memory. */
const WINDOW_ITEM = 8;
const WINDOW_ALL = 0xfc0;

/** Whom a thread names as its handler. */
interface Handler {
  /** Thread or gate; 0 when it is an object of capgrind's own. */
  obj: number;
  rights: number;
  /** That object. */
  hosted: number;
}

export class Faults {
  /** Where a region manager of capgrind's own lets a thread go on after a fault at pc; 0 for nowhere. Set by the kernel. */
  rescue: (rm: number, pc: number) => number = () => 0;

  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly memory: Memory,
    private readonly ipc: Ipc,
    private readonly env: L4Env,
    private readonly shadow: Shadow,
  ) {}

  /**
   * What needs no guest code: 0 when the page is there, or a region manager of capgrind's own has it; with
   * --region-manager=virtual also when the guest's region manager has attached it.
   */
  quick(ts: number, addr: number, access: number): 0 | BadFault {
    const { env, memory } = this;
    const task = this.taskOf(ts);
    if (task === 0) return unresolved(addr);
    const pager = this.handler(this.state.w(ts + L.T_L4), L.H_PAGER)?.obj ?? 0;
    const asked = env.config.regionManager === 'guest' && pager !== 0;
    if (memory.resolve(task, addr, access, asked)) return 0;
    return !asked && this.shadow.resolve(task, pager, addr, access) ? 0 : unresolved(addr);
  }

  /**
   * Resolves a fault by the thread's pager. 0: the thread goes on at its T_PC (which an exception handler may have
   * changed; T_UNWIND is set then). Otherwise nobody handles it.
   */
  fault(ts: number, addr: number, access: number, cause: number): 0 | BadFault {
    if (this.quick(ts, addr, access) === 0) return 0;
    const { state } = this;
    const me = state.w(ts + L.T_L4);
    if (this.ipc.gone(me)) return 0;
    const pager = this.handler(me, L.H_PAGER);
    if (pager === null) return this.orphan(ts, addr);
    if (pager.obj !== 0 && this.asked(ts, me, pager, addr, access)) return 0;
    const on = pager.hosted === 0 ? 0 : this.rescue(pager.hosted, state.words.unsigned(ts + T_PC));
    if (on !== 0) {
      state.words.set(ts + T_PC, on);
      state.i32[(ts + T_UNWIND) >>> 2] = UNWIND_RESTART;
      return 0;
    }
    return this.exception(ts, cause, addr) ? 0 : unresolved(addr);
  }

  /**
   * As far as the thread's pager resolves it; raises nothing. T_PC may be a little in front of the instruction.
   * True: the thread looks again.
   */
  resolve(ts: number, addr: number, access: number): boolean {
    if (this.quick(ts, addr, access) === 0) return true;
    const me = this.state.w(ts + L.T_L4);
    const pager = this.ipc.gone(me) ? null : this.handler(me, L.H_PAGER);
    return pager !== null && pager.obj !== 0 && this.asked(ts, me, pager, addr, access);
  }

  /** Sends the fault message to a pager that is guest code. False when it refuses. */
  private asked(ts: number, me: number, pager: Handler, addr: number, access: number): boolean {
    const { words } = this.state;
    const kind = (access & ACCESS_WRITE) !== 0 ? 2 : (access & ACCESS_EXEC) !== 0 ? 4 : 0;
    const answer = this.call(me, pager, A.PROTO_PAGE_FAULT, 2, 0, (utcb) => {
      words.set(utcb, addr - (addr % 8) + 1 + kind);
      words.copy(utcb + 8, ts + T_PC, 1);
      words.set(utcb + A.UTCB_BDR, A.BDR_FPU);
      words.set(utcb + A.UTCB_BR, WINDOW_ITEM);
      words.set(utcb + A.UTCB_BR + 8, WINDOW_ALL);
    });
    if (answer === 'gone' || answer === 'canceled') return true;
    return answer !== 'failed' && answer.label >= 0;
  }

  /** No pager: on Fiasco the thread is killed. */
  private orphan(ts: number, addr: number): 0 | BadFault {
    const me = this.state.w(ts + L.T_L4);
    this.env.warn(
      `thread ${this.state.id(me)} has no pager for its fault at 0x${addr.toString(16)}: it is killed`,
    );
    this.state.setW(me + L.H_FLAGS, this.state.w(me + L.H_FLAGS) | L.HF_KILLED);
    this.env.poke(ts, STOP_EXIT);
    return 0;
  }

  /** Tells the exception handler. True when the thread goes on (T_UNWIND is set), or ends or sleeps for other reasons. */
  exception(ts: number, cause: number, tval: number): boolean {
    const { state } = this;
    const me = state.w(ts + L.T_L4);
    const handler = this.handler(me, L.H_HANDLER);
    if (handler === null || handler.obj === 0) return false;
    let loaded = false;
    const answer = this.call(
      me,
      handler,
      A.PROTO_EXCEPTION,
      FRAME_WORDS,
      A.TAG_FPU,
      (utcb) => {
        state.words.set(utcb, 0);
        state.words.copy(utcb + 8, ts + T_X + 8, 31);
        state.words.copy(utcb + FRAME_PC * 8, ts + T_PC, 1);
        state.words.set(utcb + 33 * 8, STATUS_USER);
        state.words.set(utcb + 34 * 8, cause);
        state.words.set(utcb + 35 * 8, tval);
        state.words.set(utcb + 36 * 8, 0);
        state.words.set(utcb + A.UTCB_BDR, A.BDR_FPU);
        state.words.set(utcb + A.UTCB_BR, 0);
      },
      (utcb, words) => {
        if (words < FRAME_WORDS) return;
        state.words.copy(ts + T_X + 8, utcb + 8, 31);
        const pc = utcb + FRAME_PC * 8;
        state.words.pair(ts + T_PC, state.words.low(pc) & ~1, state.words.high(pc));
        loaded = true;
      },
    );
    if (answer === 'failed') return false;
    if (loaded || answer === 'canceled') state.i32[(ts + T_UNWIND) >>> 2] = UNWIND_RESTART;
    return true;
  }

  /** Object named by a pager or handler word; obj 0: an object of capgrind's own; null: nothing. */
  private handler(me: number, word: number): Handler | null {
    const { state } = this;
    const task = state.alive(state.w(me + L.H_TASK), state.w(me + L.H_TASK_ID));
    const low = state.words.low(me + word);
    if (task === 0 || (low & A.SEL_SPECIAL) !== 0) return null;
    const slot = this.caps.slot(task, Math.floor(state.words.unsigned(me + word) / 4096));
    const obj = slot === 0 ? 0 : state.w(slot + L.S_OBJ);
    if (obj === 0) return null;
    const kind = state.kind(obj);
    if (kind !== L.KIND_THREAD && kind !== L.KIND_GATE) return { obj: 0, rights: 0, hosted: obj };
    return { obj, rights: state.w(slot + L.S_ATTR) & 0xff, hosted: 0 };
  }

  /** A call on the thread's behalf, with no time limits. */
  private call(
    me: number,
    handler: Handler,
    label: number,
    words: number,
    flags: number,
    fill: (utcb: number) => void,
    take?: (utcb: number, words: number) => void,
  ): 'gone' | 'canceled' | 'failed' | { label: number } {
    const { state } = this;
    const utcb = state.w(me + L.H_UTCB);
    const saved = state.i32.slice(utcb >>> 2, (utcb + A.UTCB_SIZE) >>> 2);
    fill(utcb);
    state.words.set(me + L.H_TAG, tagOf(label, words, 0, flags));
    state.words.set(me + L.H_LABEL, 0);
    state.setW(me + L.H_OP, A.OP_SEND | A.OP_RECV);
    state.setW(me + L.H_RIGHTS, handler.rights);
    state.setW(me + L.H_REPLY_SLOT, 0);
    state.f64[(me + L.H_DEADLINE) >>> 3] = Infinity;
    this.flagFault(me, true);
    const code = this.ipc.exchange(me, handler.obj, 0, handler.obj, Infinity);
    this.flagFault(me, false);
    if (code === GONE) return 'gone';
    const low = state.words.low(me + L.H_RTAG);
    const high = state.words.high(me + L.H_RTAG);
    if (code === 0) take?.(utcb, low & 63);
    state.i32.set(saved, utcb >>> 2);
    if ((code & ~1) === A.IPC_CANCELED) return 'canceled';
    if (code !== 0) return 'failed';
    return { label: high * 65536 + (low >>> 16) };
  }

  private flagFault(me: number, on: boolean): void {
    const { state } = this;
    const flags = state.w(me + L.H_FLAGS);
    state.setW(me + L.H_FLAGS, on ? flags | L.HF_IN_FAULT : flags & ~L.HF_IN_FAULT);
  }

  private taskOf(ts: number): number {
    const { state } = this;
    const me = state.w(ts + L.T_L4);
    return me === 0 ? 0 : state.alive(state.w(me + L.H_TASK), state.w(me + L.H_TASK_ID));
  }
}

function unresolved(addr: number): BadFault {
  return { signo: SIGSEGV, code: SEGV_MAPERR, addr };
}

/** sstatus of user code with its FPU in use: SPIE, FS dirty, UXL 64. */
const STATUS_USER = 0x200006020;
