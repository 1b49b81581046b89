/** Damaged or unsupported debug information. Never leaves src/image: a look-up that meets it finds nothing. */
export class DwarfError extends Error {}

/** A cursor over little-endian bytes. Reads beyond the end throw DwarfError. Offsets and lengths are in bytes. */
export class DwarfReader {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, pos = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = pos;
    this.end = Math.min(end, bytes.length);
  }

  /** Moves past `count` bytes and returns where they began. */
  take(count: number): number {
    const at = this.pos;
    if (!(count >= 0) || !(at >= 0) || at + count > this.end) throw new DwarfError('truncated');
    this.pos = at + count;
    return at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }

  i8(): number {
    return this.view.getInt8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u24(): number {
    const at = this.take(3);
    return this.bytes[at] | (this.bytes[at + 1] << 8) | (this.bytes[at + 2] << 16);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** Exact below 2^53; larger values (tombstones, hashes) lose low bits, which no reader here looks at. */
  u64(): number {
    const at = this.take(8);
    return this.view.getUint32(at + 4, true) * 0x1_0000_0000 + this.view.getUint32(at, true);
  }

  i64(): number {
    const at = this.take(8);
    return this.view.getInt32(at + 4, true) * 0x1_0000_0000 + this.view.getUint32(at, true);
  }

  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
      if (scale > 2 ** 70) throw new DwarfError('LEB128 too long');
    }
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return (byte & 64) !== 0 ? value - scale : value;
      if (scale > 2 ** 70) throw new DwarfError('LEB128 too long');
    }
  }

  /** An unsigned number of 1, 2, 3, 4 or 8 bytes. */
  uint(size: number): number {
    if (size === 1) return this.u8();
    if (size === 2) return this.u16();
    if (size === 3) return this.u24();
    if (size === 4) return this.u32();
    if (size === 8) return this.u64();
    throw new DwarfError(`number of ${size} bytes`);
  }

  /** A section offset, whose width the unit's format (32- or 64-bit DWARF) decides. */
  offset(is64: boolean): number {
    return is64 ? this.u64() : this.u32();
  }

  /** Moves past a NUL-terminated string. */
  skipText(): void {
    const nul = this.bytes.indexOf(0, this.pos);
    if (nul < 0 || nul >= this.end) throw new DwarfError('unterminated string');
    this.pos = nul + 1;
  }

  text(): string {
    const start = this.pos;
    this.skipText();
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, this.pos - 1 - start).toString(
      'utf8',
    );
  }

  /**
   * Reads a unit's initial length (DWARF 5 section 7.4). Returns the unit's end and whether offsets in it take 8 bytes.
   */
  unitLength(): { end: number; is64: boolean } {
    let length = this.u32();
    const is64 = length === 0xffffffff;
    if (is64) length = this.u64();
    else if (length >= 0xfffffff0) throw new DwarfError('reserved unit length');
    const end = this.pos + length;
    if (end > this.end) throw new DwarfError('truncated unit');
    return { end, is64 };
  }
}

/** The NUL-terminated string at an offset of a string section; '' outside of it. */
export function textAt(section: Uint8Array, offset: number): string {
  if (!(offset >= 0 && offset < section.length)) return '';
  const nul = section.indexOf(0, offset);
  const end = nul < 0 ? section.length : nul;
  return Buffer.from(section.buffer, section.byteOffset + offset, end - offset).toString('utf8');
}
