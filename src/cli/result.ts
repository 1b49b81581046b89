/** --result: what a run came to, gathered from the engine once it has ended. */
import type { MainProcess, RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { RESULT_FORMAT, type RunEnd, type RunReport, writeRunReport } from '../report/run-report.js';
import type { ToolHost } from '../tools/api.js';

/** Writes the result file. Throws Error with one line when it cannot. */
export function writeResult(path: string, main: MainProcess, result: RunResult): void {
  writeRunReport(path, runReport(main, result));
}

function runReport(main: MainProcess, result: RunResult): RunReport {
  const { config } = main;
  const { errors, symbols } = main.toolRuntime();
  return {
    format: RESULT_FORMAT,
    capgrind: VERSION,
    program: config.linux.exePath,
    args: config.linux.argv.slice(1),
    tool: config.tool,
    atomicity: config.atomicity,
    schedule: null,
    end: endOf(result),
    status: result.status,
    signal: result.signal,
    errors: errors.totals().errors,
    findings: errors.list().map((f) => ({
      kind: f.kind,
      context: f.hash.toString(16).padStart(8, '0'),
      count: f.count,
      at: place(symbols, f.pcs),
    })),
    interleaving: result.interleaving ?? null,
    blocks: result.blocks ?? null,
  };
}

function endOf(result: RunResult): RunEnd {
  return result.stuck ?? (result.signal > 0 ? 'signal' : 'exit');
}

/** The innermost frame without its address, which says nothing to people. */
function place(symbols: ToolHost['symbols'], pcs: readonly number[]): string {
  const line = symbols.traceLines(pcs.slice(0, 1))[0] ?? '';
  return line.trim().replace(/^at 0x[0-9A-F]+: /, '');
}
