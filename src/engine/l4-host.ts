/** The engine as the surroundings of the L4 kernel. */
import { writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { G_LIVE_THREADS, G_SERIAL } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { attachTask } from '../../kernel/core/task.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import type { L4Config, L4Env } from '../../kernel/l4/env.js';
import type { Scheduled } from '../../kernel/linux/env.js';
import type { Log } from '../report/log.js';

export interface L4Host {
  machine: Machine;
  threads: ThreadTable;
  config: L4Config;
  log: Log;
  pid: number;
  /** Task slot whose space the worker has already, and that space. */
  slot: number;
  space: AddressSpace;
  /** A schedule that decides about time and waiting, if there is one. */
  scheduled: Scheduled | null;
  /** Engine thread that runs on this worker, 0 for none. */
  current(): number;
  codeGone(lo: number, hi: number): void;
  spawn(ts: number): void;
  blocked<R>(fn: () => R): R;
  yieldTurn(ts: number): void;
}

export function l4Env(host: L4Host): L4Env {
  const { machine, threads, log } = host;
  const spaces = new Map([[host.slot, host.space]]);
  const space = (slot: number): AddressSpace => {
    let found = spaces.get(slot);
    if (found === undefined) {
      found = attachTask(machine, slot, {
        shootdown: () => threads.shootdown(host.current(), slot),
        onUnmap: (lo, hi) => host.codeGone(lo, hi),
        onProtect: (lo, hi) => host.codeGone(lo, hi),
      });
      spaces.set(slot, found);
    }
    return found;
  };
  return {
    machine,
    config: host.config,
    ...(host.scheduled ? { scheduled: host.scheduled } : {}),
    space,
    spins: host.scheduled === null && machine.i32[G_SERIAL >> 2] === 0 && availableParallelism() > 1,
    codeGone: (_slot, lo, hi) => host.codeGone(lo, hi),
    allocThread: (slot) => threads.alloc(slot, host.pid),
    spawn: (ts) => host.spawn(ts),
    freeThread: (ts) => void threads.free(ts),
    poke: (ts, why) => threads.poke(ts, why),
    exitProcess: (code) => void threads.exitProcess(code & 255, 0),
    blocked: (fn) => host.blocked(fn),
    yieldTurn: (ts) => host.yieldTurn(ts),
    live: () => Atomics.load(machine.i32, G_LIVE_THREADS >> 2),
    write: (bytes) => writeAll(1, bytes),
    warn: (text) => log.user(text),
    note: (text) => {
      if (log.verbosity >= 1) log.user(text);
    },
    trace: (text) => log.debug(text),
  };
}

/** Writes all bytes, waiting where a pipe is full. A reader that is gone is nobody's error. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
