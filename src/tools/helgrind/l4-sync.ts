/**
 * Synchronisation of L4 programs as the simulated Fiasco.OC sees it: a message orders sender and receiver both ways,
 * since an IPC is a rendezvous; a trigger of an IRQ object or a semaphore comes before the wait that takes it; a thread that
 * was ended while it stood in a call comes before what its killer does next. The kernel's lock is held, and both threads
 * stand in the kernel, so their clocks can be changed from either worker.
 */
import type { L4Events } from '../../../kernel/l4/events.js';
import { type Edges, l4Key, l4ThreadKey } from './edges.js';

export class L4Sync implements L4Events {
  constructor(private readonly edges: Edges) {}

  ordered(before: number, after: number): void {
    if (before === 0 || after === 0) return;
    const key = l4ThreadKey(before);
    this.edges.replace(before, key);
    this.edges.acquire(after, key);
  }

  /** What several left is one: the kernel merges hits, and counts without saying whose they are. */
  left(ts: number, object: number): void {
    this.edges.join(ts, l4Key(object));
  }

  took(ts: number, object: number): void {
    if (ts !== 0) this.edges.acquire(ts, l4Key(object));
  }

  objectGone(object: number, by: number): void {
    if (by !== 0) this.edges.forget(by, l4Key(object));
  }
}
