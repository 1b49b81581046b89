/** What the L4 kernel needs from its surroundings. The engine implements it; nothing here imports the engine. */
import type { AddressSpace } from '../core/address-space.js';
import type { Machine } from '../core/machine.js';
import type { Scheduled } from '../linux/env.js';

import type { BootRequest } from './stack/modules.js';

/** Plain data, the same in every worker of a run: may travel in workerData. */
export interface L4Config {
  /** --trace-syscalls */
  readonly trace: boolean;
  /** --region-manager: whether what a guest's region manager attaches is resolved without it. */
  readonly regionManager: 'virtual' | 'guest';
  /** --with-itas: path of L4Re's ITAS, or null. */
  readonly itas: string | null;
  /** `capgrind boot`: the system to boot instead of one application, with that many bytes of memory. */
  readonly boot: (BootRequest & { memory: number }) | null;
}

export interface L4Env {
  readonly machine: Machine;
  readonly config: L4Config;
  /** Set when a schedule decides about time and waiting. */
  readonly scheduled?: Scheduled;
  /** The address space of a task slot, with this worker's hooks. */
  space(slot: number): AddressSpace;
  /** Guest code in [lo, hi) of a task slot is gone or may have changed. */
  codeGone(slot: number, lo: number, hi: number): void;
  /** A fresh engine thread of a task slot in LIFE_STARTING, all words but its identity 0; 0 when there are no more. */
  allocThread(slot: number): number;
  /** Starts it at its T_PC. */
  spawn(ts: number): void;
  /** Gives back a thread that was never spawned. */
  freeThread(ts: number): void;
  /** Asks a thread to come to its safepoint, `STOP_*` saying why. */
  poke(ts: number, why: number): void;
  /** Ends the run with an exit status 0..255. */
  exitProcess(code: number): void;
  /** Whether a thread that waits may keep its processor for a moment: others have one, and need no turn. */
  readonly spins?: boolean;
  /** Runs a function that may sleep; gives up whatever others need meanwhile. */
  blocked<R>(fn: () => R): R;
  /** The thread offers its turn. */
  yieldTurn(ts: number): void;
  /** Guest threads alive. */
  live(): number;
  /** Output of the guest's log. */
  write(bytes: Uint8Array): void;
  /** One line for the user, without prefix. */
  warn(text: string): void;
  /** The same, for a user who has not asked for quiet. */
  note(text: string): void;
  /** One line of the system call trace. */
  trace(text: string): void;
}
