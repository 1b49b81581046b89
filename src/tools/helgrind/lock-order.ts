/**
 * The order in which locks are taken: a graph with an edge from each lock that is held to each that is then waited
 * for. A path back from the new lock to a held one means that threads could come to wait for each other in a circle.
 *
 * Edge: {from, to (records), next of from, next of to (edge numbers), trace where `from` was taken, trace where `to`
 * was then}. All under G_LOCK_SYNC.
 */
import type { Machine } from '../../../kernel/core/machine.js';
import { O_FROM, O_IN, O_MARK, O_OUT, type Objects } from './objects.js';
import { A_EDGES, A_FREE_EDGE, A_SEARCH, EDGE_COUNT, EDGE_SIZE, EDGES } from './sync-area.js';

const E_FROM = 0;
const E_TO = 4;
const E_NEXT_OUT = 8;
const E_NEXT_IN = 12;
const E_FIRST = 16;
const E_SECOND = 20;

export interface HeldLock {
  readonly object: number;
  /** Where it was taken. */
  readonly trace: number;
}

/** An acquisition against the order seen so far. */
export interface Violation {
  /** The held lock that should have come later. */
  readonly held: HeldLock;
  /** The order seen before: from the lock now wanted to the held one, each step with its two stack traces. */
  readonly path: readonly { from: number; to: number; first: number; second: number }[];
}

export class LockOrder {
  private readonly i32: Int32Array;
  /** Pairs of identities that are in the graph. */
  private readonly known = new Set<number>();

  constructor(
    machine: Machine,
    private readonly objects: Objects,
  ) {
    this.i32 = machine.i32;
    objects.onDeath = (object) => this.remove(object);
  }

  /** The thread that holds `held` is about to wait for `wanted`. The first lock that this is out of order with. */
  wants(wanted: number, held: readonly HeldLock[], trace: () => number): Violation | null {
    const { objects } = this;
    const id = objects.id(wanted);
    const fresh = held.filter((h) => !this.known.has(objects.id(h.object) * 2 ** 26 + id));
    if (fresh.length === 0) return null;
    const second = trace();
    if (this.known.size > 100_000) this.known.clear();
    return objects.locked(() => {
      const isNew = fresh.filter((h) => this.edge(h.object, wanted) === 0);
      const violation = isNew.length > 0 ? this.search(wanted, isNew) : null;
      for (const h of fresh) {
        if (isNew.includes(h)) this.connect(h.object, wanted, h.trace, second);
        this.known.add(objects.id(h.object) * 2 ** 26 + id);
      }
      return violation;
    });
  }

  private word(edge: number, word: number): number {
    return this.i32[(EDGES + (edge - 1) * EDGE_SIZE + word) >> 2]!;
  }

  private setWord(edge: number, word: number, value: number): void {
    this.i32[(EDGES + (edge - 1) * EDGE_SIZE + word) >> 2] = value;
  }

  private edge(from: number, to: number): number {
    let e = this.objects.get(from, O_OUT);
    while (e !== 0 && this.word(e, E_TO) !== to) e = this.word(e, E_NEXT_OUT);
    return e;
  }

  /** Breadth first from `wanted`, so that the path shown is a shortest one. */
  private search(wanted: number, held: readonly HeldLock[]): Violation | null {
    const { objects } = this;
    const mark = ++this.i32[A_SEARCH >> 2]!;
    const targets = new Map(held.map((h) => [h.object, h]));
    const queue = [wanted];
    objects.set(wanted, O_MARK, mark);
    for (let i = 0; i < queue.length; i++) {
      for (let e = objects.get(queue[i]!, O_OUT); e !== 0; e = this.word(e, E_NEXT_OUT)) {
        const to = this.word(e, E_TO);
        if (objects.get(to, O_MARK) === mark) continue;
        objects.set(to, O_MARK, mark);
        objects.set(to, O_FROM, e);
        const hit = targets.get(to);
        if (hit) return { held: hit, path: this.pathTo(wanted, to) };
        queue.push(to);
      }
    }
    return null;
  }

  private pathTo(start: number, end: number): Violation['path'] {
    const steps: { from: number; to: number; first: number; second: number }[] = [];
    for (let at = end; at !== start; ) {
      const e = this.objects.get(at, O_FROM);
      const from = this.word(e, E_FROM);
      steps.unshift({ from, to: at, first: this.word(e, E_FIRST), second: this.word(e, E_SECOND) });
      at = from;
    }
    return steps;
  }

  private connect(from: number, to: number, first: number, second: number): void {
    const { i32, objects } = this;
    let e = i32[A_FREE_EDGE >> 2]!;
    if (e !== 0) i32[A_FREE_EDGE >> 2] = this.word(e, E_NEXT_OUT);
    else if (i32[A_EDGES >> 2]! < EDGE_COUNT) e = ++i32[A_EDGES >> 2]!;
    else return;
    this.setWord(e, E_FROM, from);
    this.setWord(e, E_TO, to);
    this.setWord(e, E_FIRST, first);
    this.setWord(e, E_SECOND, second);
    this.setWord(e, E_NEXT_OUT, objects.get(from, O_OUT));
    this.setWord(e, E_NEXT_IN, objects.get(to, O_IN));
    objects.set(from, O_OUT, e);
    objects.set(to, O_IN, e);
  }

  /** A lock is gone, and with it what was known of its order. */
  private remove(object: number): void {
    const { objects } = this;
    for (let e = objects.get(object, O_OUT); e !== 0; ) {
      const next = this.word(e, E_NEXT_OUT);
      this.unlink(this.word(e, E_TO), O_IN, E_NEXT_IN, e);
      this.give(e);
      e = next;
    }
    for (let e = objects.get(object, O_IN); e !== 0; ) {
      const next = this.word(e, E_NEXT_IN);
      this.unlink(this.word(e, E_FROM), O_OUT, E_NEXT_OUT, e);
      this.give(e);
      e = next;
    }
  }

  private give(e: number): void {
    this.setWord(e, E_NEXT_OUT, this.i32[A_FREE_EDGE >> 2]!);
    this.i32[A_FREE_EDGE >> 2] = e;
  }

  private unlink(object: number, head: number, next: number, edge: number): void {
    let e = this.objects.get(object, head);
    if (e === edge) {
      this.objects.set(object, head, this.word(edge, next));
      return;
    }
    while (e !== 0 && this.word(e, next) !== edge) e = this.word(e, next);
    if (e !== 0) this.setWord(e, next, this.word(edge, next));
  }
}
