/** Queues of senders: doubly linked through the members, highest priority first, first come first within one. */
import * as L from './layout.js';
import type { L4State } from './state.js';

/** Puts an object behind all of its priority or higher. `head` is the address of the queue's first word. */
export function enqueue(state: L4State, head: number, obj: number): void {
  const prio = state.w(obj + L.Q_PRIO);
  let previous = 0;
  let next = state.w(head);
  while (next !== 0 && state.w(next + L.Q_PRIO) >= prio) {
    previous = next;
    next = state.w(next + L.Q_NEXT);
  }
  state.setW(obj + L.Q_NEXT, next);
  state.setW(obj + L.Q_PREV, previous);
  state.setW(obj + L.Q_HEAD, head);
  if (previous !== 0) state.setW(previous + L.Q_NEXT, obj);
  else state.setW(head, obj);
  if (next !== 0) state.setW(next + L.Q_PREV, obj);
}

/** Takes an object out of the queue it stands in, if it stands in one. */
export function dequeue(state: L4State, obj: number): void {
  const head = state.w(obj + L.Q_HEAD);
  if (head === 0) return;
  const next = state.w(obj + L.Q_NEXT);
  const previous = state.w(obj + L.Q_PREV);
  if (previous !== 0) state.setW(previous + L.Q_NEXT, next);
  else state.setW(head, next);
  if (next !== 0) state.setW(next + L.Q_PREV, previous);
  state.setW(obj + L.Q_HEAD, 0);
}
