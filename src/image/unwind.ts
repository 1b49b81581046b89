import type { ImageSet } from './image-set.js';

export function unwindStack(
  state: { pc: number; regs: number[] },
  _readWord: (addr: number) => number | null,
  images: ImageSet,
  _max: number,
): number[] {
  const ra = state.regs[1]! - 1;
  return images.imageAt(ra) === null ? [state.pc] : [state.pc, ra];
}
