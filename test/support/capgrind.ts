/** Runs the built command, or any other, as a child process, for end-to-end tests. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The repository, whether this runs from dist/ or not. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));
/** The committed guests. */
export const GUESTS = join(ROOT, 'test/guests');
export const BIN = join(GUESTS, 'bin');
/** Where Debian's cross packages put the libraries of dynamic guests. */
export const SYSROOT = '/usr/riscv64-linux-gnu';
export const HAS_SYSROOT = existsSync(join(SYSROOT, 'lib/ld-linux-riscv64-lp64d.so.1'));
export const HAS_QEMU = spawnSync('qemu-riscv64', ['--version']).status === 0;
/** Whether the long forms of tests are asked for. */
export const TEST_ALL = Boolean(process.env['CAPGRIND_TEST_ALL']);

function findRoot(from: string): string {
  return existsSync(join(from, 'package-lock.json')) ? from : findRoot(dirname(from));
}

/** The bundle if it belongs to the compiled modules, else the modules themselves: a stale bundle would test old code. */
export const MAIN = ((): string => {
  const bundle = join(ROOT, 'dist/bundle/main.js');
  const time = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const fresh = time(bundle) > 0 && time(bundle) >= time(join(ROOT, 'dist/.tsbuildinfo'));
  return fresh ? bundle : join(ROOT, 'dist/src/cli/main.js');
})();

/** A folder of this test process's own, empty at first, gone at its end. Children run in it unless told otherwise. */
export const SCRATCH = mkdtempSync(join(tmpdir(), 'capgrind-test-'));
process.on('exit', () => rmSync(SCRATCH, { recursive: true, force: true }));

export interface Outcome {
  /** The command as one line, for messages. */
  readonly command: string;
  /** Exit status, null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Set when it was killed for taking too long. */
  readonly timedOut: boolean;
  readonly milliseconds: number;
}

export interface Settings {
  /** Added to PATH and HOME, which is all that children inherit: the option files of whoever runs the tests do not count. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input, empty by default. */
  readonly stdin?: string;
  readonly timeoutMs?: number;
  /** Called once the child runs. */
  readonly started?: (child: ChildProcessByStdio<Writable, Readable, Readable>) => void;
}

/** Runs a command to its end, or to its time limit (60 s by default). Never rejects for what the command does. */
export function run(command: string, args: readonly string[], settings: Settings = {}): Promise<Outcome> {
  const began = performance.now();
  const child = spawn(command, args, {
    cwd: settings.cwd ?? SCRATCH,
    env: { PATH: process.env['PATH'] ?? '', HOME: SCRATCH, LC_ALL: 'C', ...settings.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  // A child that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => undefined);
  child.stdin.end(settings.stdin ?? '');
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, settings.timeoutMs ?? 60_000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({
        command: [command, ...args].map(quote).join(' '),
        status,
        signal,
        stdout: out(),
        stderr: err(),
        timedOut,
        milliseconds: performance.now() - began,
      });
    });
    settings.started?.(child);
  });
}

/** Gathers what a child prints, up to 16 MiB: a guest that went wrong may print for ever. */
function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let room = 16 << 20;
  stream.on('data', (chunk: Buffer) => {
    if (room > 0) chunks.push(chunk);
    room -= chunk.length;
  });
  return () => Buffer.concat(chunks).toString();
}

/** Runs the built command. */
export function capgrind(args: readonly string[], settings: Settings = {}): Promise<Outcome> {
  return run(process.execPath, [MAIN, ...args], settings);
}

const quote = (word: string): string =>
  /^[\w./=:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Everything about a run that somebody who reads a failure wants to see. */
export function story(o: Outcome): string {
  const end = o.timedOut
    ? `killed after ${Math.round(o.milliseconds)} ms`
    : `ended with ${o.signal ?? o.status}`;
  const part = (name: string, text: string): string =>
    text === '' ? `${name}: empty` : `${name}:\n${text.slice(0, 4000).replace(/^/gm, '  ')}`;
  return `${o.command}\n${end}\n${part('stdout', o.stdout)}\n${part('stderr', o.stderr)}`;
}

/** Lets so many tasks run at once; further ones wait for their turn. AVA starts all tests of a file together. */
export class Turns {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.free = atOnce;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((go) => this.waiting.push(go));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
