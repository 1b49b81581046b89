/**
 * Errors found by tools, across all workers. The first occurrence of an error is reported by whoever finds it,
 * under the tool-state lock, so that reports never mix and the order of printing is the order of finding.
 * Which errors are the same, and when the list is cut off, is as in Valgrind (valgrind-facts 2.5).
 */

import { G_LOCK_TOOL, T_SLOT } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { Mutex } from '../../sync/mutex.js';
import type { Frame } from '../image/image-set.js';
import { type ReportedError, resolveError } from '../report/record.js';
import type { ErrorSink, FoundError } from '../tools/errors.js';
import { type ErrorStore, type Identity, SAID_EXIT, SAID_SLOWER, SAID_STOP } from './error-store.js';

/** Distinct errors shown before fewer frames tell errors apart. */
const SLOWER_AFTER = 100;
/** Distinct errors shown, and errors found, before the rest is ignored; see --error-limit. */
const MOST_SHOWN = 1000;
const MOST_FOUND = 10_000_000;

/** What the sink needs of the rest: frames of stacks, suppressions, and somewhere to print. */
export interface ErrorOutput {
  /** Frames of a stack as reports show it. */
  trace(pcs: readonly number[], most?: number): Frame[];
  /** Number of the suppression that hides an error, -1 for none. */
  suppressedBy(error: FoundError): number;
  /** Prints an error. */
  error(error: ReportedError): void;
  /** Ends the program at its first error. */
  exit(): void;
  /** Prints lines of the report's own, in the text form only. */
  message(lines: readonly string[]): void;
}

export interface ErrorRules {
  /** Stop reporting after many. */
  readonly limit: boolean;
  /** The number of frames that stacks have at most. */
  readonly numCallers: number;
  /** Only as XML: the text's cut-offs do not apply. */
  readonly xml: boolean;
  /** Name of the tool in suppressions. */
  readonly tool: string;
  /** Errors are introduced by their thread. */
  readonly showThreads: boolean;
  /** The first error ends the program. */
  readonly exitOnFirst: boolean;
  /** Keep the reports of suppressed errors too. */
  readonly keepSuppressed: boolean;
}

/** Client requests about errors (valgrind-facts 6.2). */
const COUNT_ERRORS = 0x1201;
const CHANGE_ERR_DISABLEMENT = 0x1801;

export class Errors implements ErrorSink {
  private readonly lock: Mutex;
  /** How often this worker's thread has asked for silence. */
  private silence = 0;

  constructor(
    private readonly machine: Machine,
    readonly store: ErrorStore,
    private readonly rules: ErrorRules,
    private readonly output: ErrorOutput,
  ) {
    this.lock = new Mutex(machine.i32, G_LOCK_TOOL >> 2, 'toolState');
  }

  /** Answers a client request about errors; undefined for others. */
  request(request: number, args: readonly number[]): number | undefined {
    if (request === COUNT_ERRORS) return this.store.found;
    if (request !== CHANGE_ERR_DISABLEMENT) return undefined;
    this.silence = Math.max(0, this.silence + (args[0]! > 0 ? 1 : -1));
    return 0;
  }

  /** This worker's thread has ended. */
  threadDone(): void {
    this.silence = 0;
  }

  report(error: FoundError): void {
    // Errors of a thread that wants none are neither shown nor counted.
    if (this.silence > 0) return;
    const id = this.identity(error);
    this.lock.lock(this.machine.self);
    try {
      this.record(error, id);
    } finally {
      this.lock.unlock();
    }
  }

  private record(error: FoundError, id: Identity): void {
    const { store, output, rules } = this;
    if (this.stopped()) return;
    let frames: 2 | 4 = 4;
    if (store.foundContexts >= SLOWER_AFTER && !rules.xml) {
      frames = 2;
      if (store.say(SAID_SLOWER)) {
        output.message([
          '',
          `More than ${SLOWER_AFTER} errors detected.  Subsequent errors`,
          'will still be recorded, but in less detail than before.',
        ]);
      }
    }
    const known = store.find(id, frames);
    if (known >= 0) {
      store.again(known);
      return;
    }
    const suppression = output.suppressedBy(error);
    const n = store.add(id, suppression);
    const hidden = suppression >= 0;
    if (n < 0 || (hidden && !rules.keepSuppressed)) return;
    const tid = this.machine.i32[(error.ts + T_SLOT) >> 2]! + 1;
    const newThread = rules.showThreads && !hidden && store.turn(tid);
    const reported = resolveError(
      error,
      { unique: n + 1, tid, tool: rules.tool, newThread },
      (pcs, most) => output.trace(pcs, most),
      (thread) => !hidden && store.announce(thread),
    );
    store.keep(n, { ...reported, threads: [] });
    if (hidden) return;
    output.error(reported);
    if (rules.exitOnFirst && store.say(SAID_EXIT)) output.exit();
  }

  /** Whether so much has been reported that the rest is ignored; says so once. */
  private stopped(): boolean {
    const { store, rules } = this;
    if (store.said(SAID_EXIT)) return true;
    if (!rules.limit || rules.xml) return false;
    const shown = store.foundContexts >= MOST_SHOWN;
    if (!shown && store.found < MOST_FOUND) return false;
    if (store.say(SAID_STOP)) {
      const count = shown ? `${MOST_SHOWN} different` : `${MOST_FOUND} total`;
      this.output.message([
        '',
        `More than ${count} errors detected.  I'm not reporting any more.`,
        'Final error counts will be inaccurate.  Go fix your program!',
        'Rerun with --error-limit=no to disable this cutoff.  Note',
        'that errors may occur in your program without prior warning from',
        'capgrind, because errors are no longer being displayed.',
        '',
      ]);
    }
    return true;
  }

  private identity(error: FoundError): Identity {
    const frames = Math.min(4, this.rules.numCallers);
    return {
      kind: hash(`${error.kind} ${error.same ?? ''}`, []),
      two: hash('', error.pcs.slice(0, Math.min(2, frames))),
      four: hash('', error.pcs.slice(0, frames)),
    };
  }
}

/** FNV-1a over the words of a text and of addresses, finished so that all bits count. */
function hash(text: string, pcs: readonly number[]): number {
  let h = 0x811c9dc5;
  const add = (v: number): void => {
    h = Math.imul(h ^ v, 0x01000193);
    h ^= h >>> 15;
  };
  for (let i = 0; i < text.length; i++) add(text.charCodeAt(i));
  for (const pc of pcs) {
    add(pc | 0);
    add(Math.floor(pc / 4294967296));
  }
  return h | 0;
}
