/** Frames and errors made by hand, for tests of what is printed. */
import type { TraceOptions } from '../../src/image/frames.js';
import type { Frame } from '../../src/image/image-set.js';
import type { ReportedError } from '../../src/report/record.js';

export const OPTIONS: TraceOptions = {
  numCallers: 12,
  showBelowMain: false,
  fullpathAfter: [],
  demangle: true,
};

/** `fn@obj` or `fn@obj@file:line`; an empty part is unknown. */
export function frame(text: string, pc = 0x1000): Frame {
  const [fn, obj, place] = text.split('@');
  const [file, line] = (place ?? '').split(':');
  return {
    pc,
    fn: fn || null,
    obj: obj || null,
    file: file || null,
    dir: file ? '/src' : null,
    line: Number(line ?? 0),
    inlined: false,
  };
}

export const frames = (...texts: string[]): Frame[] => texts.map((t, i) => frame(t, 0x1000 + i * 16));

export function reported(more: Partial<ReportedError> = {}): ReportedError {
  return {
    unique: 1,
    tid: 1,
    tool: 'Test',
    kind: 'Race',
    xmlKind: 'Race',
    same: '',
    extra: null,
    frames: [],
    threads: [],
    parts: [],
    newThread: false,
    ...more,
  };
}
