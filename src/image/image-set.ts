import { Image, type SectionKind } from './image.js';
import type { ElfSymbol } from './symbols.js';

/** One line of a stack trace. Several inlined ones may share a pc. */
export interface Frame {
  readonly pc: number;
  /** The linker's name, still mangled; for an inlined call the source's name. Null when unknown. */
  readonly fn: string | null;
  /** Path of the mapped file, null outside of any. */
  readonly obj: string | null;
  /** Base name of the source file, null without line information. */
  readonly file: string | null;
  readonly dir: string | null;
  /** From 1; 0 without line information. */
  readonly line: number;
  readonly inlined: boolean;
}

export interface DataSymbol {
  readonly name: string;
  /** Guest address of the symbol's first byte. */
  readonly addr: number;
  readonly size: number;
  readonly obj: string;
  readonly section: SectionKind | null;
}

/** A half-open range of guest addresses that an image occupies. */
interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly image: Image;
}

const MAX_DESCRIBED = 20_000;

/** The files mapped into a guest, by address. A control-plane object: look-ups may read files. */
export class ImageSet {
  private readonly debugDirs: readonly string[];
  private mappings: Mapping[] = [];
  /** Descriptions by pc; emptied whenever the set changes. */
  private readonly described = new Map<number, Frame[]>();

  /** @param debugDirs where separate debug files are looked for, before `/usr/lib/debug` */
  constructor(debugDirs: readonly string[] = []) {
    this.debugDirs = [...debugDirs, '/usr/lib/debug'];
  }

  /**
   * Adds a mapped file, or another of its ranges. What it covers of earlier mappings is forgotten.
   * @param bias what was added to link-time addresses
   * @param start @param end the guest range, half-open
   */
  add(path: string, bias: number, start: number, end: number, bytes?: Uint8Array): Image {
    const known = this.mappings.find((m) => m.image.path === path && m.image.bias === bias);
    this.remove(start, end);
    const image = known?.image ?? new Image(path, bias, bytes, this.debugDirs);
    if (end > start) this.mappings.push({ start, end, image });
    this.mappings.sort((a, b) => a.start - b.start);
    return image;
  }

  /** Forgets what is mapped in `[lo, hi)`. */
  remove(lo: number, hi: number): void {
    this.described.clear();
    const kept: Mapping[] = [];
    for (const m of this.mappings) {
      if (m.end <= lo || m.start >= hi) kept.push(m);
      else {
        if (m.start < lo) kept.push({ start: m.start, end: lo, image: m.image });
        if (m.end > hi) kept.push({ start: hi, end: m.end, image: m.image });
      }
    }
    this.mappings = kept;
  }

  /** The mapped images, each once, by address. */
  images(): Image[] {
    return [...new Set(this.mappings.map((m) => m.image))];
  }

  imageAt(pc: number): Image | null {
    let low = 0;
    let high = this.mappings.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.mappings[mid].end <= pc) low = mid + 1;
      else high = mid;
    }
    const found = this.mappings[low];
    return found !== undefined && pc >= found.start ? found.image : null;
  }

  /** The function that contains a guest address, with guest addresses; or null. */
  functionAt(pc: number): { name: string; addr: number; size: number } | null {
    const image = this.imageAt(pc);
    return image === null ? null : moved(image.functionAt(pc), image.bias);
  }

  /** The data symbol that contains a guest address, or null. */
  dataAt(addr: number): DataSymbol | null {
    const image = this.imageAt(addr);
    const found = image?.dataAt(addr) ?? null;
    if (image === null || found === null) return null;
    return { ...moved(found, image.bias)!, obj: image.path, section: image.sectionAt(addr) };
  }

  /** The file and kind of section that contain a guest address, or null. */
  sectionAt(addr: number): { obj: string; section: SectionKind } | null {
    const image = this.imageAt(addr);
    const section = image?.sectionAt(addr) ?? null;
    return image === null || section === null ? null : { obj: image.path, section };
  }

  /** Guest addresses of every function of that name, in all images, any alias and binding. */
  addressesOf(name: string): number[] {
    const found = new Set<number>();
    for (const image of this.images()) {
      for (const addr of image.symbols?.addressesOf(name) ?? []) found.add(addr + image.bias);
    }
    return [...found].sort((a, b) => a - b);
  }

  /** Guest addresses of all data with this name. */
  dataAddressesOf(name: string): number[] {
    const found = new Set<number>();
    for (const image of this.images()) {
      for (const addr of image.symbols?.dataAddressesOf(name) ?? []) found.add(addr + image.bias);
    }
    return [...found].sort((a, b) => a - b);
  }

  /** True for code of the program under test, false for run-time libraries and unmapped addresses. */
  isUserCode(pc: number): boolean {
    return this.imageAt(pc)?.isUserCode(pc) ?? false;
  }

  /**
   * What a stack trace says of an address: the function that contains it, preceded by the calls inlined there,
   * innermost first. Never empty.
   * @param isReturn the pc is a return address; the call just before it is described, and is the frames' pc
   */
  describe(pc: number, isReturn = false): readonly Frame[] {
    const at = isReturn ? pc - 1 : pc;
    let frames = this.described.get(at);
    if (frames === undefined) {
      if (this.described.size >= MAX_DESCRIBED) this.described.clear();
      frames = this.build(at);
      this.described.set(at, frames);
    }
    return frames;
  }

  private build(pc: number): Frame[] {
    const image = this.imageAt(pc);
    if (image === null) return [{ pc, fn: null, obj: null, file: null, dir: null, line: 0, inlined: false }];
    const frames: Frame[] = [];
    let place = image.lineAt(pc);
    const put = (fn: string | null, inlined: boolean): void => {
      const { file = null, dir = null, line = 0 } = place ?? {};
      frames.push({ pc, fn, obj: image.path, file, dir, line, inlined });
    };
    for (const call of image.inlinedAt(pc)) {
      put(call.fn, true);
      place = call.call;
    }
    put(image.functionAt(pc)?.name ?? null, false);
    return frames;
  }
}

function moved(s: ElfSymbol | null, bias: number): { name: string; addr: number; size: number } | null {
  return s === null ? null : { name: s.name, addr: s.addr + bias, size: s.size };
}

export { Image } from './image.js';
