/** Stack traces in Valgrind's words (coregrind/m_stacktrace.c and m_debuginfo/debuginfo.c describe the format). */
import { demangle } from './demangle.js';
import type { Frame, ImageSet } from './image-set.js';

export interface TraceOptions {
  /** Addresses shown at most; inlined calls come on top. */
  readonly numCallers: number;
  readonly showBelowMain: boolean;
  /** Show source paths from behind the first of these found in the path; the whole path if none is. */
  readonly fullpathAfter: readonly string[];
  readonly demangle: boolean;
}

/** The start-up code that calls main, under the names C libraries give it. */
const BELOW_MAIN =
  /^(?:_start|__libc_start_main(?:[.@].*)?|__libc_start_call_main(?:[.@].*)?|generic_start_main.*)$/;

export function isBelowMain(fn: string): boolean {
  return BELOW_MAIN.test(fn);
}

/** `0x` and upper-case hex without padding. */
export function hexAddress(addr: number): string {
  return `0x${addr.toString(16).toUpperCase()}`;
}

/** A frame's function as shown, or null when it has no name. */
export function shownName(frame: Frame, options: TraceOptions): string | null {
  if (frame.fn === null) return null;
  if (!options.showBelowMain && isBelowMain(frame.fn)) return '(below main)';
  return options.demangle ? demangle(frame.fn) : frame.fn;
}

function shownFile(frame: Frame, after: readonly string[]): string | null {
  if (frame.file === null || after.length === 0 || frame.dir === null) return frame.file;
  const dir = frame.dir.endsWith('/') ? frame.dir : `${frame.dir}/`;
  for (const text of after) {
    const at = dir.indexOf(text);
    if (at >= 0) return dir.slice(at + text.length) + frame.file;
  }
  return dir + frame.file;
}

/** What follows `at` or `by`: address, function, and source line or object. */
export function formatFrame(frame: Frame, options: TraceOptions): string {
  const name = shownName(frame, options);
  const file = shownFile(frame, options.fullpathAfter);
  let where = '';
  if (file !== null) where = ` (${file}:${frame.line})`;
  else if (frame.obj !== null) where = ` (in ${frame.obj})`;
  else if (name !== null) where = ' (in ???)';
  return `${hexAddress(frame.pc)}: ${name ?? '???'}${where}`;
}

/**
 * The frames of a trace: inlined calls expanded, cut to `numCallers` addresses and, unless below-main frames are
 * wanted, after the first address in main or in the code that calls it.
 * @param pcs innermost first: its exact address, callers as return address minus 1
 */
export function traceFrames(images: ImageSet, pcs: readonly number[], options: TraceOptions): Frame[] {
  const out: Frame[] = [];
  const count = Math.min(pcs.length, options.numCallers);
  for (let i = 0; i < count; i++) {
    const frames = images.describe(pcs[i]);
    out.push(...frames);
    const outer = frames[frames.length - 1].fn;
    if (!options.showBelowMain && outer !== null && (outer === 'main' || isBelowMain(outer))) break;
  }
  return out;
}

/** The lines of a trace, `   at 0x...: f (prog.c:12)` first, then `   by ...`; see traceFrames for the arguments. */
export function formatTrace(images: ImageSet, pcs: readonly number[], options: TraceOptions): string[] {
  return traceFrames(images, pcs, options).map(
    (frame, i) => `   ${i === 0 ? 'at' : 'by'} ${formatFrame(frame, options)}`,
  );
}
