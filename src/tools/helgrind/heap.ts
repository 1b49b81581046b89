/** Functions that hand out memory: a block handed out is new, who used its memory before does not matter. */
import type { Wrap, WrappedCall } from '../api.js';
import type { Helgrind } from './index.js';

export function allocationWraps(h: Helgrind): Wrap[] {
  return [
    allocates(['malloc', 'valloc'], (c) => c.arg(0)),
    allocates(['calloc'], (c) => c.arg(0) * c.arg(1)),
    allocates(['realloc', 'memalign', 'aligned_alloc'], (c) => c.arg(1)),
    {
      names: ['posix_memalign'],
      post: (c, r) => {
        if ((r | 0) === 0) h.fresh(h.host.memory.word(c.arg(0)) ?? 0, c.arg(2));
        return undefined;
      },
    },
  ];

  function allocates(names: string[], size: (c: WrappedCall) => number): Wrap {
    return {
      names,
      post: (c, r) => {
        if (r !== 0) h.fresh(r, size(c));
        return undefined;
      },
    };
  }
}
