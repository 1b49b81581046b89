/** --result and --sarif: what a run came to, gathered from the engine once it has ended. */
import { writeFileSync } from 'node:fs';
import { signalName } from '../../kernel/linux/signal-queue.js';
import type { MainProcess, RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import type { ScheduleConfig } from '../engine/schedule/config.js';
import { formatFrame, type TraceOptions } from '../image/frames.js';
import type { Frame } from '../image/image-set.js';
import type { ReportedError } from '../report/record.js';
import {
  RESULT_FORMAT,
  type ReportedFinding,
  type RunEnd,
  type RunReport,
  writeRunReport,
} from '../report/run-report.js';
import { sarifLog } from '../report/sarif.js';
import type { Tool } from '../tools/api.js';
import { countedErrors } from './frame.js';

/** Writes the result file. Throws Error with one line when it cannot. */
export function writeResult(path: string, main: MainProcess, result: RunResult): void {
  writeRunReport(path, runReport(main, result));
}

/** Writes findings as SARIF. Throws Error with one line when it cannot. */
export function writeSarif(path: string, main: MainProcess, tool: Tool, result: RunResult): void {
  const { config } = main;
  const log = sarifLog(
    {
      version: VERSION,
      title: tool.title,
      program: config.linux.exePath,
      args: config.linux.argv.slice(1),
      status: result.status,
      signal: result.signal > 0 ? signalName(result.signal) : null,
      errors: countedErrors(main),
    },
    config.report,
  );
  try {
    writeFileSync(path, `${JSON.stringify(log, null, 1)}\n`);
  } catch (error) {
    throw new Error(`cannot write the SARIF file ${path}: ${(error as Error).message}`);
  }
}

function runReport(main: MainProcess, result: RunResult): RunReport {
  const { config } = main;
  const { errors } = main;
  return {
    format: RESULT_FORMAT,
    capgrind: VERSION,
    program: config.linux.exePath,
    args: config.linux.argv.slice(1),
    tool: config.tool,
    atomicity: config.atomicity,
    schedule: config.schedule && scheduleOf(config.schedule),
    end: endOf(result),
    status: result.status,
    signal: result.signal,
    milliseconds: Number((result.milliseconds ?? 0).toFixed(3)),
    errors: errors.found,
    findings: findings(main),
    interleaving: result.schedule?.hash ?? null,
    switches: result.schedule?.switches ?? null,
    blocks: result.schedule?.blocks ?? null,
  };
}

function endOf(result: RunResult): RunEnd {
  if (result.deadlock) return 'deadlock';
  const end = result.schedule?.end ?? 'exit';
  return end === 'exit' && result.signal > 0 ? 'signal' : end;
}

/** The options that repeat the schedule, by name. */
function scheduleOf(s: ScheduleConfig): Record<string, string | number> {
  const { kind, seed, quantum, pctDepth, pctPoints, maxBlocks } = s;
  const pct: Record<string, number> =
    kind === 'pct' ? { 'pct-depth': pctDepth, 'pct-points': pctPoints } : {};
  return { schedule: kind, seed, quantum, ...pct, 'max-blocks': maxBlocks };
}

function findings(main: MainProcess): ReportedFinding[] {
  const { errors, config } = main;
  return errors.contexts().flatMap(({ number, count, hash }) => {
    const error = errors.report(number) as ReportedError | null;
    if (error === null) return [];
    const context = hash.toString(16).padStart(8, '0');
    const kind = error.same === '' ? error.kind : `${error.kind} ${error.same}`;
    return [{ kind, context, count, at: place(error.frames[0], config.report) }];
  });
}

/** A frame without its address, which says nothing to people. */
function place(frame: Frame | undefined, options: TraceOptions): string {
  return frame === undefined ? '' : formatFrame(frame, options).replace(/^0x[0-9A-F]+: /, '');
}
