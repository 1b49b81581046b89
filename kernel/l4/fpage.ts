/** Flexpages and how a sent one meets a receive window (fact sheet 4.1, 4.5). */
import { CAP_SHIFT, FP_SPECIAL, FP_WHOLE } from './abi.js';
import type { Words } from './words.js';

export interface Flexpage {
  /** FP_* */
  type: number;
  rights: number;
  /** log2 of bytes, or of slots for objects. */
  order: number;
  /** Bytes, or a slot index for objects. */
  base: number;
}

/** The flexpage in a 64-bit word at a host address. */
export function readFlexpage(words: Words, at: number): Flexpage {
  return flexpage(words.low(at), words.high(at));
}

export function flexpage(low: number, high: number): Flexpage {
  const type = (low >>> 4) & 3;
  const order = (low >>> 6) & 63;
  const page = (high >>> 0) * 1048576 + (low >>> CAP_SHIFT);
  const base = type === OBJECT ? page : page * 4096;
  return { type, rights: low & 15, order, base };
}

const OBJECT = 3;

/** Word of a flexpage, as a number. */
export function flexpageWord(f: Flexpage): number {
  const page = f.type === OBJECT ? f.base * 4096 : f.base;
  return page + ((f.order << 6) | (f.type << 4) | f.rights);
}

/** Whether a flexpage stands for a whole space of the given type. */
export function coversAll(f: Flexpage, type: number): boolean {
  return f.order === FP_WHOLE && (f.type === FP_SPECIAL || f.type === type);
}

/**
 * What of a sent flexpage goes where: source and target base and the number of units, in bytes or slots.
 *
 * @param smallest order of the smallest piece: 12 for memory, 0 for objects; null for less than that.
 */
export function meet(
  send: Flexpage,
  receive: { base: number; order: number },
  hot: number,
  smallest: number,
): { from: number; to: number; count: number } | null {
  if (send.order < smallest || receive.order < smallest) return null;
  const size = 2 ** Math.min(send.order, receive.order);
  const sent = align(send.base, 2 ** send.order);
  const window = align(receive.base, 2 ** receive.order);
  if (send.order <= receive.order) {
    return { from: sent, to: window + align(hot % 2 ** receive.order, size), count: size };
  }
  return { from: sent + align(hot % 2 ** send.order, size), to: window, count: size };
}

function align(value: number, size: number): number {
  return size > Number.MAX_SAFE_INTEGER ? 0 : value - (value % size);
}
