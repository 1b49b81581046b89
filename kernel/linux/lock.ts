/**
 * The locks of the Linux face, by byte address: the words of sync/futexword with the worker as owner. A worker runs
 * one guest thread at a time and holds these locks only inside one system call.
 *
 * Lock order: the files lock, then the region lock of a task (so that a file stays known while it is being mapped); a
 * futex bucket is innermost. The pager takes neither. Guest memory is never touched with one of these locks held.
 */
import { tryLockWord, lockWord as waitLockWord, unlockWord as wordUnlock } from '../../sync/futexword.js';
import type { Machine } from '../core/machine.js';

/** Takes the lock at byte address `at`. What a dead owner left behind is used as it is. */
export function lockWord(machine: Machine, at: number): void {
  const { i32, self } = machine;
  if (tryLockWord(i32, at >>> 2, self) === undefined) waitLockWord(i32, at >>> 2, self);
}

export function unlockWord(machine: Machine, at: number): void {
  wordUnlock(machine.i32, at >>> 2);
}
