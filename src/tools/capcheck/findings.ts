/** What CapCheck finds, as data: kinds by their names in suppressions, and the words of each report. */
import type { SuppressionKinds } from '../errors.js';

export const KINDS = {
  /** Slots that are allocated and full at the end. */
  Leak: 'plain',
  /** Slots that are allocated and were never filled. */
  EmptySlot: 'plain',
  /** Slots that were emptied but not given back. */
  NotFreed: 'plain',
  /** Each request leaves one more slot allocated. */
  Growth: 'plain',
  /** Slots given back while they hold a capability. */
  FreedFull: 'plain',
  /** A capability put over another one. */
  Overmap: 'plain',
  /** The same, by a server's receive buffer that was not replaced. */
  Armed: 'plain',
  /** A capability put into a slot that the allocator did not hand out. */
  Unallocated: 'plain',
  DoubleFree: 'plain',
  UseAfterFree: 'plain',
  /** An empty slot was invoked. */
  Empty: 'plain',
  /** The object does not know the protocol. */
  Protocol: 'plain',
  /** The object does not know the operation. */
  Operation: 'plain',
  /** A capability was sent that did not arrive. */
  Lost: 'plain',
  /** An object was to be deleted through a capability that may not. */
  Delete: 'plain',
  /** Only a copy that nobody uses keeps an object alive. */
  Forgotten: 'plain',
} as const satisfies SuppressionKinds['kinds'];

export type Kind = keyof typeof KINDS;

/** A sentence, and the stack that belongs to it; trace 0 for none. */
export interface Note {
  readonly text: string;
  readonly trace: number;
}

export interface Finding {
  readonly kind: Kind;
  /** What happened, and where: the stack that the error is known by. */
  readonly what: Note;
  /** Where the rest of the story was. Notes whose trace is 0 are sentences alone. */
  readonly notes: readonly Note[];
}

export const hex = (n: number): string => `0x${n.toString(16).toUpperCase()}`;

/** `1 capability slot`, `3 capability slots`. */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  n === 1 ? `1 ${one}` : `${n} ${many}`;
