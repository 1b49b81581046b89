/**
 * Little-endian reads from bytes that may be hostile. 64-bit fields become JS numbers; one that does not fit
 * exactly (above 2^53) has no honest meaning in a file and reads as `NaN`, which every range test refuses.
 */
export class ElfView {
  readonly bytes: Uint8Array;
  readonly size: number;
  private readonly data: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.byteLength;
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** True when `length` bytes at `offset` lie inside the file. False for NaN. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.size;
  }

  u8(offset: number): number {
    return this.data.getUint8(offset);
  }

  u16(offset: number): number {
    return this.data.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.data.getUint32(offset, true);
  }

  u64(offset: number): number {
    const high = this.data.getUint32(offset + 4, true);
    if (high > 0x1fffff) return Number.NaN;
    return high * 0x1_0000_0000 + this.data.getUint32(offset, true);
  }

  /** Latin-1 text up to a NUL, at most `limit` bytes, ending early at the end of the file. */
  text(offset: number, limit: number): string {
    const end = Math.min(this.size, offset + limit);
    let at = offset;
    while (at < end && this.bytes[at] !== 0) at++;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + offset, Math.max(0, at - offset)).toString(
      'latin1',
    );
  }

  slice(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }
}
