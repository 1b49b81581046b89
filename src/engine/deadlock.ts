/** The report of a deadlock: every thread, what it waits for, and where. */
import { T_FUTEX_ADDR, T_FUTEX_STATE, T_PC, T_TID, T_X, THREADS } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { waitsForManager } from '../../kernel/linux/region-manager.js';
import type { Log } from '../report/log.js';
import type { Awaited, MemorySource, Tool, ToolInstance } from '../tools/api.js';
import { aux, type ErrorSink, line, type Part, stack, what } from '../tools/errors.js';
import type { Symbols } from './symbols.js';

/** A thread that waits: its state, and the host address of the word that it waits on. */
export interface Waiting {
  readonly ts: number;
  readonly at: number;
}

export interface DeadlockEnv {
  readonly machine: Machine;
  readonly log: Log;
  readonly symbols: Symbols;
  readonly memory: MemorySource;
  readonly tool: Tool;
  readonly instance: ToolInstance;
  readonly errors: ErrorSink;
}

/** Kind of the error, for tools whose errors can be suppressed by it. */
const KIND = 'Deadlock';

/** Reports it: as an error of the tool if the tool knows of deadlocks, else in plain lines. */
export function reportDeadlock(env: DeadlockEnv, waiting: readonly Waiting[]): void {
  const threads = waiting.map((w) => ({ ...w, awaited: awaited(env, w) }));
  const n = threads.length;
  const title = `Deadlock: ${n === 1 ? 'the only thread waits' : `all ${n} threads wait`}, and nothing can wake ${n === 1 ? 'it' : 'them'}`;
  if (env.tool.suppressions && KIND in env.tool.suppressions.kinds) {
    const first = threads[0]!;
    env.errors.report({
      kind: KIND,
      ts: first.ts,
      pcs: first.awaited.pcs,
      describe: () => ({
        parts: [
          line('----------------------------------------------------------------'),
          line(),
          what(title),
          ...threads.flatMap((t): Part[] => [
            aux(`Thread #${number(env.machine, t.ts)} waits for ${t.awaited.what}`),
            stack(t.awaited.pcs),
            ...(t.awaited.more ?? []),
          ]),
        ],
      }),
    });
    return;
  }
  const lines = [title];
  for (const t of threads) {
    const tid = env.machine.i32[(t.ts + T_TID) >> 2];
    lines.push('', `Thread #${number(env.machine, t.ts)} (tid ${tid}) waits for ${t.awaited.what}`);
    lines.push(...env.symbols.traceLines(t.awaited.pcs));
  }
  env.log.user(lines.join('\n'));
}

/** Number of a thread in reports: in order of creation, from 1. */
function number(machine: Machine, ts: number): number {
  return machine.i32[(ts + T_TID) >> 2]! - machine.i32[(THREADS + T_TID) >> 2]! + 1;
}

function awaited(env: DeadlockEnv, { ts, at }: Waiting): Awaited {
  const known = env.instance.awaits?.(ts);
  if (known) return known;
  const { i32, u32, f64 } = env.machine;
  const word = (a: number): number => i32[(a + 4) >> 2]! * 4294967296 + u32[a >> 2]!;
  const x = Array.from({ length: 32 }, (_, i) => (i === 0 ? 0 : word(ts + T_X + i * 8)));
  return {
    what:
      waitsForManager(env.machine, ts) ??
      (at === ts + T_FUTEX_STATE
        ? `a futex at 0x${f64[(ts + T_FUTEX_ADDR) >> 3]!.toString(16).toUpperCase()}`
        : 'a pipe or eventfd'),
    // Return addresses that wrapped functions hide are known only on the thread's own worker: traces end there.
    pcs: env.symbols.unwind(word(ts + T_PC), x, (a) => env.memory.word(a), []),
  };
}
