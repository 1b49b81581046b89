/** Who runs the programs: this machine itself, qemu-riscv64, and capgrind under one tool or another. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../src/scaling/child.js';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PROGRAMS = join(ROOT, 'bench/results/bin');
const BUNDLE = join(ROOT, 'dist/bundle/main.js');
export const MAIN = existsSync(BUNDLE) ? BUNDLE : join(ROOT, 'dist/src/cli/main.js');

export type Contestant = 'native' | 'qemu' | 'none' | 'lackey' | 'helgrind';

/** First line of `--version`, or undefined for a command that is not installed. */
export function versionOf(command: string): string | undefined {
  const done = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return done.status === 0 ? done.stdout.split('\n')[0] : undefined;
}

/** The command line for one program. */
export function commandFor(who: Contestant, program: string, args: readonly string[]): Command {
  const guest = join(PROGRAMS, `${program}.riscv64`);
  if (who === 'native') return { file: join(PROGRAMS, `${program}.native`), args };
  if (who === 'qemu') return { file: 'qemu-riscv64', args: [guest, ...args] };
  return { file: process.execPath, args: [MAIN, `--tool=${who}`, '-q', guest, ...args] };
}

/** Whether a contestant can run a program here at all. */
export function canRun(who: Contestant, program: string): boolean {
  if (who === 'native') return existsSync(join(PROGRAMS, `${program}.native`));
  if (!existsSync(join(PROGRAMS, `${program}.riscv64`))) return false;
  return who !== 'qemu' || versionOf('qemu-riscv64') !== undefined;
}

/** Builds what is missing in bench/results/bin. Throws Error with the compiler's words. */
export function buildPrograms(names: readonly string[]): void {
  const done = spawnSync(process.execPath, [join(ROOT, 'scripts/build-bench.mjs'), ...names], {
    encoding: 'utf8',
  });
  process.stdout.write(done.stdout);
  if (done.status !== 0) throw new Error(`the benchmark programs cannot be built:\n${done.stderr}`);
  if (!names.some((n) => canRun('none', n))) {
    throw new Error('no riscv64 programs in bench/results/bin: install gcc-riscv64-linux-gnu');
  }
}
