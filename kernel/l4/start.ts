/** The stack of an L4Re program at its entry: arguments, auxiliary vector, environment structures (fact sheet 12). */
import { PAGE_SIZE } from '../core/layout.js';
import { PT_PHDR } from '../elf/constants.js';
import type { ElfFile } from '../elf/elf.js';

/** Selector that names nothing (L4_INVALID_CAP). */
export const INVALID_CAP = -2048;

/** Environment of a program: slot indices. */
export interface L4Environment {
  parent: number;
  rm: number;
  memAlloc: number;
  log: number;
  mainThread: number;
  factory: number;
  scheduler: number;
  firstFreeCap: number;
  /** Flexpage word. */
  utcbArea: number;
  firstFreeUtcb: number;
  kip: number;
  /** Further capabilities by name. */
  named: readonly { name: string; index: number }[];
}

export interface StackRequest {
  elf: ElfFile;
  argv: readonly string[];
  envp: readonly string[];
  kipAddr: number;
  env: L4Environment;
  top: number;
}

const AT = { phdr: 3, phent: 4, phnum: 5, pagesz: 6, uid: 11, euid: 12, gid: 13, egid: 14 } as const;
const AT_L4_AUX = 0xf0;
const AT_L4_ENV = 0xf1;
const AT_L4_KIP = 0xf2;
const NAME_BYTES = 16;
const LAST_FLAGS = 0xffffffffffffffffn;

/** Builds the stack below `top`. Returns its bytes and where they start: the stack pointer. */
export function buildStack(q: StackRequest): { sp: number; bytes: Uint8Array } {
  const pieces: { at: number; bytes: Uint8Array }[] = [];
  let at = q.top;
  const push = (bytes: Uint8Array): number => {
    at -= Math.ceil(bytes.length / 8) * 8;
    pieces.push({ at, bytes });
    return at;
  };
  const text = (s: string): number => push(new TextEncoder().encode(`${s}\0`));
  const words = (list: readonly (number | bigint)[]): Uint8Array => {
    const bytes = new Uint8Array(list.length * 8);
    const view = new DataView(bytes.buffer);
    list.forEach((w, i) => {
      view.setBigUint64(i * 8, BigInt.asUintN(64, BigInt(w)), true);
    });
    return bytes;
  };
  const sel = (index: number): number => index * 4096;
  const argv = q.argv.map(text);
  const envp = q.envp.map(text);
  const { env } = q;
  const table = push(
    concat([
      ...env.named.map((n) => concat([words([sel(n.index), 0]), name(n.name)])),
      concat([words([INVALID_CAP, LAST_FLAGS]), name('')]),
    ]),
  );
  const envAt = push(
    words([
      sel(env.parent),
      sel(env.rm),
      sel(env.memAlloc),
      sel(env.log),
      sel(env.mainThread),
      sel(env.factory),
      sel(env.scheduler),
      INVALID_CAP,
      INVALID_CAP,
      env.firstFreeCap,
      0,
      env.utcbArea,
      env.firstFreeUtcb,
      table,
    ]),
  );
  const aux = push(words([argv[0] ?? 0, sel(env.kip), 0, 0, 0]));
  const headers = q.elf.programHeaders.find((h) => h.type === PT_PHDR);
  const vector: (readonly [number, number])[] = [
    ...(headers === undefined
      ? []
      : ([
          [AT.phent, q.elf.phentsize],
          [AT.phnum, q.elf.programHeaders.length],
          [AT.phdr, headers.vaddr],
        ] as const)),
    [AT.egid, 0],
    [AT.gid, 0],
    [AT.euid, 0],
    [AT.uid, 0],
    [AT.pagesz, PAGE_SIZE],
    [AT_L4_AUX, aux],
    [AT_L4_KIP, q.kipAddr],
    [AT_L4_ENV, envAt],
    [0, 0],
  ];
  const frame = words([argv.length, ...argv, 0, ...envp, 0, ...vector.flat()]);
  const sp = Math.floor((at - frame.length) / 16) * 16;
  const bytes = new Uint8Array(q.top - sp);
  bytes.set(frame, 0);
  for (const p of pieces) bytes.set(p.bytes, p.at - sp);
  return { sp, bytes };
}

function name(s: string): Uint8Array {
  const bytes = new Uint8Array(NAME_BYTES);
  bytes.set(new TextEncoder().encode(s).subarray(0, NAME_BYTES));
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
