/** Runs one program under one tool, from parsed options to the exit status. */
import { openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { openProgram } from '../../kernel/linux/loader.js';
import type { RunConfig } from '../engine/config.js';
import { MainProcess, type RunResult } from '../engine/main-process.js';
import { expandName } from '../report/file-name.js';
import type { Options } from './options.js';
import { UsageError } from './options.js';

export async function runProgram(o: Options, program: string): Promise<RunResult> {
  const file = openProgram(program);
  const config: RunConfig = {
    tool: o.tool,
    toolOptions: o.toolOptions,
    atomicity: o.atomicity ?? 'parallel',
    maxThreads: o.maxThreads,
    linux: {
      ...(o.sysroot === undefined ? {} : { sysroot: o.sysroot }),
      exePath: resolve(program),
      argv: [program, ...o.args],
      envp: Object.entries(process.env).map(([k, v]) => `${k}=${v ?? ''}`),
      cpus: availableParallelism(),
      trace: o.traceSyscalls,
    },
    id: `capgrind-${process.pid}`,
    pid: process.pid,
    report: {
      fd: reportFd(o),
      verbosity: Math.max(0, 1 + o.verbose - o.quiet),
      numCallers: o.numCallers,
      showBelowMain: o.showBelowMain,
      fullpathAfter: o.fullpathAfter,
      demangle: o.demangle,
    },
    images: [],
    debugDirs: o.extraDebuginfoPath,
  };
  const main = new MainProcess(config, 0);
  main.load(file);
  const result = await main.run();
  if (result.failure) throw result.failure;
  return result;
}

function reportFd(o: Options): number {
  if (o.logFile === undefined) return o.logFd;
  const name = expandName(o.logFile, process.pid);
  try {
    return openSync(name, 'w', 0o644);
  } catch (error) {
    throw new UsageError(`cannot write the log file ${name}: ${(error as Error).message}`);
  }
}
