/**
 * The slot allocators of L4Re's libraries by their symbols (section 15 of the ABI notes): the C++ one, which C functions
 * and smart pointers end in, and the C functions themselves for programs that bring their own below them.
 */
import type { Wrap, WrappedCall } from '../api.js';

export interface SlotHooks {
  allocated(ts: number, slot: number): void;
  taken(ts: number, slot: number): void;
  /** A slot, or with `release` one reference to it, is given back; `nested`: inside another such call for it. */
  freeing(ts: number, slot: number, release: boolean, nested: boolean): void;
  /** The outermost of these calls returns. */
  freed(ts: number, slot: number): void;
}

/** Slot of a selector; -1 for one that names none. */
function slotOf(selector: number): number {
  // Selectors that name no slot are all ones above their low bits.
  return selector < 0 || Math.floor(selector / 0x800) % 2 === 1 ? -1 : Math.floor(selector / 4096);
}

const CXX = '_ZN4L4Re4Util10_Cap_alloc';

/** Wraps of every allocator function, the argument's place beside its name. */
export function slotWraps(hooks: SlotHooks): Wrap[] {
  const on = (call: WrappedCall, arg: number, fn: (ts: number, slot: number) => void): void => {
    const slot = slotOf(call.arg(arg));
    if (slot >= 0) fn(call.ts, slot);
  };
  const allocates: Wrap = {
    names: [`${CXX}5allocEv`, 'l4re_util_cap_alloc'],
    post: (call, result) => {
      const slot = slotOf(result);
      if (slot >= 0) hooks.allocated(call.ts, slot);
      return undefined;
    },
  };
  /** Slots whose free is under way on this worker. */
  const active: number[] = [];
  const frees = (names: string[], arg: number, release: boolean): Wrap => ({
    names,
    pre: (call) =>
      on(call, arg, (ts, slot) => {
        const nested = active.includes(slot);
        active.push(slot);
        hooks.freeing(ts, slot, release, nested);
      }),
    post: (call) => {
      on(call, arg, (ts, slot) => {
        const at = active.lastIndexOf(slot);
        if (at >= 0) active.splice(at, 1);
        if (!active.includes(slot)) hooks.freed(ts, slot);
      });
      return undefined;
    },
  });
  return [
    allocates,
    frees(['l4re_util_cap_free', 'l4re_util_cap_free_um'], 0, false),
    frees([`${CXX}4freeEN2L43CapIvEEmj`], 1, false),
    frees([`${CXX}7releaseEN2L43CapIvEEmj`], 1, true),
    {
      names: [`${CXX}4takeEN2L43CapIvEE`],
      pre: (call) => on(call, 1, (ts, slot) => hooks.taken(ts, slot)),
    },
  ];
}
