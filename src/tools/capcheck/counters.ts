/**
 * L4Re's slot allocator as it lies in the program's memory. Compilers inline its functions where they know the object, so
 * no symbol tells of those calls; but the allocator keeps one counter byte for each slot, and that one is true.
 *
 * Layout of `L4Re::Util::cap_alloc` (a counting allocator behind a virtual interface): 8 address of the counters, 16
 * hint, 24 first slot, 32 number of slots. A counter of 0 is a free slot (section 15.1 of the ABI notes).
 */
import type { Machine } from '../../../kernel/core/machine.js';
import type { MemorySource, SymbolSource } from '../api.js';

const OBJECT = '_ZN4L4Re4Util9cap_allocE';
const COUNTERS = 8;
const FIRST = 24;
const SLOTS = 32;
/** More than any such allocator has. */
const MOST = 1 << 20;

export class Counters {
  constructor(
    private readonly machine: Machine,
    private readonly symbols: SymbolSource,
    private readonly memory: MemorySource,
  ) {}

  /** Whether the allocator has handed a slot out; null where there is no such allocator or the slot is not its own. */
  allocated(slot: number): boolean | null {
    const own = this.own();
    if (own === null || slot < own.first || slot >= own.first + own.slots) return null;
    const host = this.memory.host(own.counters + slot - own.first);
    return host === 0 ? null : this.machine.u8[host] !== 0;
  }

  /** Whether a slot belongs to the system that the program runs in: it lies below those of the program's allocator. */
  isSystems(slot: number): boolean {
    const own = this.own();
    return own !== null && slot < own.first;
  }

  /** The program's allocator. ITAS, which may live in the same task, has one of its own over slots further down. */
  private own(): { first: number; slots: number; counters: number } | null {
    let best: { first: number; slots: number; counters: number } | null = null;
    for (const at of this.symbols.dataAddressesOf(OBJECT)) {
      const first = this.memory.word(at + FIRST);
      const slots = this.memory.word(at + SLOTS);
      const counters = this.memory.word(at + COUNTERS);
      if (first === null || slots === null || counters === null || slots === 0 || slots > MOST) continue;
      if (best === null || first > best.first) best = { first, slots, counters };
    }
    return best;
  }
}
