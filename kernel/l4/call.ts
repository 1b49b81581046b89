/**
 * An invocation of a kernel object: the request as the handler reads it from the caller's UTCB, and the answer it
 * leaves there (fact sheet 6.0).
 */
import * as A from './abi.js';
import type { Caps } from './caps.js';
import { readFlexpage } from './fpage.js';
import * as L from './layout.js';
import type { L4State } from './state.js';

/** What an invocation comes to. */
export type Outcome =
  /** Answered: label, words and items of the reply. */
  | { readonly kind: 'reply'; readonly label: number; readonly words: number; readonly items: number }
  /** An IPC error. */
  | { readonly kind: 'error'; readonly code: number }
  /** No answer: a receive phase, if there is one, is an ordinary closed receive from the object. */
  | { readonly kind: 'silent' }
  /** The calling thread has to end. */
  | { readonly kind: 'gone' };

/** A capability that the caller passed as an item. */
export interface ItemCap {
  obj: number;
  /** Rights W, S, D and object rights of its slot. */
  rights: number;
}

export const SILENT: Outcome = { kind: 'silent' };
export const ENDS: Outcome = { kind: 'gone' };

export function reply(label: number, words = 0, items = 0): Outcome {
  return { kind: 'reply', label, words, items };
}

export function failed(code: number): Outcome {
  return { kind: 'error', code };
}

export class Call {
  /** The thread offers its turn once the kernel lock is given back. */
  yields = false;

  constructor(
    readonly state: L4State,
    private readonly caps: Caps,
    /** Calling thread object, its engine thread, task object, and UTCB. */
    readonly me: number,
    readonly ts: number,
    readonly task: number,
    readonly utcb: number,
    readonly obj: number,
    /** Rights and object rights of the capability invoked. */
    readonly rights: number,
    readonly label: number,
    readonly words: number,
    readonly items: number,
    readonly receives: boolean,
    /** Deadline of the receive phase, monotonic ms. */
    readonly deadline: number,
  ) {}

  /** Message register i as a signed number. */
  mr(i: number): number {
    return this.state.words.get(this.utcb + i * 8);
  }

  /** Message register i as an unsigned number. */
  mru(i: number): number {
    return this.state.words.unsigned(this.utcb + i * 8);
  }

  /** Low half of message register i. */
  low(i: number): number {
    return this.state.words.low(this.utcb + i * 8);
  }

  setMr(i: number, value: number): void {
    this.state.words.set(this.utcb + i * 8, value);
  }

  /** Host address of message register i. */
  at(i: number): number {
    return this.utcb + i * 8;
  }

  /** Host address of buffer register i. */
  buffer(i: number): number {
    return this.utcb + A.UTCB_BR + i * 8;
  }

  /** Bytes from message register i on, at most what the tag's words hold. */
  bytes(i: number, length: number): Uint8Array {
    const most = Math.max(0, Math.min(this.words, A.MR_WORDS) - i) * 8;
    return this.state.machine.u8.slice(this.at(i), this.at(i) + Math.min(length, most));
  }

  /**
   * The k-th item as a capability of the caller. A number is the error to answer with: -EINVAL when there is none,
   * or the IPC error (positive) when it is no object flexpage.
   */
  item(k: number): ItemCap | number {
    return sentCap(this.state, this.caps, this.task, this.utcb, this, k);
  }

  /** The k-th item as an object of a kind, with the rights asked for; else the answer to give. */
  itemOf(k: number, kind: number, rights = 0): number | Outcome {
    const item = this.item(k);
    if (typeof item === 'number') return item > 0 ? failed(item) : reply(item);
    if (this.state.kind(item.obj) !== kind) return reply(-A.EINVAL);
    if ((item.rights & rights) !== rights) return reply(-A.EPERM);
    return item.obj;
  }
}

/** The k-th item of a message as a capability of its sender; see `Call.item`. */
export function sentCap(
  state: L4State,
  caps: Caps,
  task: number,
  utcb: number,
  tag: { words: number; items: number },
  k: number,
): ItemCap | number {
  const word = Math.min(tag.words, A.MR_WORDS) + k * 2;
  if (k >= tag.items || word + 2 > A.MR_WORDS) return -A.EINVAL;
  const at = utcb + word * 8;
  if (state.words.low(at) === 0) return -A.EINVAL;
  const page = readFlexpage(state.words, at + 8);
  if (page.type !== A.FP_OBJECT) return A.IPC_OVERFLOW;
  const slot = caps.slot(task, page.base);
  const obj = slot === 0 ? 0 : state.w(slot + L.S_OBJ);
  if (obj === 0) return -A.EINVAL;
  // What the slot holds counts, whatever the item asks for.
  return { obj, rights: state.w(slot + L.S_ATTR) & 0xff };
}
