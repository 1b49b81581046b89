/** Symbols and stack traces of the guest process, as one worker sees its mapped files. */
import { MAX_TASKS, TASK_FRAME } from '../../kernel/core/layout.js';
import { formatTrace, traceFrames } from '../image/frames.js';
import { type Frame, ImageSet } from '../image/image-set.js';
import { unwindStack } from '../image/unwind.js';
import type { SymbolSource } from '../tools/api.js';
import type { BootImages } from './boot-images.js';
import type { ImageRef, RunConfig } from './config.js';

export class Symbols implements SymbolSource {
  private readonly images: ImageSet;
  private readonly seen: ImageRef[] = [];
  /** By task slot, of a booted system: images of other tasks, whose stack traces may be reported here. */
  private readonly others = new Map<number, { images: ImageSet; code: BootImages | null }>();

  /**
   * @param task slot of the task whose addresses are meant
   * @param codeOf finds out what a task of a booted system runs
   */
  constructor(
    private readonly config: RunConfig,
    private readonly task = 0,
    private readonly codeOf: (task: number) => BootImages | null = () => null,
  ) {
    this.images = new ImageSet(config.debugDirs);
    for (const i of config.images) if ((i.task ?? task) === task) this.add(i);
  }

  /** Registers what lies in a range now, whatever was there before. */
  replace(i: ImageRef): void {
    this.images.add(i.path, i.bias, i.start, i.end);
  }

  /** The task that a stack trace belongs to: its images, and the program counters without its mark. */
  private of(pcs: readonly number[]): { images: ImageSet; pcs: readonly number[] } {
    const last = pcs[pcs.length - 1] ?? 0;
    if (last < TASK_FRAME || last >= TASK_FRAME + MAX_TASKS) return { images: this.images, pcs };
    const task = last - TASK_FRAME;
    const plain = pcs.slice(0, -1);
    if (task === this.task) return { images: this.images, pcs: plain };
    let other = this.others.get(task);
    if (other === undefined) {
      other = { images: new ImageSet(this.config.debugDirs), code: this.codeOf(task) };
      for (const i of this.config.images) {
        if (i.task === task) other.images.add(i.path, i.bias, i.start, i.end);
      }
      this.others.set(task, other);
    }
    for (const pc of plain) {
      const found = other.code?.find(pc);
      if (found) other.images.add(found.path, found.bias, found.start, found.end);
    }
    return { images: other.images, pcs: plain };
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
    const of = this.of(pcs);
    return formatTrace(of.images, [...of.pcs], this.config.report);
  }

  /** Frames of a stack trace as reports show it; `most` addresses, if that is fewer than --num-callers. */
  trace(pcs: readonly number[], most = Number.POSITIVE_INFINITY): Frame[] {
    const { report } = this.config;
    const of = this.of(pcs);
    return traceFrames(of.images, of.pcs, { ...report, numCallers: Math.min(report.numCallers, most) });
  }

  /** Frames of a stack as far as --num-callers goes, the code below main included: what suppressions match. */
  frames(pcs: readonly number[]): Frame[] {
    const of = this.of(pcs);
    return of.pcs.slice(0, this.config.report.numCallers).flatMap((pc) => [...of.images.describe(pc)]);
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
