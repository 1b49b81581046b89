/**
 * Shared segments: the frames behind MAP_SHARED memory, found by (file id, file page) from every task.
 *
 * A segment backs a contiguous piece of a file (or one shared anonymous mapping, under a negative id of its own) with
 * contiguous frames reserved when it is first mapped, so shared windows are long. It lives as long as pages of it
 * are mapped. Two bitmaps behind its frames say which pages were loaded and which may differ from the file.
 *
 * Table behind the allocator's words in FRAME_TABLES, 32 bytes a record: {i32 file id, i32 first file page, i32 pages
 * (0 = free record), u32 host, i32 mapped pages, 3 x pad}. All under the segment lock, which is taken inside region
 * locks (same rank, higher address).
 */

import { Mutex } from '../../sync/mutex.js';
import type { Frames } from './frames.js';
import { FRAME_WORDS, PAGE_SIZE } from './layout.js';
import type { Machine } from './machine.js';

const LOCK = FRAME_WORDS + 0x100;
const NEXT_ANON = (FRAME_WORDS + 0x180) >>> 2;
const TABLE = (FRAME_WORDS + 0x1000) >>> 2;
const MAX = 4096;
const WORDS = 8;

/** A piece of a file backed by one segment. */
export interface SegmentPiece {
  segment: number;
  pages: number;
  /** Host address of the first page of the piece. */
  host: number;
}

export class Segments {
  private readonly machine: Machine;
  private readonly frames: Frames;
  private readonly lock: Mutex;

  constructor(machine: Machine, frames: Frames) {
    this.machine = machine;
    this.frames = frames;
    this.lock = new Mutex(machine.i32, LOCK >>> 2, 'region');
  }

  /** A fresh file id for shared anonymous memory; always negative. */
  anonymousId(): number {
    return -1 - Atomics.add(this.machine.i32, NEXT_ANON, 1);
  }

  /**
   * Segments for `pages` pages of a file from `first` on, counted as mapped; makes those that are missing.
   * Null when frames or records run out, with nothing kept.
   */
  acquire(fileId: number, first: number, pages: number): SegmentPiece[] | null {
    const pieces: SegmentPiece[] = [];
    this.enter();
    try {
      for (let at = first, left = pages; left > 0; ) {
        const piece = this.pieceAt(fileId, at, left);
        if (piece === null) {
          for (const p of pieces) this.unmapped(p.segment, p.pages);
          return null;
        }
        this.machine.i32[TABLE + piece.segment * WORDS + 4] += piece.pages;
        pieces.push(piece);
        at += piece.pages;
        left -= piece.pages;
      }
      return pieces;
    } finally {
      this.leave();
    }
  }

  /** Counts `pages` more pages of a segment as mapped. */
  addMapped(segment: number, pages: number): void {
    this.enter();
    this.machine.i32[TABLE + segment * WORDS + 4] += pages;
    this.leave();
  }

  /** Counts pages as unmapped; the last one frees the segment. No thread may have windows on them any more. */
  drop(segment: number, pages: number): void {
    this.enter();
    this.unmapped(segment, pages);
    this.leave();
  }

  /** Makes `n` pages at `host` valid: those never loaded are zeroed and, with `read`, filled. */
  load(segment: number, host: number, n: number, read: ((host: number) => void) | null): void {
    this.enter();
    try {
      for (let h = host; h < host + n * PAGE_SIZE; h += PAGE_SIZE) {
        if (this.testAndSet(segment, h, 0)) continue;
        this.frames.prepare(h, 1);
        read?.(h);
      }
    } finally {
      this.leave();
    }
  }

  /** Marks pages as possibly different from the file. */
  markDirty(segment: number, host: number, n: number): void {
    this.enter();
    for (let h = host; h < host + n * PAGE_SIZE; h += PAGE_SIZE) this.testAndSet(segment, h, 1);
    this.leave();
  }

  isDirty(segment: number, host: number): boolean {
    const at = this.bitAt(segment, host, 1);
    return (this.machine.u8[Math.floor(at / 8)] & (1 << (at % 8))) !== 0;
  }

  private pieceAt(fileId: number, page: number, want: number): SegmentPiece | null {
    const { i32, u32 } = this.machine;
    let limit = want;
    let free = -1;
    for (let s = 0; s < MAX; s++) {
      const w = TABLE + s * WORDS;
      const pages = i32[w + 2];
      if (pages === 0) {
        if (free < 0) free = s;
        // Records are filled from the front, but a freed one may lie before used ones: `word 5` marks ever used.
        if (i32[w + 5] === 0) break;
        continue;
      }
      if (i32[w] !== fileId) continue;
      const skip = page - i32[w + 1];
      if (skip >= 0 && skip < pages) {
        return { segment: s, pages: Math.min(want, pages - skip), host: u32[w + 3] + skip * PAGE_SIZE };
      }
      if (skip < 0) limit = Math.min(limit, -skip);
    }
    if (free < 0) return null;
    const host = this.frames.reserve(limit + bitmapPages(limit));
    if (host === 0) return null;
    const bitmap = host + limit * PAGE_SIZE;
    this.frames.prepare(bitmap, bitmapPages(limit));
    const w = TABLE + free * WORDS;
    i32[w] = fileId;
    i32[w + 1] = page;
    i32[w + 2] = limit;
    u32[w + 3] = host;
    i32[w + 4] = 0;
    i32[w + 5] = 1;
    return { segment: free, pages: limit, host };
  }

  private unmapped(segment: number, pages: number): void {
    const { i32, u32 } = this.machine;
    const w = TABLE + segment * WORDS;
    i32[w + 4] -= pages;
    if (i32[w + 4] > 0) return;
    this.frames.release(u32[w + 3], i32[w + 2] + bitmapPages(i32[w + 2]));
    i32[w + 2] = 0;
  }

  /** Bit number, counted from host address 0, of a page in bitmap 0 (loaded) or 1 (dirty). */
  private bitAt(segment: number, host: number, which: number): number {
    const { i32, u32 } = this.machine;
    const w = TABLE + segment * WORDS;
    const pages = i32[w + 2];
    const bitmap = u32[w + 3] + pages * PAGE_SIZE + which * Math.ceil(pages / 8);
    return bitmap * 8 + (host - u32[w + 3]) / PAGE_SIZE;
  }

  private testAndSet(segment: number, host: number, which: number): boolean {
    const at = this.bitAt(segment, host, which);
    const byte = Math.floor(at / 8);
    const mask = 1 << (at % 8);
    const was = (this.machine.u8[byte] & mask) !== 0;
    this.machine.u8[byte] |= mask;
    return was;
  }

  private enter(): void {
    this.lock.lock(this.machine.self);
  }

  private leave(): void {
    this.lock.unlock(this.machine.self);
  }
}

function bitmapPages(pages: number): number {
  return Math.ceil((2 * Math.ceil(pages / 8)) / PAGE_SIZE);
}
