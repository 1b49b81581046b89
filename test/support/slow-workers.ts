/**
 * Loaded into capgrind with `--import`: workers are slow wherever a seeded schedule must not notice, as on a loaded
 * machine. A thread comes late to its first turn, dawdles after it has given one away, and takes its time between
 * the steps of its end.
 */
import { ThreadTable } from '../../kernel/core/threads.js';
import { Schedule } from '../../src/engine/schedule/schedule.js';

/** Longer than the main thread sleeps between two looks at who is alive. */
const END_MS = 600;
const MOST_MS = 30;

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const { markExited, free } = ThreadTable.prototype;
ThreadTable.prototype.markExited = function (ts, code) {
  markExited.call(this, ts, code);
  sleep(END_MS);
};
ThreadTable.prototype.free = function (ts) {
  const left = free.call(this, ts);
  sleep(Math.random() * MOST_MS);
  return left;
};

const { acquire, release } = Schedule.prototype;
Schedule.prototype.acquire = function (ts) {
  if (Math.random() < 0.2) sleep(Math.random() * MOST_MS);
  acquire.call(this, ts);
};
Schedule.prototype.release = function (ts) {
  release.call(this, ts);
  sleep(Math.random() * MOST_MS);
};
