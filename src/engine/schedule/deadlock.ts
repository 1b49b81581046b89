/** The report of a deadlock: every thread, what it waits for, and where. */
import { T_FUTEX_ADDR, T_FUTEX_STATE, T_PC, T_TID, T_X } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import type { Log } from '../../report/log.js';
import type { MemorySource } from '../../tools/api.js';
import type { Symbols } from '../symbols.js';
import { T_ORDINAL } from './state.js';

/** @param waiting thread states with the host address of the word that each waits on */
export function reportDeadlock(
  log: Log,
  machine: Machine,
  waiting: readonly { ts: number; at: number }[],
  symbols: Symbols,
  memory: MemorySource,
): void {
  const { i32, f64, u32 } = machine;
  const word = (at: number): number => i32[(at + 4) >> 2]! * 4294967296 + u32[at >> 2]!;
  const n = waiting.length;
  const lines = [
    `Deadlock: ${n === 1 ? 'the only thread waits' : `all ${n} threads wait`}, and nothing can wake ${n === 1 ? 'it' : 'them'}`,
  ];
  for (const { ts, at } of waiting) {
    const what =
      at === ts + T_FUTEX_STATE
        ? `a futex at 0x${f64[(ts + T_FUTEX_ADDR) >> 3]!.toString(16).toUpperCase()}`
        : 'a pipe or eventfd';
    lines.push(
      '',
      `Thread #${i32[(ts + T_ORDINAL) >> 2]! + 1} (tid ${i32[(ts + T_TID) >> 2]}) waits for ${what}`,
    );
    const x = Array.from({ length: 32 }, (_, i) => (i === 0 ? 0 : word(ts + T_X + i * 8)));
    // Return addresses that wrapped functions hide are known only on the thread's own worker: traces end there.
    lines.push(...symbols.traceLines(symbols.unwind(word(ts + T_PC), x, (addr) => memory.word(addr), [])));
  }
  log.user(lines.join('\n'));
}
