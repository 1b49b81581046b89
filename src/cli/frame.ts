/** What every report begins and ends with. */
import { G_PEAK_THREADS, G_TOTAL_THREADS } from '../../kernel/core/layout.js';
import type { RunConfig } from '../engine/config.js';
import type { MainProcess, RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { WORKERS } from '../engine/worker-process.js';
import type { Log } from '../report/log.js';
import type { Tool } from '../tools/api.js';

export function printHeader(log: Log, tool: Tool, config: RunConfig, toFile: boolean): void {
  if (log.verbosity < 1) return;
  const command = config.linux.argv
    .map((w) => w.replace(/[^ -~]/g, '_').replace(/[ \\<>]/g, '\\$&'))
    .join(' ');
  const lines = [
    tool.title,
    `Copyright (C) 2026, ${tool.copyright}`,
    `Using capgrind-${VERSION}; rerun with -h for options`,
    `Command: ${command}`,
  ];
  if (toFile) lines.push(`Parent PID: ${process.ppid}`);
  lines.push('');
  log.user(lines.join('\n'));
}

/** Ends the report; returns the number of errors found. */
export function printTrailer(
  log: Log,
  main: MainProcess,
  tool: Tool,
  result: RunResult,
  stats: boolean,
): number {
  const runtime = main.toolRuntime();
  if (log.verbosity >= 1) log.user();
  runtime.instance.finish?.({ status: result.status, signal: result.signal });
  const { found: errors, foundContexts: contexts, suppressed, suppressedContexts } = main.errors;
  const { i32 } = main.machine;
  if (log.verbosity < 1) return errors;
  if (tool.findsErrors) {
    log.user(
      `ERROR SUMMARY: ${errors} error${errors === 1 ? '' : 's'} from ${contexts} context${contexts === 1 ? '' : 's'} (suppressed: ${suppressed} from ${suppressedContexts})`,
    );
  }
  if (tool.name !== 'none' || log.verbosity > 1) {
    const n = i32[G_TOTAL_THREADS >> 2]!;
    const workers = Atomics.load(i32, WORKERS >> 2);
    log.user(
      `${n} guest thread${n === 1 ? '' : 's'} ran on ${workers} worker${workers === 1 ? '' : 's'}, at most ${i32[G_PEAK_THREADS >> 2]} at once (${main.config.atomicity})`,
    );
  }
  const { schedule } = result;
  if (schedule) {
    log.user(
      `schedule: ${schedule.kind} seed ${schedule.seed} hash ${schedule.hash}, ${schedule.switches} switches, ${schedule.blocks} blocks, ${schedule.end}`,
    );
  }
  if (stats) {
    const s = main.store.stats();
    log.debug(`translated: ${s.regions} regions in ${s.modules} modules, ${s.bytes} bytes of wasm`);
    log.debug(`host memory: ${Math.round(process.memoryUsage.rss() / 1048576)} MiB resident`);
  }
  return errors;
}
