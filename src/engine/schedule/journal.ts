/**
 * The entries of a recording (recording.ts): written by whoever has the turn, read back in the same order.
 *
 * An entry is `1 u8, nr u16, kind u8, result f64, writes u32`, then for each write `addr f64, length u32, bytes`, all
 * little-endian.
 */
import { writeSync } from 'node:fs';
import type { Machine } from '../../../kernel/core/machine.js';
import type { Journal, JournalEntry } from '../../../kernel/linux/journal.js';
import { S_REPLAYED } from './state.js';

const MARK = 1;
const HEAD = 16;
const WRITE_HEAD = 12;

export function encodeEntry(entry: JournalEntry): Uint8Array {
  const size = entry.writes.reduce((sum, w) => sum + WRITE_HEAD + w.bytes.length, HEAD);
  const bytes = new Uint8Array(size);
  const v = new DataView(bytes.buffer);
  v.setUint8(0, MARK);
  v.setUint16(1, entry.nr, true);
  v.setUint8(3, entry.kind);
  v.setFloat64(4, entry.result, true);
  v.setUint32(12, entry.writes.length, true);
  let at = HEAD;
  for (const w of entry.writes) {
    v.setFloat64(at, w.addr, true);
    v.setUint32(at + 8, w.bytes.length, true);
    bytes.set(w.bytes, at + WRITE_HEAD);
    at += WRITE_HEAD + w.bytes.length;
  }
  return bytes;
}

/** The entry at `at` and where the next one begins; null at the end of the entries. */
export function decodeEntry(bytes: Uint8Array, at: number): { entry: JournalEntry; next: number } | null {
  if (bytes[at] !== MARK) return null;
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const writes: { addr: number; bytes: Uint8Array }[] = [];
  let next = at + HEAD;
  for (let n = v.getUint32(at + 12, true); n > 0; n--) {
    const length = v.getUint32(next + 8, true);
    const from = next + WRITE_HEAD;
    writes.push({ addr: v.getFloat64(next, true), bytes: bytes.slice(from, from + length) });
    next = from + length;
  }
  const entry = {
    nr: v.getUint16(at + 1, true),
    kind: v.getUint8(at + 3),
    result: v.getFloat64(at + 4, true),
    writes,
  };
  return { entry, next };
}

export class Recorder implements Journal {
  constructor(
    private readonly fd: number,
    readonly diverged: (name: string) => void,
  ) {}

  put(entry: JournalEntry): void {
    const bytes = encodeEntry(entry);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
  }
}

export class Replayer implements Journal {
  private readonly bytes: Uint8Array;

  constructor(
    private readonly machine: Machine,
    entries: SharedArrayBuffer,
    readonly diverged: (name: string) => void,
  ) {
    this.bytes = new Uint8Array(entries);
  }

  take(nr: number): JournalEntry | null {
    const { i32 } = this.machine;
    const found = decodeEntry(this.bytes, i32[S_REPLAYED >> 2]!);
    if (found === null || found.entry.nr !== nr) return null;
    i32[S_REPLAYED >> 2] = found.next;
    return found.entry;
  }
}
