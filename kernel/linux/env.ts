/**
 * What the Linux face needs from its surroundings. The engine implements these; nothing here imports it.
 */
import type { AddressSpace } from '../core/address-space.js';
import type { GuestMem } from '../core/guest-mem.js';
import type { Machine } from '../core/machine.js';
import type { Journal } from './journal.js';
import type { WaitResult } from './wait.js';

/** Services around guest threads. `ts` is always the byte address of a thread state. */
export interface ThreadServices {
  /**
   * A fresh thread slot in LIFE_STARTING, with T_SLOT, T_TID, T_TASK and T_TASKPTR set and all other words 0,
   * or 0 when there are as many guest threads as allowed (clone then answers EAGAIN).
   */
  allocThread(): number;
  /** G_MULTI has just been set: code translated for a single thread may not run again. */
  goParallel(): void;
  /** Starts the slot at its T_PC: registers have been filled in. Sets G_MULTI before the thread can run. */
  spawn(ts: number): void;
  /** Gives back a slot from allocThread that was never spawned. */
  freeThread(ts: number): void;
  /**
   * Marks the thread as ended. The kernel has already cleared the tid word and walked the robust list; the
   * thread touches no guest memory afterwards. When it was the last one, the process ends with its code.
   */
  exitThread(ts: number, code: number): void;
  /** Ends the process with an exit status 0..255: sets G_EXITING once, asks all threads to stop, wakes sleepers. */
  exitProcess(code: number): void;
  /** Ends the process by the default action of a signal. */
  killProcess(signal: number): void;
  /** Runs a function that may sleep for long; releases whatever other threads need meanwhile (the big lock). */
  blocked<R>(fn: () => R): R;
  /** The thread offers its turn (sched_yield). */
  yieldTurn(ts: number): void;
  /** Sets bits in T_STOP and makes the thread come to its safepoint, or out of a sleep on T_STOP. */
  poke(ts: number, why: number): void;
  /** Thread states of all live threads of the process, for tgkill and listings. */
  live(): number[];
  /** These threads, which are all there are, wait for each other: the process cannot go on. */
  stuck(threads: readonly number[]): void;
}

/** Plain data, the same in every worker of a run: may travel in workerData. */
export interface LinuxConfig {
  /** Prefix tried first for absolute paths that are opened, as qemu -L does. */
  readonly sysroot?: string;
  /** Absolute host path of the program. */
  readonly exePath: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** CPUs that the guest is told of. */
  readonly cpus: number;
  /** --trace-syscalls */
  readonly trace: boolean;
  /** --region-manager: who resolves faults in ranges that a thread manages, it or the framework. */
  readonly regionManager: 'virtual' | 'guest';
}

/** A schedule that decides about time, chance and waiting, so that nothing of the host's timing enters the guest. */
export interface Scheduled {
  /** Monotonic time in ns. */
  now(): number;
  /** CPU time of a thread, in ns. */
  cpu(ts: number): number;
  /** Sleeps while the word at host address `at` (0: none) holds `value`, until `deadline` in monotonic ms. */
  wait(ts: number, at: number, value: number, deadline: number): WaitResult;
  random(into: Uint8Array): void;
}

export interface LinuxEnv {
  readonly machine: Machine;
  readonly space: AddressSpace;
  readonly mem: GuestMem;
  readonly threads: ThreadServices;
  readonly config: LinuxConfig;
  /** Set when a schedule decides; the host's clocks and chance count otherwise. */
  readonly scheduled?: Scheduled;
  /** A timer was set: when the next one runs out may have changed. */
  timersChanged(): void;
  /** A handler of this signal is about to run. */
  heard(signo: number): void;
  /** Pins what calls bring in from outside, in a run that records or replays. */
  readonly journal?: Journal;
  /** One line for the user, without prefix. */
  warn(text: string): void;
  /** The same, of something that the program did wrong and will fail by. */
  complain(text: string): void;
  /** One line of the system call trace. */
  trace(text: string): void;
  /** Guest code in [start, end) may have changed. */
  flushIcache(start: number, end: number): void;
}
