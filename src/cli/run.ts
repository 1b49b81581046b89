/** Runs one program under one tool, from parsed options to the exit status. */
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { OWN_SLOTS } from '../../kernel/core/ownership.js';
import { isL4Program } from '../../kernel/l4/image.js';
import { openProgram } from '../../kernel/linux/loader.js';
import type { Policy, RunConfig } from '../engine/config.js';
import { MainProcess, type RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { beginRecording, endRecording, type Recording, sha256 } from '../engine/schedule/recording.js';
import { writeIpcTrace } from '../report/ipc/output.js';
import { Log } from '../report/log.js';
import type { Atomicity, Tool } from '../tools/api.js';
import { loadTool, resolveTool } from '../tools/registry.js';
import { printHeader, printReplay, printTrailer } from './frame.js';
import type { Options } from './options.js';
import { UsageError } from './options.js';
import { outputName, reportConfig } from './report-config.js';
import { writeResult, writeSarif } from './result.js';
import { toolOptions } from './tool-options.js';

/** What a scheduled guest sees of the host: the same on every machine. */
const SCHEDULED_PID = 1000;
const SCHEDULED_CPUS = 4;

/** @param replayed a recording of this program, with the options of it in `o` */
export async function runProgram(o: Options, program: string, replayed?: Recording): Promise<RunResult> {
  const tool = await loadTool(asUsage(() => resolveTool(o.tool)));
  // A system that is booted has its files from a list.
  const file = o.boot === null ? openProgram(program) : null;
  const sarif = o.sarif === undefined ? undefined : outputName(o.sarif);
  const host = hostFacts(o, program, file?.bytes ?? NOTHING, replayed);
  const atomicity = o.schedule ? 'serial' : policy(tool, o.atomicity);
  const config: RunConfig = {
    tool: resolveTool(o.tool),
    toolOptions: toolOptions(tool, o.toolOptions),
    atomicity,
    audit: o.auditAtomicity,
    schedule: o.schedule,
    recordFd: host.recordFd,
    replay: replayed?.entries ?? null,
    quantum: o.quantum,
    maxThreads: Math.min(
      o.maxThreads,
      tool.maxThreads ?? o.maxThreads,
      atomicity === 'restart' || o.auditAtomicity ? OWN_SLOTS : o.maxThreads,
    ),
    os: o.os !== 'auto' ? o.os : file === null || isL4Program(file.elf) ? 'l4' : 'linux',
    l4: { trace: o.traceSyscalls, regionManager: o.regionManager, itas: o.withItas ?? null, boot: o.boot },
    ipcRecords: o.traceIpc === undefined ? null : join(tmpdir(), `capgrind-ipc-${process.pid}`),
    linux: {
      ...(o.sysroot === undefined ? {} : { sysroot: o.sysroot }),
      exePath: resolve(program),
      argv: host.argv,
      envp: host.envp,
      cpus: o.schedule ? SCHEDULED_CPUS : availableParallelism(),
      trace: o.traceSyscalls,
      regionManager: o.regionManager,
    },
    cwd: host.cwd,
    id: `capgrind-${process.pid}`,
    pid: o.schedule ? SCHEDULED_PID : process.pid,
    report: reportConfig(o, tool),
    images: [],
    modules: [],
    debugDirs: o.extraDebuginfoPath,
  };
  if (o.result !== undefined) endWithParent();
  const log = new Log(config.report.fd, config.pid, config.report.verbosity);
  const main = new MainProcess(config, tool, log);
  main.load(file);
  if (o.dump !== undefined || o.dumpAt !== undefined) {
    return (await import('./dump.js')).dumpCode(main, config, o);
  }
  printHeader(main, tool, log, o);
  const result = await main.run();
  if (result.failure) throw result.failure;
  if (config.ipcRecords !== null) {
    const problem = writeIpcTrace(config.ipcRecords, o.traceIpc ?? '', (line) => log.debug(line));
    if (problem !== null) log.user(problem);
  }
  if (o.record !== undefined && host.recordFd !== null && result.schedule) {
    endRecording(o.record, host.recordFd, { outcome: result.schedule });
  }
  const errors = printTrailer(main, tool, log, o, result);
  if (replayed && result.schedule) printReplay(log, replayed, result.schedule);
  if (o.result !== undefined) writeResult(o.result, main, result);
  if (sarif !== undefined) writeSarif(sarif, main, tool, result);
  if (o.errorExitcode > 0 && errors > 0 && result.signal === 0) return { ...result, status: o.errorExitcode };
  return result;
}

const NOTHING = new Uint8Array(0);

interface HostFacts {
  argv: string[];
  envp: string[];
  cwd: string;
  /** Where the run is recorded to. */
  recordFd: number | null;
}

/** What the program is started with: this process's own, or what was recorded. Begins a recording. */
function hostFacts(o: Options, program: string, bytes: Uint8Array, replayed?: Recording): HostFacts {
  const sum = o.record !== undefined || replayed ? sha256(bytes) : '';
  if (replayed) {
    const { argv, envp, cwd, sha256: recorded } = replayed.header;
    if (recorded !== sum)
      throw new UsageError(`${program} is not the program that was recorded: it has changed`);
    return { argv, envp, cwd, recordFd: null };
  }
  const facts = {
    argv: [program, ...o.args],
    envp: Object.entries(process.env).map(([k, v]) => `${k}=${v ?? ''}`),
    cwd: process.cwd(),
  };
  const { record, schedule } = o;
  if (record === undefined || schedule === null) return { ...facts, recordFd: null };
  const header = {
    ...facts,
    capgrind: VERSION,
    program: resolve(program),
    sha256: sum,
    sysroot: o.sysroot ?? null,
    maxThreads: o.maxThreads,
    schedule,
  };
  try {
    return { ...facts, recordFd: beginRecording(record, header) };
  } catch (error) {
    throw new UsageError(`cannot record to ${record}: ${(error as Error).message}`);
  }
}

/** Started over a Node channel to report to a campaign: a campaign that is killed must not leave its runs behind. */
function endWithParent(): void {
  if (process.send === undefined) return;
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  if (!process.connected) end();
  process.once('disconnect', end);
  // The listener must not keep the process from ending by itself.
  process.channel?.unref();
}

/** The policy to run under: what was asked for, if it is not weaker than what the tool needs. */
function policy(tool: Tool, asked: Policy | undefined): Policy {
  const sound = SOUND[tool.atomicity];
  if (asked !== undefined && asked !== 'unsafe' && !sound.includes(asked)) {
    throw new UsageError(
      `--tool=${tool.name} needs ${tool.atomicity} atomicity, which --atomicity=${asked} does not give; use ${sound.join(' or ')}`,
    );
  }
  return asked ?? sound[0]!;
}

/** Policies that give what a tool needs, the one taken when none is asked for first. */
const SOUND: Record<Atomicity, readonly Policy[]> = {
  access: ['parallel', 'restart', 'serial'],
  block: ['serial', 'restart'],
  total: ['serial'],
};

function asUsage<R>(fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
