import { SHT_NOBITS } from './constants.js';
import type { ElfView } from './view.js';

/** One section header. `offset` and `size` are in the file unless `type` is SHT_NOBITS. */
export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly addr: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entsize: number;
}

const SHDR_SIZE = 64;
/** Programs have some dozens; objects with one section per function reach tens of thousands. */
const MAX_SECTIONS = 65536;
const MAX_NAME = 256;

/**
 * Section headers, or an empty list where the table is absent, outside the file, or nonsense: no program needs
 * them to run, so damage here must not stop one. A single section that lies outside the file is left out of the
 * list's place (its size reads as 0), so indexes stay those of the file.
 */
export function readSections(
  view: ElfView,
  shoff: number,
  shentsize: number,
  shnum: number,
  shstrndx: number,
): Section[] {
  if (shoff === 0 || shentsize !== SHDR_SIZE || !view.has(shoff, SHDR_SIZE)) return [];
  // More than 0xff00 sections: the real count and string index sit in header 0 (gABI).
  const count = shnum === 0 ? view.u64(shoff + 32) : shnum;
  const names = shstrndx === 0xffff ? view.u32(shoff + 40) : shstrndx;
  if (!(count > 0 && count <= MAX_SECTIONS) || !view.has(shoff, count * SHDR_SIZE)) return [];
  const nameHeader = shoff + names * SHDR_SIZE;
  let nameOffset = 0;
  let nameSize = 0;
  if (names < count) {
    nameOffset = view.u64(nameHeader + 24);
    nameSize = view.u64(nameHeader + 32);
    if (!view.has(nameOffset, nameSize)) nameSize = 0;
  }
  const out: Section[] = [];
  for (let index = 0; index < count; index++) {
    const at = shoff + index * SHDR_SIZE;
    const type = view.u32(at + 4);
    const offset = view.u64(at + 24);
    const size = view.u64(at + 32);
    const inside = type === SHT_NOBITS ? size >= 0 : view.has(offset, size);
    const nameAt = view.u32(at);
    out.push({
      index,
      name: nameAt < nameSize ? view.text(nameOffset + nameAt, Math.min(MAX_NAME, nameSize - nameAt)) : '',
      type,
      flags: view.u32(at + 8),
      addr: view.u64(at + 16),
      offset: inside ? offset : 0,
      size: inside ? size : 0,
      link: view.u32(at + 40),
      info: view.u32(at + 44),
      entsize: view.u64(at + 56),
    });
  }
  return out;
}
