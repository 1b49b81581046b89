/** One shard as a child process of this one: `capgrind` run to its end or its time limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { readRunReport } from '../report/run-report.js';
import { Capture, outputHash } from './evidence.js';
import { type Outcome, outcomeOf } from './outcome.js';
import type { Shard, ShardAnswer } from './queue.js';

/** Between asking a run to end, which lets it write its report, and ending it. */
const GRACE_MS = 3000;
const LONGEST_TICK_MS = 1000;
/** Descriptor of the report in the child. */
const REPORT_FD = 3;

export interface ChildSettings {
  /** What stands in front of the words of a shard: node and the script of capgrind. */
  readonly command: readonly [string, ...string[]];
  /** Folder for files of runs under way. */
  readonly scratch: string;
}

/**
 * Runs a shard. The child is in a session of its own, so Ctrl-C reaches this process only, and ends by itself when this
 * process is gone (src/cli/run.ts). Rejects when `abort` fires, or with an Error when no child can be started.
 */
export async function runChild(
  shard: Shard,
  settings: ChildSettings,
  abort: AbortSignal,
): Promise<ShardAnswer> {
  const resultFile = join(settings.scratch, `run-${shard.seed}.json`);
  rmSync(resultFile, { force: true });
  const began = performance.now();
  const child = start(shard, settings, resultFile);
  const captures = [1, 2, REPORT_FD].map((fd) => new Capture(child.stdio[fd] as Readable));
  const [stdout, stderr, report] = captures as [Capture, Capture, Capture];
  const end = await ended(child, shard.timeoutMs, abort);
  const told = readRunReport(resultFile);
  rmSync(resultFile, { force: true });
  if (abort.aborted) throw new Error('aborted');
  const output = outputHash(stdout, stderr);
  const evidence = { stdout: stdout.bytes(), stderr: stderr.bytes(), report: report.bytes() };
  const milliseconds = Math.round(performance.now() - began);
  const result = (outcome: Outcome): ShardAnswer => ({
    kind: 'result',
    shard,
    outcome,
    milliseconds,
    evidence,
  });
  if (told) {
    const outcome = outcomeOf(told, output);
    return result(end.timedOut ? { ...outcome, end: 'timeout' } : outcome);
  }
  const said = ownWords(evidence.stderr.toString());
  if (!end.timedOut && said !== '' && REFUSED.has(end.status ?? -1)) {
    return { kind: 'refusal', shard, message: said };
  }
  return result({
    end: end.timedOut ? 'timeout' : 'crash',
    status: end.status ?? 0,
    signal: end.signal === null ? 0 : constants.signals[end.signal],
    output,
    findings: [],
    interleaving: null,
    blocks: null,
    message: end.timedOut ? '' : said || (end.signal ?? `exit status ${end.status}`),
  });
}

/** Statuses of capgrind without a run: a mistake on the command line, a program that cannot be loaded. */
const REFUSED = new Set([1, 126, 127]);

function start(shard: Shard, settings: ChildSettings, resultFile: string): ChildProcess {
  const [file, ...first] = settings.command;
  const own = [`--log-fd=${REPORT_FD}`, `--result=${resultFile}`];
  return spawn(file, [...first, ...shard.options, ...own, shard.program, ...shard.args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
}

interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

function ended(child: ChildProcess, timeoutMs: number, abort: AbortSignal): Promise<End> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    let grace: NodeJS.Timeout | undefined;
    // In ticks, of which a late one counts like any other: while the machine stands still for this process, it does
    // for the run too.
    const tickMs = Math.min(LONGEST_TICK_MS, Math.ceil(timeoutMs / 8));
    let left = timeoutMs;
    const limit = setInterval(() => {
      left -= tickMs;
      if (left > 0) return;
      clearInterval(limit);
      timedOut = true;
      child.kill('SIGTERM');
      grace = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    }, tickMs);
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    const done = (): void => {
      clearInterval(limit);
      clearTimeout(grace);
      abort.removeEventListener('abort', kill);
    };
    abort.addEventListener('abort', kill);
    if (abort.aborted) kill();
    child.once('error', (error) => {
      done();
      reject(new Error(`cannot start a run: ${error.message}`));
    });
    child.once('close', (status, signal) => {
      done();
      resolve({ status, signal, timedOut });
    });
  });
}

/** The last line that capgrind itself wrote on standard error, without its name; empty for none. */
function ownWords(stderr: string): string {
  const lines = stderr.split('\n').filter((l) => l.startsWith('capgrind: ') && !l.includes('Use --help'));
  return (lines.at(-1) ?? '').slice('capgrind: '.length);
}
