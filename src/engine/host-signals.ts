/**
 * Signals that come to the guest from outside: those that the host sends to capgrind, handled as the guest has decided,
 * and those of its timers, which run out here, on the main thread.
 */
import { constants } from 'node:os';
import type { Machine } from '../../kernel/core/machine.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import { SI_USER, SIG_DFL } from '../../kernel/linux/abi.js';
import { endsByDefault, SignalQueue } from '../../kernel/linux/signal-queue.js';
import { Timers } from '../../kernel/linux/timers.js';
import { hostMs } from '../../kernel/linux/wait.js';

/** Not SIGTSTP and its like: the host stops and continues capgrind with the guest in it. */
const NAMES = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
] as const satisfies readonly NodeJS.Signals[];

/** The longest that setTimeout takes, in ms. */
const LONGEST = 2 ** 31 - 1;

export class HostSignals {
  readonly #timers: Timers;
  #alarm: NodeJS.Timeout | undefined;
  readonly #queue: SignalQueue;
  readonly #threads: ThreadTable;
  readonly #arrived = (name: NodeJS.Signals): void => {
    if (!this.taken(name)) this.#pass(constants.signals[name]);
  };

  constructor(
    machine: Machine,
    threads: ThreadTable,
    /** Whether somebody else takes a signal before the guest sees it. */
    private readonly taken: (name: NodeJS.Signals) => boolean,
  ) {
    this.#threads = threads;
    this.#queue = new SignalQueue(machine, threads);
    this.#timers = new Timers(machine, this.#queue, hostMs);
  }

  listen(): void {
    for (const name of NAMES) process.on(name, this.#arrived);
  }

  unlisten(): void {
    for (const name of NAMES) process.off(name, this.#arrived);
    clearTimeout(this.#alarm);
  }

  /** Lets timers run out that are due, and waits for the next. */
  runTimers(): void {
    clearTimeout(this.#alarm);
    const next = this.#timers.expire();
    if (next === Infinity) return;
    const wait = Math.min(Math.max(0, Math.ceil(next - hostMs())), LONGEST);
    this.#alarm = setTimeout(() => this.runTimers(), wait);
  }

  /** The default action is taken here: no guest thread may be able to. */
  #pass(signo: number): void {
    if (this.#queue.disposition(signo) === SIG_DFL && endsByDefault(signo)) {
      this.#threads.exitProcess(128 + signo, signo);
      return;
    }
    this.#queue.send(0, { signo, code: SI_USER, word16: process.ppid, word20: 0, value: [0, 0] });
  }
}
