/**
 * What a tool is. A tool is one module whose default export is a `Tool`: what it needs from the engine, and
 * `create`, which makes one instance per worker (each guest thread runs on a worker of its own) and one on the
 * main thread for the report. State that threads share lies in the shared memory: counters that the engine sums
 * (`ToolHost.counters`), shadow, or the tool area.
 */
import type { Machine } from '../../kernel/core/machine.js';
import type { L4Events } from '../../kernel/l4/events.js';
import type { Block } from '../ir/ir.js';
import type { ErrorSink, Part, SuppressionKinds } from './errors.js';

export type { ErrorSink } from './errors.js';

/** Where a tool's lines go; each method takes one line or several joined by newlines. */
export interface Logger {
  readonly verbosity: number;
  /** A user message, `==PID== text`. */
  user(text?: string): void;
  /** A debug message, `--PID-- text`. */
  debug(text: string): void;
  /** A message of the guest, `**PID** text`. */
  client(text: string): void;
  /** Text as it is. */
  raw(text: string): void;
}

export type Atomicity = 'access' | 'block' | 'total';

export interface ToolOption {
  describe: string;
  default: string;
  /** The words that it may have as its value; without them and a range any text is good. */
  values?: readonly string[];
  /** Smallest and largest whole number that it may have; empty is good if that is the default. */
  range?: readonly [number, number];
}

/** Values of an option that is on or off. */
export const YES_NO = ['no', 'yes'] as const;

export interface Tool {
  /** Name on the command line. */
  name: string;
  /** First line of the report, for example `Lackey, an example Valgrind tool`. */
  title: string;
  /** Who may be named as author in the second line. */
  copyright: string;
  /** The weakest atomicity the tool can live with: of single accesses, of basic blocks, or a total order. */
  atomicity: Atomicity;
  /** Bytes of shadow per guest byte; 0 for none. */
  shadowScale: number;
  /** Largest number of guest threads alive at once that the tool can follow. */
  maxThreads?: number;
  /** Errors are found: the report ends with an ERROR SUMMARY, and --error-exitcode applies. */
  findsErrors: boolean;
  /** An error is introduced by the thread it happened in, where that is another than the last one. */
  showThreads?: boolean;
  /** Kinds of errors for suppression files; without it no suppression applies to the tool. */
  suppressions?: SuppressionKinds;
  options: Record<string, ToolOption>;
  create(host: ToolHost): ToolInstance;
}

/** A call of a wrapped function, in its hooks. Registers can be read; memory through the host. */
export interface WrappedCall {
  ts: number;
  /** Integer argument i (0..7) as passed, signed; exact up to 2^53. */
  arg(i: number): number;
}

export interface Wrap {
  /** Symbol names, any alias and any binding; static programs too. */
  names: readonly string[];
  /** Wrapped functions that it calls in turn are part of it: their hooks do not run. For functions that call no code of
   * the program's. */
  opaque?: boolean;
  /** It will not return: its thread is being cancelled, and the stack is about to be unwound. */
  cancelled?(call: WrappedCall): void;
  /** At the function's entry. */
  pre?(call: WrappedCall): void;
  /** When it has returned, with its result; may replace the result by returning a number. */
  post?(call: WrappedCall, result: number): number | undefined;
}

/** What a thread waits for. */
export interface Awaited {
  /** Behind `waits for`: `mutex 0x1000, held by thread #2`. */
  readonly what: string;
  /** Its stack, innermost first. */
  readonly pcs: readonly number[];
  /** What else there is to say of it, behind the stack. */
  readonly more?: readonly Part[];
}

export interface ToolInstance {
  /** Adds to a block of guest code before it is compiled; returns the block to use. */
  instrument?(block: Block): Block;
  /**
   * How cold code at pc is to be treated: COLD_* bits of kernel/core/layout.ts. With it cold code is interpreted and not
   * translated at once; the interpreter keeps the shadow call stack (cs_push, cs_pop in src/rt). Asked again when images
   * are mapped, and when the second thread is created.
   */
  cold?(pc: number): number;
  /** Functions that instrumented code may call, by name: `fn(ts, ...args)`. */
  imports?: Record<string, CallableFunction>;
  wraps?: readonly Wrap[];
  /** What the simulated Fiasco.OC tells, when a program of L4 runs. */
  l4?: L4Events;
  /** The thread at ts is about to run; parent is 0 for the first one. Runs on the parent's worker. */
  threadCreated?(ts: number, parent: number): void;
  /** On the thread's own worker, before its first and after its last instruction. */
  threadStarts?(ts: number): void;
  threadEnds?(ts: number): void;
  mapped?(lo: number, hi: number): void;
  unmapped?(lo: number, hi: number): void;
  /** A system call is about to write host bytes of guest memory. It must not wait. */
  beforeWrite?(host: number, length: number): void;
  beforeSyscall?(ts: number, nr: number): void;
  afterSyscall?(ts: number, nr: number): void;
  /** What a thread that will never be woken waits for, as a report of the deadlock says it; null when unknown. */
  awaits?(ts: number): Awaited | null;
  /** A handler of this signal is about to run, or a fault is about to end the process. */
  signal?(ts: number, signo: number): void;
  /** Client request: the result, or undefined when the request is not this tool's. */
  request?(ts: number, request: number, args: readonly number[]): number | undefined;
  /**
   * The host has sent capgrind a signal while a program of L4 runs, which has no use for signals. On the main thread,
   * with guest threads running; true when it was meant for the tool.
   */
  hostSignal?(name: string): boolean;
  /** On the main thread, when the program has ended. */
  finish?(exit: { status: number; signal: number }): void;
}

export interface ToolHost {
  readonly machine: Machine;
  readonly log: Logger;
  /** Values of the tool's options, defaults filled in. */
  readonly options: Record<string, string>;
  readonly symbols: SymbolSource;
  /** Run-time functions in wasm (src/rt), by name. */
  readonly rt: Record<string, CallableFunction>;
  /** Errors, kept apart by kind and stack, counted across all threads. */
  readonly errors: ErrorSink;
  readonly memory: MemorySource;
  /**
   * Has one of the instance's wraps apply to the function at this address too. Good for functions that have not been
   * run yet: code that is translated already stays as it is.
   */
  wrapAt(addr: number, wrap: Wrap): void;
  /**
   * A counter of the tool: 64 bits per thread, 0..31. Instrumented code adds to it at `counterOffset(i)` in the
   * thread state; `counter(i)` is the sum over all threads that have ended.
   */
  counterOffset(i: number): number;
  counter(i: number): bigint;
}

export interface SymbolSource {
  /** Guest addresses of all functions with this name. */
  addressesOf(name: string): number[];
  /** Guest addresses of all data with this name. */
  dataAddressesOf(name: string): number[];
  /** Function symbol that covers an address. */
  functionAt(pc: number): { name: string; addr: number } | null;
  /** Data symbol that covers an address. */
  dataAt(addr: number): { name: string; addr: number; obj: string } | null;
  /** Whether code at pc comes from the program or a library of its own, not from the C library. */
  isUserCode(pc: number): boolean;
  /** Lines of a stack trace in Valgrind's form, innermost first. */
  traceLines(pcs: readonly number[]): string[];
}

export interface MemorySource {
  /** 64-bit word at a guest address, null where it cannot be read. */
  word(addr: number): number | null;
  /** Host address of a guest byte that is present, else 0. */
  host(addr: number): number;
  /** What lies at a guest address, as an error message says it: `on thread 2's stack`, `in a rw- anonymous segment`. */
  describe(addr: number): string;
  /** Bounds of the mapping that a guest address lies in, null where there is none. */
  region(addr: number): { start: number; end: number } | null;
  /** Guest address of a host byte of the current task, as far as one is known. */
  guest(host: number): number;
}
