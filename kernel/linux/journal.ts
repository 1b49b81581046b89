/**
 * What calls bring in from outside, pinned: data and facts of the host's files, and who the user is. Under a schedule
 * these are all that two runs can differ in (time, chance and identity are the schedule's). A recording run makes
 * its calls and writes down their results and what they put into guest memory; a replaying run is given that back.
 *
 * A replay changes nothing on the host but what the program writes to its standard streams: files opened for writing
 * are stand-ins, calls that change the file system only answer. Files opened for reading are opened where they are
 * still there, because they may be mapped: mapped bytes are not pinned.
 */
import fs from 'node:fs';
import { O_ACCMODE, O_CLOEXEC, O_CREAT, O_TRUNC } from './abi.js';
import { ThreadLeaves } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { D_KIND, KIND_DIR } from './process.js';

/** One call: what it answered, and the bytes it put into guest memory. */
export interface JournalEntry {
  readonly nr: number;
  readonly result: number;
  /** What an opened descriptor is (KIND_*), else 0. */
  readonly kind: number;
  readonly writes: readonly { readonly addr: number; readonly bytes: Uint8Array }[];
}

export interface Journal {
  /** Writes an entry down; absent in a replay. */
  put?(entry: JournalEntry): void;
  /** The next entry; null when there is none or it is of another call. Absent in a recording run. */
  take?(nr: number): JournalEntry | null;
  /** The guest made another call than the recorded one: ends the process. */
  diverged(name: string): void;
}

/** Calls about a descriptor, its number in a0: from outside only when that is a file, a stream or a directory. */
const BY_FD = new Set([
  'read',
  'readv',
  'pread64',
  'preadv',
  'fstat',
  'fstatfs',
  'getdents64',
  'ioctl',
  'lseek',
]);
const BY_NAME = new Set(
  (
    'openat newfstatat statx statfs readlinkat getcwd faccessat faccessat2 chdir fchdir mkdirat unlinkat symlinkat ' +
    'linkat renameat renameat2 truncate ftruncate fallocate fchmod fchmodat fchown fchownat fsync fdatasync ' +
    'utimensat getuid geteuid getgid getegid getresuid getresgid getgroups'
  ).split(' '),
);

/** Whether the call, its arguments still in the registers, is one of those to pin. */
export function comesFromOutside(k: LinuxKernel, name: string): boolean {
  if (BY_NAME.has(name)) return true;
  if (!BY_FD.has(name)) return false;
  const desc = k.files.lookup(k.x(k.ts, 10));
  return desc !== 0 && k.files.word(desc, D_KIND) <= KIND_DIR;
}

/** Makes the call with `run` and writes it down, or gives back what was written down. @throws ThreadLeaves */
export function pinned(
  k: LinuxKernel,
  journal: Journal,
  name: string,
  nr: number,
  run: () => number,
): number {
  if (!journal.take) return record(k, journal, name, nr, run);
  const entry = journal.take(nr);
  if (!entry) {
    journal.diverged(name);
    throw new ThreadLeaves();
  }
  if (name === 'openat' && entry.result >= 0) return reopen(k, journal, entry, run);
  for (const w of entry.writes) k.mem.copyOut(w.addr, w.bytes);
  return entry.result;
}

function record(k: LinuxKernel, journal: Journal, name: string, nr: number, run: () => number): number {
  const ranges: [number, number][] = [];
  k.mem.written = (addr, length) => ranges.push([addr, length]);
  let result: number;
  try {
    result = run();
  } finally {
    k.mem.written = null;
  }
  const desc = name === 'openat' && result >= 0 ? k.files.lookup(result) : 0;
  journal.put?.({
    nr,
    result,
    kind: desc === 0 ? 0 : k.files.word(desc, D_KIND),
    writes: ranges.map(([addr, length]) => ({ addr, bytes: k.mem.copyIn(addr, length) })),
  });
  return result;
}

/** Replays an open that succeeded: the same number, on the file if it is there and only read, else on a stand-in. */
function reopen(k: LinuxKernel, journal: Journal, entry: JournalEntry, run: () => number): number {
  const flags = k.x(k.ts, 12);
  const reads = (flags & O_ACCMODE) === 0 && (flags & (O_CREAT | O_TRUNC)) === 0;
  let fd = reads ? run() : -1;
  if (fd < 0) {
    const host = fs.openSync('/dev/null', 'r+');
    fd = k.files.install(
      { kind: entry.kind, flags: flags & ~(O_CREAT | O_TRUNC | O_CLOEXEC), host },
      (flags & O_CLOEXEC) !== 0,
    );
  }
  if (fd !== entry.result) {
    journal.diverged('openat');
    throw new ThreadLeaves();
  }
  return fd;
}
