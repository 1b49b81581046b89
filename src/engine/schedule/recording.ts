/**
 * The file of --record, version 1: everything that a seeded run depends on.
 *
 * | part       | what                                                                                     |
 * | ---------- | ---------------------------------------------------------------------------------------- |
 * | first line | `capgrind-recording 1`, newline                                                          |
 * | header     | length u32 (little-endian), JSON: `Header`                                               |
 * | entries    | what calls brought in from outside, in order (journal.ts)                                |
 * | end        | 0 u8, length u32, JSON: `Trailer`                                                        |
 * | checksum   | SHA-256 of all bytes before it                                                           |
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { ScheduleConfig, ScheduleOutcome } from './config.js';
import { decodeEntry } from './journal.js';

const NAME = 'capgrind-recording ';
const VERSION = '1';
const CHECKSUM = 32;

export interface Header {
  /** Of capgrind: another version may count steps in another way. */
  capgrind: string;
  program: string;
  /** SHA-256 of the program's bytes, hex. */
  sha256: string;
  argv: string[];
  envp: string[];
  cwd: string;
  sysroot: string | null;
  maxThreads: number;
  schedule: ScheduleConfig;
}

export interface Trailer {
  outcome: ScheduleOutcome;
}

export interface Recording {
  header: Header;
  entries: SharedArrayBuffer;
  trailer: Trailer;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Starts a recording; returns the descriptor that entries are appended to. Throws the host's error. */
export function beginRecording(path: string, header: Header): number {
  const fd = openSync(path, 'w+', 0o644);
  write(fd, Buffer.from(`${NAME}${VERSION}\n`));
  write(fd, framed(header));
  return fd;
}

/** Completes and closes a recording: without this it counts as damaged. */
export function endRecording(path: string, fd: number, trailer: Trailer): void {
  write(fd, Buffer.from([0]));
  write(fd, framed(trailer));
  write(fd, createHash('sha256').update(readFileSync(path)).digest());
  closeSync(fd);
}

/** Reads a recording. Throws Error with one line for the user when it is none, of another version, or damaged. */
export function readRecording(path: string): Recording {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read the recording ${path}: ${(error as Error).message}`);
  }
  const line = Buffer.from(bytes.subarray(0, 64)).toString('latin1').split('\n', 1)[0]!;
  if (!line.startsWith(NAME)) throw new Error(`${path} is not a recording of capgrind`);
  const version = line.slice(NAME.length);
  if (version !== VERSION) {
    throw new Error(`${path} is a recording of version ${version}; this capgrind reads version ${VERSION}`);
  }
  const body = bytes.subarray(0, bytes.length - CHECKSUM);
  const sum = Buffer.from(bytes.subarray(body.length)).toString('hex');
  if (bytes.length < CHECKSUM || sha256(body) !== sum) {
    throw new Error(`${path} is damaged or was not completed: its checksum is wrong`);
  }
  const header = unframed(body, line.length + 1);
  const end = skipEntries(body, header.next);
  const entries = new SharedArrayBuffer(end - header.next + 1);
  new Uint8Array(entries).set(body.subarray(header.next, end));
  return {
    header: header.value as Header,
    entries,
    trailer: unframed(body, end + 1).value as Trailer,
  };
}

function skipEntries(body: Uint8Array, from: number): number {
  let at = from;
  for (let e = decodeEntry(body, at); e !== null; e = decodeEntry(body, at)) at = e.next;
  return at;
}

function framed(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text]);
}

function unframed(bytes: Uint8Array, at: number): { value: unknown; next: number } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  const next = at + 4 + length;
  return { value: JSON.parse(Buffer.from(bytes.subarray(at + 4, next)).toString()), next };
}

function write(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
