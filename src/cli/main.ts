#!/usr/bin/env node
/** The command: parses options, runs the program, exits as the guest did. */
import { constants as os } from 'node:os';
import { ModulesListError } from '../../kernel/l4/stack/modules-list.js';
import { LoadError } from '../../kernel/linux/loader.js';
import type { RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { SuppressionError } from '../report/suppressions/parse.js';
import { helpText, parseCommandLine, UsageError } from './options.js';

async function main(): Promise<number> {
  let debug = process.argv.includes('--debug');
  try {
    const [first, ...others] = process.argv.slice(2);
    if (first === 'stress') return await (await import('./stress.js')).stress(others);
    if (first === 'scaling') return await (await import('./scaling.js')).scaling(others);
    if (first === 'boot') return ended(await (await import('./boot.js')).boot(others));
    if (first === 'replay') return ended(await (await import('./replay.js')).replay(others));
    const parsed = parseCommandLine(process.argv.slice(2));
    if (parsed.kind === 'help') {
      const { loadTool, resolveTool } = await import('../tools/registry.js');
      const { toolHelp } = await import('./tool-options.js');
      const tool = await loadTool(resolveTool(parsed.tool));
      process.stdout.write(`${await helpText()}\n${toolHelp(tool)}`);
      return 0;
    }
    if (parsed.kind === 'version') {
      process.stdout.write(`capgrind-${VERSION}\n`);
      return 0;
    }
    debug = parsed.options.debug;
    if (parsed.options.program === undefined) throw new UsageError('no program specified');
    const { runProgram } = await import('./run.js');
    return ended(await runProgram(parsed.options, parsed.options.program));
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`capgrind: ${error.message}\ncapgrind: Use --help for more information.\n`);
      return 1;
    }
    if (error instanceof SuppressionError || error instanceof ModulesListError) {
      process.stderr.write(`capgrind: ${error.message}\n`);
      return 1;
    }
    if (error instanceof LoadError) {
      process.stderr.write(`capgrind: ${error.message}\n`);
      return error.status;
    }
    const e = error as Error;
    process.stderr.write(`capgrind: ${debug ? (e.stack ?? e.message) : e.message}\n`);
    return 70;
  }
}

/** The exit status, unless the guest was ended by a signal. */
function ended(result: RunResult): number {
  if (result.signal > 0) endBySignal(result.signal);
  return result.status;
}

/** Ends this process the way the guest ended, so that a shell or a supervisor sees the same. */
function endBySignal(signal: number): void {
  const name = Object.entries(os.signals).find(([, n]) => n === signal)?.[0];
  // Node keeps SIGUSR1 for its debugger: the exit status has to say it.
  if (name === 'SIGUSR1') return;
  if (name !== undefined) process.kill(process.pid, name as NodeJS.Signals);
}

process.exitCode = await main();
