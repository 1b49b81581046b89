/** `capgrind replay FILE`: a recorded run again, under any tool. */
import type { RunResult } from '../engine/main-process.js';
import { VERSION } from '../engine/paths.js';
import { type Recording, readRecording } from '../engine/schedule/recording.js';
import { parseReplay, UsageError } from './options.js';
import { runProgram } from './run.js';

/** @param words what follows `replay` on the command line */
export async function replay(words: readonly string[]): Promise<RunResult> {
  const { file, options } = parseReplay(words);
  const recording = read(file);
  const { header } = recording;
  if (header.capgrind !== VERSION) {
    throw new UsageError(`${file} was recorded by capgrind ${header.capgrind}; this is ${VERSION}`);
  }
  return await runProgram(
    {
      ...options,
      schedule: header.schedule,
      sysroot: header.sysroot ?? undefined,
      maxThreads: header.maxThreads,
      args: header.argv.slice(1),
    },
    header.program,
    recording,
  );
}

function read(file: string): Recording {
  try {
    return readRecording(file);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
