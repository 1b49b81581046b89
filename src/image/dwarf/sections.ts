import { inflateSync } from 'node:zlib';
import { SHF_COMPRESSED } from '../../../kernel/elf/constants.js';
import type { ElfFile } from '../../../kernel/elf/elf.js';
import type { Abbrev } from './abbrev.js';

const NOTHING = new Uint8Array(0);
const ELFCOMPRESS_ZLIB = 1;
const CHDR_SIZE = 24;
/** A section that says it inflates to more than this is refused: a small hostile file must not fill the memory. */
const MAX_INFLATED = 512 * 1024 * 1024;
/** deflate cannot shrink by more than about 1030:1. */
const MAX_RATIO = 1100;

function inflate(packed: Uint8Array, size: number): Uint8Array {
  if (!(size > 0 && size <= MAX_INFLATED && size <= packed.length * MAX_RATIO)) return NOTHING;
  try {
    const out = inflateSync(packed, { maxOutputLength: size });
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  } catch {
    return NOTHING;
  }
}

/** Inflates an SHF_COMPRESSED section (gABI Elf64_Chdr) or an old `.zdebug_*` one ("ZLIB" + big-endian size). */
function unpack(bytes: Uint8Array, compressed: boolean, old: boolean): Uint8Array {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (compressed) {
    if (bytes.length < CHDR_SIZE || data.getUint32(0, true) !== ELFCOMPRESS_ZLIB) return NOTHING;
    return inflate(bytes.subarray(CHDR_SIZE), Number(data.getBigUint64(8, true)));
  }
  if (!old) return bytes;
  if (bytes.length < 12 || data.getUint32(0) !== 0x5a4c4942) return NOTHING;
  return inflate(bytes.subarray(12), Number(data.getBigUint64(4)));
}

/** The debug sections of one file by name without the leading `.debug_`; absent or damaged ones are empty. */
export class DebugSections {
  private readonly elf: ElfFile;
  /** Abbreviation tables by their offset and format: units share them. */
  readonly abbrevTables = new Map<string, Map<number, Abbrev>>();
  private readonly cache = new Map<string, Uint8Array>();

  constructor(elf: ElfFile) {
    this.elf = elf;
  }

  get(name: string): Uint8Array {
    let bytes = this.cache.get(name);
    if (bytes === undefined) {
      bytes = this.load(name);
      this.cache.set(name, bytes);
    }
    return bytes;
  }

  private load(name: string): Uint8Array {
    const plain = this.elf.section(`.debug_${name}`);
    if (plain !== null) {
      return unpack(this.elf.sectionBytes(plain), (plain.flags & SHF_COMPRESSED) !== 0, false);
    }
    const old = this.elf.section(`.zdebug_${name}`);
    return old === null ? NOTHING : unpack(this.elf.sectionBytes(old), false, true);
  }
}
