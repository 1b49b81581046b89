/** --trace-syscalls: one line when a call begins and one when it has its result, in the manner of strace. */
import * as abi from './abi.js';
import { errnoName } from './errno.js';
import { LEAVE } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { signalName } from './signal-queue.js';
import type { ArgKind, Row } from './table.js';

/** Bytes of a string or buffer that a line shows. */
const SHOWN = 32;

type Bits = readonly (readonly [number, string])[];

const OPEN_BITS: Bits = [
  [abi.O_CREAT, 'O_CREAT'],
  [abi.O_EXCL, 'O_EXCL'],
  [abi.O_NOCTTY, 'O_NOCTTY'],
  [abi.O_TRUNC, 'O_TRUNC'],
  [abi.O_APPEND, 'O_APPEND'],
  [abi.O_NONBLOCK, 'O_NONBLOCK'],
  [abi.O_DIRECTORY, 'O_DIRECTORY'],
  [abi.O_NOFOLLOW, 'O_NOFOLLOW'],
  [abi.O_CLOEXEC, 'O_CLOEXEC'],
  [abi.O_PATH, 'O_PATH'],
];
const PROT_BITS: Bits = [
  [abi.PROT_READ, 'PROT_READ'],
  [abi.PROT_WRITE, 'PROT_WRITE'],
  [abi.PROT_EXEC, 'PROT_EXEC'],
  [abi.PROT_GROWSDOWN, 'PROT_GROWSDOWN'],
];
const MAP_BITS: Bits = [
  [abi.MAP_SHARED, 'MAP_SHARED'],
  [abi.MAP_PRIVATE, 'MAP_PRIVATE'],
  [abi.MAP_FIXED, 'MAP_FIXED'],
  [abi.MAP_ANONYMOUS, 'MAP_ANONYMOUS'],
  [abi.MAP_NORESERVE, 'MAP_NORESERVE'],
  [abi.MAP_POPULATE, 'MAP_POPULATE'],
  [abi.MAP_STACK, 'MAP_STACK'],
  [abi.MAP_FIXED_NOREPLACE, 'MAP_FIXED_NOREPLACE'],
];
const FUTEX_NAMES =
  'WAIT WAKE FD REQUEUE CMP_REQUEUE WAKE_OP LOCK_PI UNLOCK_PI TRYLOCK_PI WAIT_BITSET WAKE_BITSET WAIT_REQUEUE_PI CMP_REQUEUE_PI LOCK_PI2'.split(
    ' ',
  );
const CLOCK_NAMES =
  'REALTIME MONOTONIC PROCESS_CPUTIME_ID THREAD_CPUTIME_ID MONOTONIC_RAW REALTIME_COARSE MONOTONIC_COARSE BOOTTIME'.split(
    ' ',
  );

/** Names of set bits joined by |, what is left in hexadecimal, `none` for 0. */
function bits(value: number, names: Bits, none: string): string {
  const parts: string[] = [];
  let rest = value;
  for (const [bit, name] of names) {
    if ((rest & bit) !== bit) continue;
    parts.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) parts.push(hex(rest >>> 0));
  return parts.length === 0 ? none : parts.join('|');
}

function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function quoted(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte === 10) text += '\\n';
    else if (byte === 9) text += '\\t';
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\${byte.toString(8)}`;
  }
  return `${text}"`;
}

function show(k: LinuxKernel, kind: ArgKind, value: number, next: number): string {
  switch (kind) {
    case 'int':
    case 'fd':
    case 'off':
      return String(value);
    case 'size':
      return value < 0 ? hex(value) : String(value);
    case 'dirfd':
      return value === abi.AT_FDCWD ? 'AT_FDCWD' : String(value);
    case 'hex':
      return hex(value >>> 0);
    case 'mode':
      return `0${(value >>> 0).toString(8)}`;
    case 'oflags': {
      const mode = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'][value & 3]!;
      const rest = value & ~3;
      return rest === 0 ? mode : `${mode}|${bits(rest, OPEN_BITS, '')}`;
    }
    case 'prot':
      return bits(value, PROT_BITS, 'PROT_NONE');
    case 'mapflags':
      return bits(value, MAP_BITS, '0');
    case 'sig':
      return value === 0 ? '0' : signalName(value);
    case 'futexop': {
      const name = FUTEX_NAMES[value & 127];
      const priv = value & abi.FUTEX_PRIVATE_FLAG ? '_PRIVATE' : '';
      const wall = value & abi.FUTEX_CLOCK_REALTIME ? '|FUTEX_CLOCK_REALTIME' : '';
      return name === undefined ? hex(value) : `FUTEX_${name}${priv}${wall}`;
    }
    case 'clock':
      return CLOCK_NAMES[value] === undefined ? String(value) : `CLOCK_${CLOCK_NAMES[value]}`;
    case 'str':
      return value === 0 ? 'NULL' : guestText(k, value);
    case 'buf':
      return value === 0 ? 'NULL' : guestBytes(k, value, next);
    case 'ptr':
      return value === 0 ? 'NULL' : hex(value);
    case 'bits':
      return hex(value);
  }
}

function guestText(k: LinuxKernel, addr: number): string {
  try {
    const bytes = k.mem.cbytes(addr, abi.PATH_MAX);
    return bytes === null ? hex(addr) : quoted(bytes);
  } catch {
    return hex(addr);
  }
}

function guestBytes(k: LinuxKernel, addr: number, size: number): string {
  const bytes = new Uint8Array(Math.min(SHOWN, Math.max(size, 0)));
  try {
    k.mem.readInto(addr, bytes);
  } catch {
    return hex(addr);
  }
  return size > SHOWN ? `${quoted(bytes)}...` : quoted(bytes);
}

/** `SYSCALL[tid](nr) name(args)`: before the call runs, so that a call that never returns is seen. */
export function traceCall(k: LinuxKernel, row: Row | undefined, nr: number): string {
  const head = `SYSCALL[${k.tid}](${nr})`;
  if (row === undefined) return `${head} unknown`;
  const values = row.args.map((_, i) => k.arg(nr, i));
  const shown = row.args.map((kind, i) => show(k, kind, values[i]!, values[i + 1] ?? 0));
  return `${head} ${row.name}(${shown.join(', ')})`;
}

/** The same with the result. */
export function traceResult(k: LinuxKernel, row: Row | undefined, nr: number, result: number): string {
  const head = `SYSCALL[${k.tid}](${nr}) ${row?.name ?? 'unknown'} -->`;
  if (result === LEAVE) return `${head} ends`;
  if (result < 0 && result > -4096) return `${head} -1 ${errnoName(-result)}`;
  return `${head} ${result > 65535 ? hex(result) : result}`;
}
