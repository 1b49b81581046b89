/**
 * The debug information is damaged. Thrown inside src/image only: every public look-up turns it into "not known".
 */
export class DwarfError extends Error {}

/** Runs a reader over bytes that may be damaged; gives `fallback` where they are. */
export function tolerate<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch (error) {
    // DataView itself reports reads outside the bytes, with RangeError.
    if (error instanceof DwarfError || error instanceof RangeError) return fallback;
    throw error;
  }
}

const TWO32 = 0x1_0000_0000;

/**
 * A position in a section, with the primitive encodings of DWARF (DWARF 5 section 7.6) read at it.
 * 64-bit values become JS numbers: exact below 2^53, rounded above, where nothing that counts can lie.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly size: number;
  private readonly data: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.size = bytes.byteLength;
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  u8(): number {
    return this.data.getUint8(this.at++);
  }

  i8(): number {
    return this.data.getInt8(this.at++);
  }

  u16(): number {
    const v = this.data.getUint16(this.at, true);
    this.at += 2;
    return v;
  }

  u24(): number {
    const v = this.u16();
    return v + this.u8() * 65536;
  }

  u32(): number {
    const v = this.data.getUint32(this.at, true);
    this.at += 4;
    return v;
  }

  i32(): number {
    return this.u32() | 0;
  }

  u64(): number {
    const low = this.u32();
    return low + this.u32() * TWO32;
  }

  i64(): number {
    const low = this.u32();
    return low + this.i32() * TWO32;
  }

  /** A section offset: 4 bytes in 32-bit DWARF, 8 in 64-bit DWARF. */
  offset(is64: boolean): number {
    return is64 ? this.u64() : this.u32();
  }

  uleb(): number {
    let byte = this.data.getUint8(this.at++);
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    for (let i = 0; i < 10; i++) {
      byte = this.data.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new DwarfError('LEB128 too long');
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 11; i++) {
      const byte = this.data.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return (byte & 0x40) !== 0 ? value - scale : value;
    }
    throw new DwarfError('LEB128 too long');
  }

  skipLeb(): void {
    while (this.data.getUint8(this.at++) >= 0x80);
  }

  /** NUL-terminated UTF-8. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new DwarfError('unterminated string');
    const s = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.at, end - this.at).toString('utf8');
    this.at = end + 1;
    return s;
  }

  skipText(): void {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new DwarfError('unterminated string');
    this.at = end + 1;
  }

  skip(count: number): void {
    this.at += count;
    if (!(this.at >= 0 && this.at <= this.size)) throw new DwarfError('past the end');
  }
}

/** The initial length of a unit: its first byte behind the length field, its end, and the DWARF format. */
export interface UnitExtent {
  readonly start: number;
  readonly body: number;
  readonly end: number;
  readonly is64: boolean;
}

/** Reads an initial length (DWARF 5 section 7.4). Throws where the unit does not fit its section. */
export function readExtent(c: Cursor): UnitExtent {
  const start = c.at;
  let length = c.u32();
  const is64 = length === 0xffffffff;
  if (is64) length = c.u64();
  const end = c.at + length;
  if (!(end <= c.size)) throw new DwarfError('unit reaches past its section');
  return { start, body: c.at, end, is64 };
}

/** The NUL-terminated string at an offset of a string section; '' outside of it. */
export function textAt(section: Uint8Array, offset: number): string {
  if (!(offset >= 0 && offset < section.length)) return '';
  const nul = section.indexOf(0, offset);
  const end = nul < 0 ? section.length : nul;
  return Buffer.from(section.buffer, section.byteOffset + offset, end - offset).toString('utf8');
}
