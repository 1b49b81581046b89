/**
 * The outcome of one run as other programs read it (`--result=FILE`): one JSON object. A campaign decides by it what
 * happened; see docs/stress.md for the fields.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export const RESULT_FORMAT = 'capgrind-result-1';

/** How a run came to its end. */
export type RunEnd = 'exit' | 'signal' | 'deadlock' | 'livelock';

export interface ReportedFinding {
  /** The tool's name for this sort of error. */
  readonly kind: string;
  /** Hash of kind and innermost frames, hex: the same for the same error in every run. */
  readonly context: string;
  readonly count: number;
  /** Innermost frame: function and line, as the report shows it. */
  readonly at: string;
}

export interface RunReport {
  readonly format: typeof RESULT_FORMAT;
  /** Version of capgrind. */
  readonly capgrind: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly tool: string;
  readonly atomicity: string;
  /** The seeded schedule, null for none. */
  readonly schedule: Readonly<Record<string, string | number>> | null;
  readonly end: RunEnd;
  /** Exit status of the guest, whatever --error-exitcode makes of it. */
  readonly status: number;
  /** Signal that ended the guest, 0 for none. */
  readonly signal: number;
  /** From the start of the first guest thread to the end of the last. */
  readonly milliseconds: number;
  /** All errors, of which `findings` are the distinct ones. */
  readonly errors: number;
  readonly findings: readonly ReportedFinding[];
  /** Hash of the order of blocks under a seeded schedule. */
  readonly interleaving: string | null;
  /** Times that a seeded schedule let another thread run. */
  readonly switches: number | null;
  readonly blocks: number | null;
}

/** Writes the file in one step, so that a reader never sees half of it. Throws Error with one line for the user. */
export function writeRunReport(path: string, report: RunReport): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, `${JSON.stringify(report)}\n`);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new Error(`cannot write the result file ${path}: ${(error as Error).message}`);
  }
}

/** Reads what writeRunReport wrote; null where there is no such file or it is something else. */
export function readRunReport(path: string): RunReport | null {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunReport> | null;
    return read?.format === RESULT_FORMAT ? (read as RunReport) : null;
  } catch {
    return null;
  }
}
