/**
 * What the operations of a microkernel cost on the simulated Fiasco.OC: round trips of messages in a task and between
 * tasks, a semaphore in turn, page faults by a pager of the program's own and by capgrind's region manager, maps and
 * unmaps of pages and capabilities; and plain work, beside the same work as a program of Linux.
 *
 *   node dist/bench/l4.js [--only=KIND,...] [--policies=A,..] [--tool=NAME] [--runs=N] [--trace] [--quick]
 *
 * With --trace an IPC trace is written to /dev/null meanwhile. The guests time themselves; a figure is the median of the
 * runs, start-up and translation included in the first operations.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/engine/paths.js';
import { figure, median, spread, table } from '../src/report/figures.js';
import { MAIN, ROOT } from './contestants.js';

/** Kinds of the guest `rates`, how many operations are about a second, and what one of them is. */
const KINDS = {
  call: { count: 40_000, what: 'call and reply, two threads of a task' },
  tasks: { count: 40_000, what: 'call and reply, two tasks' },
  semaphore: { count: 40_000, what: 'semaphore up and down, there and back' },
  fault: { count: 10_000, what: 'page fault, answered by a pager thread' },
  touch: { count: 4_000, what: 'page fault, region manager of capgrind' },
  map: { count: 40_000, what: 'page mapped to another task and back' },
  slot: { count: 40_000, what: 'capability mapped to another task and back' },
  work: { count: 400, what: 'round of work (sieve and hash)' },
} as const;
type Kind = keyof typeof KINDS;

const GUESTS = join(ROOT, 'test/guests/bin');

/** Microseconds per operation that one run says; NaN when it did not end well. */
function once(options: readonly string[], program: readonly string[], count: number): number {
  const done = spawnSync(process.execPath, [MAIN, '-q', ...options, ...program, String(count), 'time'], {
    encoding: 'utf8',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  const took = / in (\d+) us/.exec(done.stdout);
  return done.status === 0 && took ? Number(took[1]) / count : Number.NaN;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      policies: { type: 'string', default: 'parallel,serial' },
      tool: { type: 'string', default: 'none' },
      runs: { type: 'string', default: '3' },
      trace: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const all = Object.keys(KINDS) as Kind[];
  const kinds = values.only === undefined ? all : all.filter((k) => values.only!.split(',').includes(k));
  if (kinds.length === 0) throw new Error(`no such kind: ${values.only} (${all.join(', ')})`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs=${values.runs}: a whole number from 1`);
  const policies = values.policies.split(',');
  process.stdout.write(
    `capgrind ${VERSION}, --tool=${values.tool}, ${cpus().length} x ${cpus()[0]?.model.trim()}, load ${loadavg()[0]!.toFixed(1)}\n\n`,
  );
  const rows = [['us each', ...policies, 'spread', 'of']];
  for (const kind of kinds) {
    const { count: usual, what } = KINDS[kind];
    const count = values.quick ? Math.ceil(usual / 20) : usual;
    const columns = policies.map((policy) => {
      const options = [`--tool=${values.tool}`, `--atomicity=${policy}`];
      if (values.trace) options.push('--trace-ipc=/dev/null');
      return Array.from({ length: runs }, () => once(options, [join(GUESTS, 'l4/rates'), kind], count));
    });
    rows.push([kind, ...columns.map((c) => figure(median(c))), figure(spread(columns[0]!) * 100, '%'), what]);
    if (kind !== 'work') continue;
    const linux = policies.map((policy) => {
      const options = [`--tool=${values.tool}`, `--atomicity=${policy}`];
      return median(Array.from({ length: runs }, () => once(options, [join(GUESTS, 'work')], count)));
    });
    rows.push(['', ...linux.map((v) => figure(v)), '', 'the same as a program of Linux']);
  }
  process.stdout.write(`${table(rows)}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`bench:l4: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
