/**
 * Synchronous IPC: the rendezvous of sender and receiver, queues, timeouts, reply capabilities (fact sheet 5).
 *
 * Whoever comes second moves the message, under the kernel lock, and sets the other one going. A thread that waits
 * sleeps on its H_STATE word without the lock; it is woken by a change of that word, by its deadline, or because it
 * has to end. What came of the wait stands in H_ERROR, H_RTAG and H_RLABEL.
 *
 * Reply capabilities: a word (H_REPLY of the receiver, or an explicit slot) holds the calling thread with W and S in
 * the low bits; the caller's H_REPLY_AT points back to it, so there is one such word for a call, and it is cleared when the
 * caller is answered, gives up or dies.
 */

import * as A from './abi.js';
import * as L from './layout.js';
import { dequeue, enqueue } from './queue.js';
import type { Sleeper } from './sleeper.js';
import type { L4State } from './state.js';
import type { Transfer } from './transfer.js';

/** H_ERROR of a sender that has to look for its partner again. */
const RETRY = -1;
/** Result of `send`: the message is through and the thread is receiving already. */
const RECEIVING = -2;
/** The thread has to end: nothing of it may be touched. */
export const GONE = -3;

/** Hears how threads come to know of each other, with the kernel lock held and the threads standing in the kernel. */
export interface IpcWatcher {
  /** What one thread did so far comes before what the other does next. */
  ordered(before: number, after: number): void;
  /** A thread has left something in an IRQ object or a semaphore: the one whose call this is. */
  left(object: number): void;
  /** A thread has taken what others left in an object. */
  took(thread: number, object: number): void;
}

export class Ipc {
  watcher: IpcWatcher | null = null;
  /** Every thread waits for another without a limit: nothing will ever happen again. */
  onIdle: () => void = () => {};

  constructor(
    private readonly state: L4State,
    private readonly transfer: Transfer,
    private readonly sleeper: Sleeper,
    private readonly live: () => number,
  ) {}

  /**
   * The IPC that `me` has put into H_OP, H_TAG, H_LABEL, H_RIGHTS: send phase, then receive phase, as H_OP says.
   * Returns 0, an IPC error, or GONE. The lock is held, and given up while the thread sleeps.
   *
   * @param dest thread or gate to send to, 0 when there is no send phase.
   * @param replyTo caller that is answered; then `dest` is not looked at.
   * @param from whom to receive from: an object, 0 for anybody.
   */
  exchange(me: number, dest: number, replyTo: number, from: number, sendDeadline: number): number {
    const { state } = this;
    const op = state.w(me + L.H_OP);
    if ((op & A.OP_SEND) !== 0) {
      const sent = replyTo !== 0 ? this.deliver(me, replyTo) : this.send(me, dest, sendDeadline);
      if (sent === RECEIVING) return this.await(me);
      if (sent !== 0) return sent;
    }
    if ((op & A.OP_RECV) === 0) return 0;
    if ((op & A.OP_OPEN) !== 0) return this.receive(me, 0);
    // The partner of a call is whoever got the message: a gate's thread.
    const called = (op & A.OP_SEND) !== 0 && replyTo === 0;
    return this.receive(me, called ? state.w(me + L.H_PARTNER) : from);
  }

  private send(me: number, dest: number, deadline: number): number {
    const { state } = this;
    const id = state.id(dest);
    for (;;) {
      if (state.alive(dest, id) === 0) return A.IPC_NOT_EXISTENT;
      const gate = state.kind(dest) === L.KIND_GATE;
      const thread = gate ? this.bound(dest) : dest;
      if (gate) {
        const rights = state.w(me + L.H_RIGHTS) & (A.CAP_W | A.CAP_S);
        const { words } = state;
        words.pair(me + L.H_LABEL, words.low(dest + L.G_LABEL) | rights, words.high(dest + L.G_LABEL));
      }
      if (thread !== 0) {
        if (thread === me || !this.reachable(thread)) return A.IPC_NOT_EXISTENT;
        state.setW(me + L.H_PARTNER, thread);
        if (this.accepts(thread, me)) return this.deliver(me, thread);
      }
      if (deadline <= this.state.now()) return A.IPC_TIMEOUT;
      enqueue(state, thread !== 0 ? thread + L.H_SENDERS : dest + L.G_SENDERS, me);
      state.setW(me + L.H_FLAGS, state.w(me + L.H_FLAGS) & ~L.HF_SENT);
      this.sleep(me, L.STATE_SENDING, deadline);
      if (this.gone(me)) {
        dequeue(state, me);
        return GONE;
      }
      const now = state.w(me + L.H_STATE);
      if (now === L.STATE_SENDING) {
        dequeue(state, me);
        this.setState(me, L.STATE_READY);
        return A.IPC_TIMEOUT;
      }
      // The answer may have come before this thread woke.
      if ((state.w(me + L.H_FLAGS) & L.HF_SENT) !== 0) return RECEIVING;
      const error = state.i32[(me + L.H_ERROR) >>> 2]!;
      if (error !== RETRY) return error;
    }
  }

  /** Thread bound to a gate, 0 for none. */
  bound(gate: number): number {
    return this.state.alive(this.state.w(gate + L.G_THREAD), this.state.w(gate + L.G_THREAD_ID));
  }

  /** Whether a thread can ever receive. */
  private reachable(thread: number): boolean {
    return this.state.w(thread + L.H_UTCB) !== 0 && (this.state.w(thread + L.H_FLAGS) & L.HF_KILLED) === 0;
  }

  /** Whether a thread is waiting for a message from `sender` or from anybody. */
  private accepts(thread: number, sender: number): boolean {
    const { state } = this;
    if (state.w(thread + L.H_STATE) !== L.STATE_RECEIVING) return false;
    const partner = state.w(thread + L.H_PARTNER);
    return partner === 0 || partner === sender;
  }

  /** Moves the message of `from` (running or queued) to `to`, which is waiting for it. 0 or the sender's error. */
  private deliver(from: number, to: number): number {
    const error = this.handOver(from, to);
    this.wake(to);
    return error;
  }

  /** The message itself, the receiver's results, and its reply capability. */
  private handOver(from: number, to: number): number {
    const { state } = this;
    const { words } = state;
    this.forgetCall(to);
    if (this.watcher !== null) {
      // A rendezvous: the sender goes on only after the receiver was there.
      this.watcher.ordered(from, to);
      this.watcher.ordered(to, from);
    }
    const error = this.transfer.message(from, to);
    state.i32[(to + L.H_ERROR) >>> 2] = error === 0 ? 0 : error | A.IPC_RECEIVE;
    words.copy(to + L.H_RTAG, from + L.H_TAG, 1);
    words.pair(to + L.H_RTAG, words.low(from + L.H_TAG) & ~A.TAG_ERROR, words.high(from + L.H_TAG));
    words.copy(to + L.H_RLABEL, from + L.H_LABEL, 1);
    if (error === 0 && this.awaitsReply(from)) this.giveReplyCap(from, to);
    return error;
  }

  /** Whether a sender goes on to wait for an answer. */
  private awaitsReply(from: number): boolean {
    const { state } = this;
    const op = state.w(from + L.H_OP);
    if ((op & A.OP_RECV) === 0 || (op & A.OP_OPEN) !== 0) return false;
    return state.f64[(from + L.H_DEADLINE) >>> 3]! > this.state.now();
  }

  private giveReplyCap(caller: number, to: number): void {
    const { state } = this;
    const explicit = state.w(to + L.H_REPLY_SLOT);
    const at = explicit === 0 ? to + L.H_REPLY : this.replySlot(state.w(to + L.H_TASK), explicit - 1, true);
    if (at === 0) return;
    this.clearReplyCap(at);
    state.setW(at, caller | (state.w(caller + L.H_RIGHTS) & (A.CAP_W | A.CAP_S)));
    state.setW(caller + L.H_REPLY_AT, at);
  }

  /** Takes a caller out of a reply capability word: the caller, 0 for none, and the word's rights. */
  takeReplyCap(at: number): { caller: number; rights: number } {
    const word = at === 0 ? 0 : this.state.w(at);
    if (at !== 0) this.clearReplyCap(at);
    return { caller: (word & ~0xff) >>> 0, rights: word & 0xff };
  }

  private clearReplyCap(at: number): void {
    const { state } = this;
    const caller = (state.w(at) & ~0xff) >>> 0;
    if (caller !== 0) state.setW(caller + L.H_REPLY_AT, 0);
    state.setW(at, 0);
  }

  /** The thread no longer waits for an answer. */
  forgetCall(thread: number): void {
    const at = this.state.w(thread + L.H_REPLY_AT);
    if (at !== 0) this.clearReplyCap(at);
  }

  /** Address of an explicit reply slot's word; 0 when there is none (or no memory to make it). */
  replySlot(task: number, index: number, make: boolean): number {
    const { state } = this;
    if (!(index >= 0 && index < A.REPLY_SLOTS)) return 0;
    let dir = state.w(task + L.K_REPLIES);
    if (dir === 0) {
      if (!make) return 0;
      dir = state.pages(1);
      if (dir === 0) return 0;
      state.setW(task + L.K_REPLIES, dir);
    }
    const entry = dir + (index >>> 10) * 4;
    if (state.w(entry) === 0 && make) state.setW(entry, state.pages(1));
    return state.w(entry) === 0 ? 0 : state.w(entry) + (index & 1023) * 4;
  }

  /** Gives the reply slots of a dying task back; its callers stay blocked. */
  tearDownReplies(task: number): void {
    const { state } = this;
    const dir = state.w(task + L.K_REPLIES);
    if (dir === 0) return;
    for (let k = 0; k < 1024; k++) {
      const page = state.w(dir + k * 4);
      if (page === 0) continue;
      for (let n = 0; n < 1024; n++) if (state.w(page + n * 4) !== 0) this.clearReplyCap(page + n * 4);
      state.freePages(page, 1);
    }
    state.freePages(dir, 1);
    state.setW(task + L.K_REPLIES, 0);
  }

  /** The receive phase: takes a waiting sender's message or sleeps. */
  receive(me: number, from: number): number {
    const { state } = this;
    const partner = state.kind(from) === L.KIND_GATE ? this.bound(from) || from : from;
    const sender = this.waitingSender(me, partner);
    if (sender !== 0) {
      this.accept(sender, me);
      return state.i32[(me + L.H_ERROR) >>> 2]!;
    }
    const deadline = state.f64[(me + L.H_DEADLINE) >>> 3]!;
    if (deadline <= this.state.now()) {
      this.forgetCall(me);
      return A.IPC_TIMEOUT | A.IPC_RECEIVE;
    }
    state.setW(me + L.H_PARTNER, partner);
    this.setState(me, L.STATE_RECEIVING);
    return this.await(me);
  }

  /** Sleeps until a message has come. */
  private await(me: number): number {
    const { state } = this;
    if (state.w(me + L.H_STATE) === L.STATE_RECEIVING) {
      this.sleep(me, L.STATE_RECEIVING, state.f64[(me + L.H_DEADLINE) >>> 3]!);
    }
    if (this.gone(me)) return GONE;
    if (state.w(me + L.H_STATE) === L.STATE_READY) return state.i32[(me + L.H_ERROR) >>> 2]!;
    this.forgetCall(me);
    this.setState(me, L.STATE_READY);
    return A.IPC_TIMEOUT | A.IPC_RECEIVE;
  }

  private waitingSender(me: number, partner: number): number {
    const { state } = this;
    const head = me + L.H_SENDERS;
    if (partner === 0) return state.w(head);
    const kind = state.kind(partner);
    if (kind !== L.KIND_THREAD && kind !== L.KIND_IRQ) return 0;
    return state.w(partner + L.Q_HEAD) === head ? partner : 0;
  }

  /** Takes what a queued sender has for `me`, and lets the sender go on. */
  private accept(sender: number, me: number): void {
    const { state } = this;
    dequeue(state, sender);
    if (state.kind(sender) === L.KIND_IRQ) {
      state.setW(sender + L.I_PENDING, 0);
      this.irqMessage(sender, me);
      return;
    }
    const error = this.handOver(sender, me);
    const op = state.w(sender + L.H_OP);
    if (error === 0 && this.awaitsReply(sender)) {
      state.setW(sender + L.H_PARTNER, me);
      state.setW(sender + L.H_FLAGS, state.w(sender + L.H_FLAGS) | L.HF_SENT);
      this.awake(sender);
      this.setState(sender, L.STATE_RECEIVING);
      // It sleeps on with the deadline of its receive phase.
      this.notify(sender);
      return;
    }
    // A call whose time to wait is over already finds that out itself.
    state.i32[(sender + L.H_ERROR) >>> 2] = error;
    if (error === 0 && (op & (A.OP_RECV | A.OP_OPEN)) === A.OP_RECV) state.setW(sender + L.H_PARTNER, me);
    this.wake(sender);
  }

  private irqMessage(irq: number, to: number): void {
    const { state } = this;
    this.watcher?.took(to, irq);
    this.forgetCall(to);
    state.i32[(to + L.H_ERROR) >>> 2] = 0;
    state.words.set(to + L.H_RTAG, 0);
    state.words.copy(to + L.H_RLABEL, irq + L.I_LABEL, 1);
  }

  /** An IRQ object is hit. */
  hit(irq: number): void {
    const { state } = this;
    this.watcher?.left(irq);
    if (state.w(irq + L.I_PENDING) !== 0) return;
    const thread = state.alive(state.w(irq + L.I_THREAD), state.w(irq + L.I_THREAD_ID));
    if (thread !== 0 && this.accepts(thread, irq)) {
      this.irqMessage(irq, thread);
      this.wake(thread);
      return;
    }
    state.setW(irq + L.I_PENDING, 1);
    if (thread !== 0) enqueue(state, thread + L.H_SENDERS, irq);
  }

  /** Ends a thread's wait with an error. Its queue place and reply capability go. */
  abort(thread: number, error: number): void {
    const { state } = this;
    const now = state.w(thread + L.H_STATE);
    if (now === L.STATE_READY) return;
    dequeue(state, thread);
    this.forgetCall(thread);
    state.i32[(thread + L.H_ERROR) >>> 2] = now === L.STATE_SENDING ? error : error | A.IPC_RECEIVE;
    this.wake(thread);
  }

  /** Ends the wait of everybody in a queue of senders. IRQs only leave the queue. */
  abortQueue(head: number, error: number): void {
    const { state } = this;
    for (let q = state.w(head); q !== 0; q = state.w(head)) {
      if (state.kind(q) === L.KIND_THREAD) this.abort(q, error);
      else dequeue(state, q);
    }
  }

  /** Senders of a queue look for their partner again: a gate got a thread. */
  retryQueue(head: number): void {
    const { state } = this;
    for (let q = state.w(head); q !== 0; q = state.w(head)) {
      dequeue(state, q);
      state.i32[(q + L.H_ERROR) >>> 2] = RETRY;
      this.wake(q);
    }
  }

  /** A receiver that waits for exactly this partner will wait in vain. */
  partnerGone(thread: number, partner: number): void {
    const { state } = this;
    if (state.w(thread + L.H_STATE) !== L.STATE_RECEIVING) return;
    if (state.w(thread + L.H_PARTNER) === partner) state.setW(thread + L.H_PARTNER, NOBODY);
  }

  gone(me: number): boolean {
    return (
      (this.state.w(me + L.H_FLAGS) & L.HF_KILLED) !== 0 || this.sleeper.stopping(this.state.w(me + L.H_TS))
    );
  }

  /** Lets a waiting thread run. */
  wake(thread: number): void {
    this.awake(thread);
    this.setState(thread, L.STATE_READY);
    this.notify(thread);
  }

  private notify(thread: number): void {
    Atomics.notify(this.state.i32, (thread + L.H_STATE) >>> 2);
  }

  setState(thread: number, value: number): void {
    Atomics.store(this.state.i32, (thread + L.H_STATE) >>> 2, value);
  }

  /** Sleeps while H_STATE is `value`, at most until the deadline. The lock is held before and after. */
  sleep(me: number, value: number, deadline: number): void {
    const { state } = this;
    this.setState(me, value);
    const ts = state.w(me + L.H_TS);
    if (deadline === Infinity) {
      state.setW(me + L.H_FLAGS, state.w(me + L.H_FLAGS) | L.HF_ASLEEP);
      state.setW(L.A_ASLEEP, state.w(L.A_ASLEEP) + 1);
      this.checkIdle(0);
    }
    state.unlock();
    try {
      this.sleeper.wait(ts, me + L.H_STATE, value, deadline);
    } finally {
      state.lock();
      this.awake(me);
    }
  }

  /** Whether all threads but `ending` ones that are counted as alive still wait for another for ever. */
  checkIdle(ending: number): void {
    const live = this.live() - ending;
    if (live > 0 && this.state.w(L.A_ASLEEP) >= live) this.onIdle();
  }

  /** No longer among those that only another thread can wake. */
  private awake(thread: number): void {
    const { state } = this;
    const flags = state.w(thread + L.H_FLAGS);
    if ((flags & L.HF_ASLEEP) === 0) return;
    state.setW(thread + L.H_FLAGS, flags & ~L.HF_ASLEEP);
    state.setW(L.A_ASLEEP, state.w(L.A_ASLEEP) - 1);
  }
}

/** No object has this address. */
const NOBODY = 1;
