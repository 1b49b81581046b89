/**
 * Soak: a program of 16 threads at once that creates and joins many overall, under helgrind. What it takes, what memory does
 * after the first minute, and whether anything false is reported.
 *
 *   node dist/bench/soak.js [--threads=100000] [--warm-up=SECONDS] [--limit=SECONDS]
 *
 * Exit status 1 when it took longer than the limit, memory grew by more than a tenth after the warm-up, or errors were found.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MAIN, ROOT } from './contestants.js';

const GUEST = join(ROOT, 'test/guests/bin/hg-soak');
const SYSROOT = '/usr/riscv64-linux-gnu';
const MIB = 1 << 20;
/** Growth after the warm-up that garbage collection may hide or show. */
const TOLERATED = 0.1;

/** Resident bytes of a process, 0 when it is gone. */
function resident(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  } catch {
    return 0;
  }
}

interface Soaked {
  seconds: number;
  status: number | null;
  stdout: string;
  stderr: string;
  /** Resident bytes, once a second. */
  memory: number[];
}

function soak(threads: number, limit: number): Promise<Soaked> {
  return new Promise((resolve) => {
    const began = performance.now();
    const args = [MAIN, '--tool=helgrind', `--sysroot=${SYSROOT}`, GUEST, String(threads), '15'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const done: Soaked = { seconds: 0, status: null, stdout: '', stderr: '', memory: [] };
    child.stdout.on('data', (text) => {
      done.stdout += text;
    });
    child.stderr.on('data', (text) => {
      done.stderr += text;
    });
    const watch = setInterval(() => {
      const now = resident(child.pid);
      if (now > 0) done.memory.push(now);
    }, 1000);
    const stop = setTimeout(() => child.kill('SIGKILL'), limit * 1000);
    child.on('close', (status) => {
      clearInterval(watch);
      clearTimeout(stop);
      resolve({ ...done, status, seconds: (performance.now() - began) / 1000 });
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', default: '100000' },
      'warm-up': { type: 'string', default: '60' },
      limit: { type: 'string', default: '600' },
    },
  });
  const [threads, warmUp, limit] = [values.threads, values['warm-up'], values.limit].map(Number) as [
    number,
    number,
    number,
  ];
  if (![threads, warmUp, limit].every((n) => Number.isInteger(n) && n > 0))
    throw new Error('--threads, --warm-up and --limit: whole numbers from 1');
  const s = await soak(threads, limit);
  const warm = Math.max(0, ...s.memory.slice(0, warmUp));
  const later = Math.max(0, ...s.memory.slice(warmUp));
  const clean =
    s.status === 0 && s.stdout.startsWith(`soak: ${threads} `) && / 0 errors from /.test(s.stderr);
  const lines = [
    clean
      ? `${threads} threads in ${s.seconds.toFixed(0)} s: ${(threads / s.seconds).toFixed(0)} a second`
      : `not done after ${s.seconds.toFixed(0)} s`,
    `resident at most ${(warm / MIB).toFixed(0)} MiB in the first ${warmUp} s, ${(later / MIB).toFixed(0)} MiB later`,
    clean ? 'no errors reported' : `went wrong (status ${s.status}):\n${s.stdout}${s.stderr}`,
  ];
  console.log(lines.join('\n'));
  if (!clean || later > warm * (1 + TOLERATED)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`soak: ${(error as Error).message}`);
  process.exitCode = 2;
}
