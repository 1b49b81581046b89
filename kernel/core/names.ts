/**
 * Region names of a task ("[heap]", a path), interned once in shared memory so that every worker can name a region.
 *
 * Layout at K_NAMES: i32 bytes used, then strings one behind the other, each {u16 length, UTF-8 bytes}. A name id is
 * the byte offset of its string; 0 means no name. Append only, so an id stays valid as long as the task.
 */

import { K_NAMES, K_NAMES_SIZE } from './layout.js';
import type { Machine } from './machine.js';

const FIRST = 8;

export class Names {
  private readonly machine: Machine;
  private readonly base: number;
  private readonly ids = new Map<string, number>();
  private readonly texts = new Map<number, string>();
  private seen = FIRST;

  constructor(machine: Machine, task: number) {
    this.machine = machine;
    this.base = task + K_NAMES;
  }

  /** Id of `name`, added when it is new. Region lock. 0 for '' and when the table is full. */
  intern(name: string): number {
    if (name === '') return 0;
    this.refresh();
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(name);
    const at = this.seen;
    if (bytes.length > 0xffff || at + 2 + bytes.length > K_NAMES_SIZE) return 0;
    const { u8, dv, i32 } = this.machine;
    dv.setUint16(this.base + at, bytes.length, true);
    u8.set(bytes, this.base + at + 2);
    Atomics.store(i32, this.base >>> 2, at + 2 + bytes.length);
    this.refresh();
    return at;
  }

  /** The name behind an id; '' for 0. */
  text(id: number): string {
    if (id === 0) return '';
    if (id >= this.seen) this.refresh();
    return this.texts.get(id) ?? '';
  }

  /** Reads what other workers have added since the last look. */
  private refresh(): void {
    const { u8, dv, i32 } = this.machine;
    const used = Atomics.load(i32, this.base >>> 2);
    while (this.seen < used) {
      const length = dv.getUint16(this.base + this.seen, true);
      const start = this.base + this.seen + 2;
      const text = new TextDecoder().decode(u8.slice(start, start + length));
      this.ids.set(text, this.seen);
      this.texts.set(this.seen, text);
      this.seen += 2 + length;
    }
  }
}
