/**
 * Hooks around the allocation functions of the C and C++ libraries, by name (valgrind-facts 7.3). The guest's own
 * functions do the work; whoever asks hears of every block that comes and goes. A function that calls another of
 * them (operator new and malloc) makes two events of one block, the outer one last.
 */
import type { Wrap, WrappedCall } from './api.js';

export interface AllocationEvents {
  /** An allocation function, free not among them, is entered and left. */
  entered(call: WrappedCall): void;
  left(call: WrappedCall): void;
  /** A block was handed out. */
  allocated(call: WrappedCall, addr: number, size: number): void;
  /** A block is about to be given back. False when it is none that is known. */
  freeing(call: WrappedCall, addr: number): void;
  /** realloc is about to begin; what it returns is handed to `reallocated`. */
  reallocating(call: WrappedCall, addr: number): void;
  /** addr is 0 when realloc failed, or has freed the block because size is 0. */
  reallocated(call: WrappedCall, from: number, addr: number, size: number): void;
  /** The 64-bit word at a guest address. */
  word(addr: number): number;
}

const NEW = ['_Znwm', '_Znam', '_ZnwmRKSt9nothrow_t', '_ZnamRKSt9nothrow_t'];
const NEW_ALIGNED = ['', 'RKSt9nothrow_t'].flatMap((n) => [
  `_ZnwmSt11align_val_t${n}`,
  `_ZnamSt11align_val_t${n}`,
]);
const DELETE = [
  'Pv',
  'Pvm',
  'PvSt11align_val_t',
  'PvmSt11align_val_t',
  'PvRKSt9nothrow_t',
  'PvSt11align_val_tRKSt9nothrow_t',
].flatMap((n) => [`_Zdl${n}`, `_Zda${n}`]);

export function allocationWraps(events: AllocationEvents): Wrap[] {
  const allocates = (names: string[], size: (c: WrappedCall) => number): Wrap => ({
    names,
    pre: (c) => events.entered(c),
    post: (c, r) => {
      events.left(c);
      if (r !== 0) events.allocated(c, r, size(c));
      return undefined;
    },
  });
  const reallocates = (names: string[], size: (c: WrappedCall) => number): Wrap => ({
    names,
    pre: (c) => {
      events.entered(c);
      events.reallocating(c, c.arg(0));
    },
    post: (c, r) => {
      events.left(c);
      events.reallocated(c, c.arg(0), r, size(c));
      return undefined;
    },
  });
  return [
    allocates(['malloc', 'valloc', 'pvalloc', ...NEW, ...NEW_ALIGNED], (c) => c.arg(0)),
    allocates(['calloc'], (c) => c.arg(0) * c.arg(1)),
    allocates(['memalign', 'aligned_alloc'], (c) => c.arg(1)),
    reallocates(['realloc'], (c) => c.arg(1)),
    reallocates(['reallocarray'], (c) => c.arg(1) * c.arg(2)),
    {
      names: ['posix_memalign'],
      pre: (c) => events.entered(c),
      post: (c, r) => {
        events.left(c);
        if ((r | 0) === 0) events.allocated(c, events.word(c.arg(0)), c.arg(2));
        return undefined;
      },
    },
    {
      names: ['free', 'cfree', 'free_sized', 'free_aligned_sized', ...DELETE],
      pre: (c) => {
        if (c.arg(0) !== 0) events.freeing(c, c.arg(0));
      },
    },
  ];
}
