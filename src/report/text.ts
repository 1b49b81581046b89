/** Errors as text, without line prefixes (valgrind-facts 2.4, 2.5, 9.2). */
import { formatFrame, type TraceOptions } from '../image/frames.js';
import type { Frame } from '../image/image-set.js';
import type { ReportedError } from './record.js';

const ANNOUNCEMENT = '---Thread-Announcement------------------------------------------';

/** Lines of a stack trace, `   at 0x...: f (prog.c:12)` first, then `   by ...`. */
export function frameLines(frames: readonly Frame[], options: TraceOptions): string[] {
  return frames.map((f, i) => `   ${i === 0 ? 'at' : 'by'} ${formatFrame(f, options)}`);
}

/** Lines of the announcements that come before an error. */
export function announcementLines(error: ReportedError, options: TraceOptions): string[] {
  return error.threads.flatMap((t) => [
    ANNOUNCEMENT,
    '',
    ...(t.created === null
      ? [`Thread #${t.number} is the program's root thread`]
      : [`Thread #${t.number} was created`, ...frameLines(t.created, options)]),
    '',
  ]);
}

/** Lines of an error, with the blank one behind it. */
export function errorLines(error: ReportedError, options: TraceOptions): string[] {
  const lines = error.newThread ? [`Thread ${error.tid}:`] : [];
  for (const p of error.parts) {
    if (p.part === 'line') lines.push(p.text);
    else if (p.only === 'xml') continue;
    else if (p.part === 'stack') lines.push(...frameLines(p.frames, options));
    else lines.push(' '.repeat(p.indent ?? (p.part === 'aux' ? 1 : 0)) + p.text);
  }
  return [...lines, ''];
}
