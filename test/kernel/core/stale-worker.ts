/** A guest thread that does nothing but read through a window (stale-lookup.test.ts). */
import { isMainThread, workerData } from 'node:worker_threads';
import { DEPTH_LIMIT, K_MAP_SEQ, T_LIMIT, T_STOP } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import type { Run } from '../../../kernel/core/pagemap.js';
import { attachTask } from '../../../kernel/core/task.js';
import { ThreadTable } from '../../../kernel/core/threads.js';

export const AT = 0x400000;
export const OTHER = 0x800000;
export const PAGES = 4;
/** What the two mappings hold; a fresh page holds 0. */
export const OWN = 1;
export const OTHERS = 2;
/** Words shared with the test: set to end, reads made, reads of what was never mapped at AT. */
export const S_STOP = 0;
export const S_READS = 1;
export const S_MISTAKES = 2;
const READS = 2000;

interface Data {
  memory: WebAssembly.Memory;
  ts: number;
  /** Keep windows whatever happens to the map epoch. */
  careless: boolean;
  shared: Int32Array;
}

function serve({ memory, ts, careless, shared }: Data): void {
  const machine = Machine.attach(memory);
  machine.self = 7;
  const threads = new ThreadTable(machine, 4);
  const { space } = attachTask(machine, 0);
  const { i32 } = machine;
  /** As the run time finds a window: without the lock, again when the map changed meanwhile. */
  const find = (): Run | null => {
    for (;;) {
      const seq = Atomics.load(i32, (space.task + K_MAP_SEQ) >> 2);
      const run = (seq & 1) === 0 ? space.map.runAt(AT) : null;
      if ((seq & 1) === 0 && Atomics.load(i32, (space.task + K_MAP_SEQ) >> 2) === seq) return run;
    }
  };
  let window: Run | null = null;
  while (Atomics.load(shared, S_STOP) === 0) {
    threads.enterKernel(ts);
    Atomics.store(i32, (ts + T_STOP) >> 2, 0);
    Atomics.store(i32, (ts + T_LIMIT) >> 2, DEPTH_LIMIT);
    if (threads.leaveKernel(ts) && !careless) window = null;
    window ??= find();
    if (window === null) continue;
    const at = (window.host + (AT - window.lo)) >>> 2;
    for (let k = 0; k < READS && Atomics.load(i32, (ts + T_LIMIT) >> 2) !== 0; k++) {
      if (Atomics.load(i32, at) === OTHERS) Atomics.add(shared, S_MISTAKES, 1);
    }
    Atomics.add(shared, S_READS, 1);
  }
  threads.enterKernel(ts);
}

if (!isMainThread && workerData !== null && 'careless' in workerData) serve(workerData as Data);
