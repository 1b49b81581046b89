/** What every report begins and ends with, as text or XML. */
import { resolve } from 'node:path';
import { G_PEAK_THREADS, G_TOTAL_THREADS } from '../../kernel/core/layout.js';
import { readAudit } from '../engine/audit.js';
import { SAID_EXIT } from '../engine/error-store.js';
import type { MainProcess, RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { xmlLog } from '../engine/reporter.js';
import type { ScheduleOutcome } from '../engine/schedule/config.js';
import type { Recording } from '../engine/schedule/recording.js';
import { WORKERS } from '../engine/worker-process.js';
import {
  type CountedError,
  errorListLines,
  listOrder,
  summaryLine,
  type UsedSuppression,
  usedLines,
  usedOrder,
} from '../report/lists.js';
import type { Log } from '../report/log.js';
import type { ReportedError } from '../report/record.js';
import {
  XML_END,
  xmlErrorCounts,
  xmlErrorSummary,
  xmlPreamble,
  xmlStatus,
  xmlSuppCounts,
} from '../report/xml.js';
import type { Tool } from '../tools/api.js';
import type { Options } from './options.js';
import { outputQualifiers, suppressionFiles } from './report-config.js';

export function printHeader(main: MainProcess, tool: Tool, log: Log, o: Options): void {
  const { config } = main;
  const command = config.linux.argv
    .map((w) => w.replace(/[^ -~]/g, '_').replace(/[ \\<>]/g, '\\$&'))
    .join(' ');
  const lines = [
    tool.title,
    `Copyright (C) 2026, ${tool.copyright}`,
    `Using capgrind-${VERSION}; rerun with -h for options`,
    `Command: ${command}`,
  ];
  const xml = xmlLog(config);
  if (xml) {
    const preamble = {
      tool: tool.name,
      lines,
      pid: config.pid,
      ppid: process.ppid,
      qualifiers: outputQualifiers(o),
      userComment: o.xmlUserComment ?? null,
      vargv: [resolve(process.argv[1] ?? 'capgrind'), ...o.words],
      argv: config.linux.argv,
    };
    xml.raw(xmlPreamble(preamble) + xmlStatus('RUNNING', performance.now()));
    return;
  }
  if (log.verbosity < 1) return;
  if (o.logFile !== undefined) lines.push(`Parent PID: ${process.ppid}`);
  log.user([...lines, ''].join('\n'));
  if (log.verbosity < 2) return;
  if (o.words.length > 0) log.debug(`capgrind options:\n${o.words.map((w) => `   ${w}`).join('\n')}`);
  if (tool.suppressions) for (const f of suppressionFiles(o)) log.debug(`Reading suppressions file: ${f}`);
}

/** The last line of a replay: whether it was one. */
export function printReplay(log: Log, replayed: Recording, outcome: ScheduleOutcome): void {
  if (log.verbosity < 1) return;
  const { hash } = replayed.trailer.outcome;
  log.user(
    hash === outcome.hash
      ? 'replay: the recorded interleaving'
      : `replay: NOT the recorded interleaving, whose hash is ${hash}`,
  );
}

/** Ends the report; returns the number of errors found. */
export function printTrailer(main: MainProcess, tool: Tool, log: Log, o: Options, result: RunResult): number {
  const { errors } = main;
  const xml = xmlLog(main.config);
  const text = xml === null && log.verbosity >= 1;
  const lists = xml === null && tool.findsErrors && (text || o.showErrorList !== 'no');
  // The first error was to end it all: nothing more is said.
  const cut = errors.said(SAID_EXIT);
  if (!cut) {
    if (text) log.user();
    main.toolRuntime().instance.finish?.({ status: result.status, signal: result.signal });
  }
  if (xml) {
    const counts = tool.findsErrors ? endCounts(main, log.verbosity) : '';
    xml.raw(xmlStatus('FINISHED', performance.now()) + counts + XML_END);
  } else if (!cut) {
    if (text && (tool.name !== 'none' || log.verbosity > 1)) log.user(threadLine(main));
    if (text && result.schedule) log.user(scheduleLine(result.schedule));
    if (lists) printErrorLists(main, log, o);
  }
  // Asked for, so said with -q too.
  if (o.auditAtomicity) for (const line of auditLines(main)) log.user(line);
  if (text && o.stats) {
    const s = main.store.stats();
    log.debug(`translated: ${s.regions} regions in ${s.modules} modules, ${s.bytes} bytes of wasm`);
    log.debug(`host memory: ${Math.round(process.memoryUsage.rss() / 1048576)} MiB resident`);
  }
  return errors.found;
}

/** How many block executions were broken into, and which blocks, the worst first. */
function auditLines(main: MainProcess): string[] {
  const { total, blocks } = readAudit(main.machine);
  const { symbols } = main.toolRuntime();
  const named = blocks.map((b) => `${b.count} in the block ${symbols.traceLines([b.pc])[0]!.trim()}`);
  return [`block-atomicity violations: ${total}`, ...named.map((l) => `   ${l}`)];
}

function threadLine(main: MainProcess): string {
  const { i32 } = main.machine;
  const n = i32[G_TOTAL_THREADS >> 2]!;
  const workers = Atomics.load(i32, WORKERS >> 2);
  const peak = i32[G_PEAK_THREADS >> 2];
  // How soon a worker is free for the next thread is the host's timing, which a seeded run's report has nothing of.
  const where = main.config.schedule ? '' : ` ran on ${workers} worker${workers === 1 ? '' : 's'}`;
  return `${n} guest thread${n === 1 ? '' : 's'}${where}, at most ${peak} at once (${main.config.atomicity})`;
}

function scheduleLine(s: NonNullable<RunResult['schedule']>): string {
  return `schedule: ${s.kind} seed ${s.seed} hash ${s.hash}, ${s.switches} switches, ${s.blocks} blocks, ${s.end}`;
}

function printErrorLists(main: MainProcess, log: Log, o: Options): void {
  const { errors, config } = main;
  const lists = o.showErrorList !== 'no' || log.verbosity > 1;
  if (!lists) log.user('For lists of detected and suppressed errors, rerun with: -s');
  log.user(summaryLine(errors));
  if (!lists) return;
  const shown = countedErrors(main).filter((e) => o.showErrorList === 'all' || e.suppressedBy === null);
  const used = usedLines(usedSuppressions(main));
  if (shown.length > 0) log.user(errorListLines(shown, config.report).join('\n'));
  if (used.length > 0) {
    log.debug(['', ...used].join('\n'));
    log.user();
  }
  // Once more, where it is seen first.
  if (shown.length + used.length > 0) log.user(summaryLine(errors));
}

/** What XML says of errors at the end. */
function endCounts(main: MainProcess, verbosity: number): string {
  const { errors } = main;
  const counts = xmlErrorCounts(listOrder(countedErrors(main).filter((e) => e.suppressedBy === null)));
  if (verbosity < 1) return counts;
  const used = usedOrder(usedSuppressions(main)).map((u) => ({ uses: u.uses, name: u.suppression.name }));
  return counts + xmlSuppCounts(used) + xmlErrorSummary(errors);
}

/** Everything that was found, suppressed or not. */
export function countedErrors(main: MainProcess): CountedError[] {
  const { suppressions } = main.config.report;
  return main.errors.contexts().map((c) => ({
    count: c.count,
    last: c.last,
    unique: c.number + 1,
    suppressedBy: c.suppression < 0 ? null : suppressions[c.suppression]!.name,
    error: main.errors.report(c.number) as ReportedError | null,
  }));
}

function usedSuppressions(main: MainProcess): UsedSuppression[] {
  return main.config.report.suppressions.map((suppression, i) => ({
    suppression,
    ...main.errors.suppressionUse(i),
  }));
}
