/** Runs one command and says how long it took, what it printed, and how much memory it had at most. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Sample {
  /** Wall time from the start of the process to its end. */
  readonly seconds: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Largest resident set in bytes, as far as polling saw it; 0 when it was not asked for. */
  readonly peakBytes: number;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Runs a command. `watchMemory` polls its high-water mark from /proc, which costs some time: not for timed runs.
 *
 * @throws Error when it cannot be started, does not end with 0, or takes more than `limitSeconds`.
 */
export function sample(command: Command, limitSeconds: number, watchMemory = false): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let peakBytes = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
    const poll = watchMemory
      ? setInterval(() => {
          peakBytes = Math.max(peakBytes, highWater(child.pid));
        }, 5)
      : undefined;
    const stop = (): void => {
      clearTimeout(limit);
      clearInterval(poll);
    };
    child.on('error', (error) => {
      stop();
      reject(error);
    });
    let seconds = 0;
    child.on('exit', () => {
      seconds = (performance.now() - began) / 1000;
    });
    child.on('close', (status, signal) => {
      stop();
      if (status === 0) resolve({ seconds, stdout, stderr, peakBytes });
      else {
        const words = [command.file, ...command.args].join(' ');
        const how =
          signal === 'SIGKILL' ? `was killed (limit ${limitSeconds} s)` : `ended with ${signal ?? status}`;
        reject(new Error(`${words} ${how}: ${stderr.trim().slice(0, 300)}`));
      }
    });
  });
}

/** VmHWM of a process in bytes, 0 where there is no such figure. */
function highWater(pid: number | undefined): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found ? Number(found[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}
