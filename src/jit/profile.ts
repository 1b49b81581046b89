/** What the interpreter of cold code (src/rt/interpret.ts) has seen of a program, for its translation. All of it are hints. */
import {
  G_WINDOWS,
  HEAT,
  HEAT_ENTRIES,
  JUMP_ENTRIES,
  JUMP_ENTRY,
  JUMP_TARGETS,
  JUMPS,
  SITE_ENTRIES,
  SITES,
  WINDOW_SLOTS,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';

export class Profile {
  constructor(private readonly machine: Machine) {}

  /** Where the interpreter has seen the indirect jump at pc go. */
  jumpsAt(pc: number): number[] {
    const { u32 } = this.machine;
    const e = (JUMPS + ((pc / 2) & (JUMP_ENTRIES - 1)) * JUMP_ENTRY) >> 2;
    if (u32[e] !== pc >>> 0) return [];
    const high = pc - (pc >>> 0);
    return [...u32.subarray(e + 2, e + 2 + Math.min(u32[e + 1]!, JUMP_TARGETS))].map((low) => high + low);
  }

  /** Slot of the window that the interpreter's access at pc went through, -1 when it has not been there. */
  windowSlot(pc: number): number {
    const { u32 } = this.machine;
    const e = (SITES >> 2) + ((pc / 2) & (SITE_ENTRIES - 1)) * 2;
    if (u32[e] !== pc >>> 0) return -1;
    const page = u32[e + 1]!;
    const slots = u32.subarray(G_WINDOWS >> 2, (G_WINDOWS >> 2) + WINDOW_SLOTS);
    // From the end: registers that point to memory have low numbers mostly.
    for (let slot = WINDOW_SLOTS - 1; slot >= 0; slot--) {
      if (slots[slot] === 0) slots[slot] = page;
      if (slots[slot] === page) return slot;
    }
    return -1;
  }

  /** Starts over: all code is cold again, and windows get new slots. Under the translation lock. */
  forget(): void {
    const { u32 } = this.machine;
    u32.fill(0, G_WINDOWS >> 2, (G_WINDOWS >> 2) + WINDOW_SLOTS);
    u32.fill(0, HEAT >> 2, (HEAT >> 2) + HEAT_ENTRIES * 2);
  }
}
