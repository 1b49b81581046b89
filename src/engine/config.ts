/** What a run is: plain data made by the command line, handed to every worker. */
import type { L4Config } from '../../kernel/l4/env.js';
import type { LinuxConfig } from '../../kernel/linux/env.js';
import type { Suppression } from '../report/suppressions/parse.js';
import type { ScheduleConfig } from './schedule/config.js';

/** What --atomicity says: design decision D5. `unsafe` runs any tool as `parallel` does, for the audit. */
export type Policy = 'serial' | 'restart' | 'parallel' | 'unsafe';

export interface RunConfig {
  /** Name of a bundled tool, or the absolute path of a module. */
  tool: string;
  toolOptions: Record<string, string>;
  atomicity: Policy;
  /** Count block executions that other threads broke into. */
  audit: boolean;
  /** A seeded schedule; implies serial. null: threads run as the host lets them. */
  schedule: ScheduleConfig | null;
  /** Descriptor that a recording is written to, with a schedule only. */
  recordFd: number | null;
  /** Entries of the recording that is replayed, with a schedule only. */
  replay: SharedArrayBuffer | null;
  /** Without a schedule, under serial: steps between two offers of the lock; 0 for time slices. */
  quantum: number;
  maxThreads: number;
  /** The system that the program is for. */
  os: 'linux' | 'l4';
  linux: LinuxConfig;
  l4: L4Config;
  /** File for the records of messages of an L4 program; null for none. */
  ipcRecords: string | null;
  /** Working directory that the guest starts in. */
  cwd: string;
  /** Identifies the run among others on the host: names of channels. */
  id: string;
  /** Process id printed and shown to the guest. */
  pid: number;
  report: ReportConfig;
  /** Where the program and its interpreter were mapped: what symbols are read from. */
  images: ImageRef[];
  /** Of a booted system: what its programs are read from. */
  modules: ModuleRef[];
  /** Directories searched for separate debug files. */
  debugDirs: string[];
}

export interface ReportConfig {
  /** Host descriptor that lines go to; -1 for none. */
  fd: number;
  verbosity: number;
  numCallers: number;
  showBelowMain: boolean;
  fullpathAfter: string[];
  demangle: boolean;
  /** Descriptor that the XML form goes to; -1 for the text form. */
  xmlFd: number;
  /** Stop after many errors. */
  errorLimit: boolean;
  /** Print the suppression of each error: never, always, or where the answer read from inputFd says so. */
  genSuppressions: 'no' | 'all' | 'yes';
  inputFd: number;
  /** Keep the reports of suppressed errors too, for the list at the end. */
  keepSuppressed: boolean;
  /** Lines before and after each error in the text. */
  errorMarkers: { begin: string; end: string } | null;
  /** End the program at its first error with this exit status; 0 for no. */
  exitOnFirstError: number;
  /** In the order of trying. */
  suppressions: Suppression[];
}

export interface ImageRef {
  path: string;
  /** Guest address minus the file's address. */
  bias: number;
  start: number;
  end: number;
  /** Task slot that it is mapped in, of a booted system; otherwise there is one task. */
  task?: number;
}

/** A module of a booted system: `bytes` of the file at a physical address. */
export interface ModuleRef {
  path: string;
  at: number;
  bytes: number;
}

/** What a worker is started with, besides the configuration. */
export interface WorkerData {
  config: RunConfig;
  memory: WebAssembly.Memory;
  code: SharedArrayBuffer;
  /** Errors found: src/engine/error-store.ts. */
  errors: SharedArrayBuffer;
  rt: WebAssembly.Module;
}

/** One guest thread to run. */
export interface ThreadTask {
  ts: number;
}

/** What workers tell the main thread. */
export type ToMain = { kind: 'spawn'; ts: number } | { kind: 'image'; image: ImageRef } | { kind: 'timers' };
