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
  private at: number | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly symbols: SymbolSource,
    private readonly memory: MemorySource,
  ) {}

  /** Whether the allocator has handed a slot out; null where there is no such allocator or the slot is not its own. */
  allocated(slot: number): boolean | null {
    this.at ??= this.symbols.dataAddressesOf(OBJECT)[0] ?? 0;
    if (this.at === 0) return null;
    const first = this.memory.word(this.at + FIRST);
    const slots = this.memory.word(this.at + SLOTS);
    const counters = this.memory.word(this.at + COUNTERS);
    if (first === null || slots === null || counters === null || slots > MOST) return null;
    if (slot < first || slot >= first + slots) return null;
    const host = this.memory.host(counters + slot - first);
    return host === 0 ? null : this.machine.u8[host] !== 0;
  }
}
