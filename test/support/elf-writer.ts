/** Writes minimal static RV64 ELF executables: a header, program headers, and the segments' bytes. */

export interface Segment {
  /** Guest address, a multiple of 4096. */
  vaddr: number;
  bytes: Uint8Array;
  /** Size in memory; what the bytes do not cover is zero. */
  memSize: number;
  /** PF_* bits: 1 execute, 2 write, 4 read. */
  flags: number;
}

const EHDR = 64;
const PHDR = 56;
const PAGE = 4096;
const EM_RISCV = 243;
/** RVC and double-float ABI. */
const FLAGS = 1 | 4;

/** The file's bytes (ELF64 little-endian, ET_EXEC). */
export function writeElf(entry: number, segments: readonly Segment[]): Uint8Array {
  const up = (n: number): number => Math.ceil(n / PAGE) * PAGE;
  let size = up(EHDR + PHDR * segments.length);
  const offsets = segments.map((s) => {
    const at = size;
    size += up(s.bytes.length);
    return at;
  });
  const file = new Uint8Array(size);
  const d = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  d.setUint16(16, 2, true);
  d.setUint16(18, EM_RISCV, true);
  d.setUint32(20, 1, true);
  d.setBigUint64(24, BigInt(entry), true);
  d.setBigUint64(32, BigInt(EHDR), true);
  d.setUint32(48, FLAGS, true);
  d.setUint16(52, EHDR, true);
  d.setUint16(54, PHDR, true);
  d.setUint16(56, segments.length, true);
  segments.forEach((s, i) => {
    const p = EHDR + i * PHDR;
    d.setUint32(p, 1, true);
    d.setUint32(p + 4, s.flags, true);
    d.setBigUint64(p + 8, BigInt(offsets[i]!), true);
    d.setBigUint64(p + 16, BigInt(s.vaddr), true);
    d.setBigUint64(p + 24, BigInt(s.vaddr), true);
    d.setBigUint64(p + 32, BigInt(s.bytes.length), true);
    d.setBigUint64(p + 40, BigInt(s.memSize), true);
    d.setBigUint64(p + 48, BigInt(PAGE), true);
    file.set(s.bytes, offsets[i]!);
  });
  return file;
}
