/** The lists of errors and of used suppressions at the end of a report (valgrind-facts 2.3). */
import type { TraceOptions } from '../image/frames.js';
import type { ReportedError } from './record.js';
import type { Suppression } from './suppressions/parse.js';
import { errorLines } from './text.js';
import type { ErrorTotals } from './xml.js';

/** An error with what came of it. */
export interface CountedError {
  readonly count: number;
  /** Grows with every occurrence of any error. */
  readonly last: number;
  /** Name of the suppression that hid it, null for none. */
  readonly suppressedBy: string | null;
  readonly unique: number;
  /** Null when no report was kept of it. */
  readonly error: ReportedError | null;
}

/** In the order of lists: rarest first, and of equal ones the one that happened last. */
export function listOrder<E extends CountedError>(errors: readonly E[]): E[] {
  return [...errors].sort((a, b) => a.count - b.count || b.last - a.last);
}

/** The lines of the list of errors, each with a blank one before it. */
export function errorListLines(errors: readonly CountedError[], options: TraceOptions): string[] {
  return listOrder(errors).flatMap(({ count, suppressedBy, error }, i) => [
    '',
    `${count} errors${suppressedBy === null ? '' : ` (suppressed by ${suppressedBy})`} in context ${i + 1} of ${errors.length}:`,
    ...(error === null ? [''] : errorLines({ ...error, newThread: false }, options)),
  ]);
}

export interface UsedSuppression {
  readonly suppression: Suppression;
  readonly uses: number;
  /** When it last hid an error that was new. */
  readonly last: number;
}

/** In the order of lists: what hid a new error last comes first. */
export function usedOrder(used: readonly UsedSuppression[]): UsedSuppression[] {
  return used.filter((u) => u.uses > 0).sort((a, b) => b.last - a.last);
}

export function usedLines(used: readonly UsedSuppression[]): string[] {
  return usedOrder(used).map(
    ({ suppression: s, uses }) =>
      `used_suppression: ${String(uses).padStart(6)} ${s.name} ${s.file}:${s.line}`,
  );
}

export function summaryLine(t: ErrorTotals): string {
  const { found, foundContexts, suppressed, suppressedContexts } = t;
  return `ERROR SUMMARY: ${found} errors from ${foundContexts} contexts (suppressed: ${suppressed} from ${suppressedContexts})`;
}
