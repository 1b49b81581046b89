/** Symbols and stack traces of the guest process, as one worker sees its mapped files. */
import { formatTrace, traceFrames } from '../image/frames.js';
import { type Frame, ImageSet } from '../image/image-set.js';
import { unwindStack } from '../image/unwind.js';
import type { SymbolSource } from '../tools/api.js';
import type { ImageRef, RunConfig } from './config.js';

export class Symbols implements SymbolSource {
  private readonly images: ImageSet;
  private readonly seen: ImageRef[] = [];

  constructor(private readonly config: RunConfig) {
    this.images = new ImageSet(config.debugDirs);
    for (const i of config.images) this.add(i);
  }

  /**
   * Registers a mapped file; false when it was known already. Loaders first map a file over the whole range that it
   * needs and then its later parts into that: those say nothing new, and file offset and address of a part need not go
   * together as they do in the first one.
   */
  add(i: ImageRef): boolean {
    if (
      this.seen.some(
        (k) => k.path === i.path && (k.bias === i.bias || (i.start >= k.start && i.start < k.end)),
      )
    )
      return false;
    this.seen.push(i);
    this.images.add(i.path, i.bias, i.start, i.end);
    return true;
  }

  addressesOf(name: string): number[] {
    return this.images.addressesOf(name);
  }

  dataAddressesOf(name: string): number[] {
    return this.images.dataAddressesOf(name);
  }

  functionAt(pc: number): { name: string; addr: number } | null {
    return this.images.functionAt(pc);
  }

  dataAt(addr: number): { name: string; addr: number; obj: string } | null {
    return this.images.dataAt(addr);
  }

  isUserCode(pc: number): boolean {
    return this.images.isUserCode(pc);
  }

  traceLines(pcs: readonly number[]): string[] {
    return formatTrace(this.images, [...pcs], this.config.report);
  }

  /** Frames of a stack trace as reports show it; `most` addresses, if that is fewer than --num-callers. */
  trace(pcs: readonly number[], most = Number.POSITIVE_INFINITY): Frame[] {
    const { report } = this.config;
    return traceFrames(this.images, pcs, { ...report, numCallers: Math.min(report.numCallers, most) });
  }

  /** Frames of a stack as far as --num-callers goes, the code below main included: what suppressions match. */
  frames(pcs: readonly number[]): Frame[] {
    return pcs.slice(0, this.config.report.numCallers).flatMap((pc) => [...this.images.describe(pc)]);
  }

  /** Program counters of the stack, innermost first, by CFI and by prologues where there is none. */
  unwind(
    pc: number,
    x: number[],
    readWord: (addr: number) => number | null,
    hidden: readonly number[],
  ): number[] {
    return unwindStack({ pc, regs: x }, readWord, this.images, this.config.report.numCallers + 8, hidden);
  }
}
