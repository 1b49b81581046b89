import { NT_GNU_BUILD_ID } from './constants.js';
import type { ElfView } from './view.js';

/** A build id longer than this is no hash of anything; GNU ld writes 20 bytes. */
const MAX_BUILD_ID = 64;

/**
 * The GNU build id in a run of ELF notes, as lower-case hex, or null. Notes are 4-aligned records of name size,
 * description size and type; a damaged record ends the search.
 */
export function buildIdInNotes(view: ElfView, offset: number, length: number): string | null {
  if (!view.has(offset, length)) return null;
  const end = offset + length;
  let at = offset;
  while (at + 12 <= end) {
    const nameSize = view.u32(at);
    const descSize = view.u32(at + 4);
    const type = view.u32(at + 8);
    const name = at + 12;
    const desc = name + Math.ceil(nameSize / 4) * 4;
    if (desc + descSize > end) return null;
    if (type === NT_GNU_BUILD_ID && nameSize === 4 && view.text(name, 4) === 'GNU') {
      if (descSize === 0 || descSize > MAX_BUILD_ID) return null;
      return Buffer.from(view.slice(desc, descSize)).toString('hex');
    }
    at = desc + Math.ceil(descSize / 4) * 4;
  }
  return null;
}
