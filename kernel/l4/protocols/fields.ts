/**
 * Arguments of protocol operations as data. A layout is one string, `start:addr size:u64 flags:rm32 name:str`: the
 * fields in the order of the message, each at its natural alignment, which is both how the C++ framework marshals
 * (section 10 of the ABI notes) and how kernel objects lay out their words. `@N` puts a field at byte N, `?` marks
 * one that may be absent.
 */
import { labelName } from './labels.js';
import { flexpageText, hex, sendItemText } from './wire.js';

export interface Field {
  readonly name: string;
  readonly kind: string;
  /** Byte offset that the layout states; -1: behind the field before it. */
  readonly at: number;
  readonly optional: boolean;
}

/** Words of a message as far as they are known: `count` were sent, `words` may hold fewer of them. */
export interface Words {
  readonly count: number;
  readonly words: ArrayLike<bigint>;
}

/** Reads one field at a byte offset; gives its text and the offset behind it. */
type Reader = (m: Words, at: number) => { text: string; end: number };

const UNKNOWN = '?';

/** An unsigned integer of `bytes` bytes; null when that part of the message is not known. */
function integer(m: Words, at: number, bytes: number): bigint | null {
  const word = m.words[at >> 3];
  if (word === undefined) return null;
  return (word >> BigInt((at & 7) * 8)) & ((1n << BigInt(bytes * 8)) - 1n);
}

function scalar(bytes: number, text: (value: bigint) => string): Reader {
  return (m, at) => {
    const value = integer(m, at, bytes);
    return { text: value === null ? UNKNOWN : text(value), end: at + bytes };
  };
}

/** Small numbers in decimal, large ones in hexadecimal. */
function number(value: bigint): string {
  return value < 0x10000n ? value.toString() : hex(value);
}

function flags(names: Readonly<Record<number, string>>): (value: bigint) => string {
  return (value) => {
    let left = value;
    const parts: string[] = [];
    for (const [bit, name] of Object.entries(names)) {
      const mask = BigInt(bit);
      if ((left & mask) === mask) {
        parts.push(name);
        left &= ~mask;
      }
    }
    if (left !== 0n || parts.length === 0) parts.push(hex(left));
    return parts.join('|');
  };
}

const DATASPACE_FLAGS = { 4: 'R', 2: 'W', 1: 'X', 16: 'buffered', 32: 'uncached' };
const REGION_FLAGS = {
  4: 'R',
  2: 'W',
  1: 'X',
  256: 'kernel',
  1024: 'pager',
  2048: 'reserved',
  4096: 'private',
  8192: 'anonymous',
  131072: 'search',
  262144: 'in-area',
  524288: 'eager',
  1048576: 'no-eager',
};
const THREAD_CONTROL_FLAGS = { 65536: 'pager', 16777216: 'handler', 4194304: 'alien', 2097152: 'bind' };
const UNMAP_MASK = { 2147483648: 'self', 1073741824: 'delete' };
const CAUSES: Readonly<Record<number, string>> = {
  0: 'misaligned fetch',
  1: 'fetch access',
  2: 'illegal instruction',
  3: 'breakpoint',
  4: 'misaligned load',
  5: 'load access',
  6: 'misaligned store',
  7: 'store access',
  8: 'system call',
  12: 'fetch page fault',
  13: 'load page fault',
  15: 'store page fault',
  24: 'IPC upcall',
  25: 'triggered',
  26: 'debug',
  27: 'after system call',
};
const PF_SUBS = ['setup', 'resume', 'reflect', 'disable', 'enable'];

/** Bytes as text in quotes; what cannot be printed as an escape; `...` where the message is not known further. */
function quoted(m: Words, at: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) {
    const byte = integer(m, at + i, 1);
    if (byte === null) return `"${text}"...`;
    const c = Number(byte);
    if (c === 0 && i === length - 1) break;
    text +=
      c === 10 ? '\\n' : c < 32 || c > 126 ? `\\x${c.toString(16).padStart(2, '0')}` : String.fromCharCode(c);
  }
  return `"${text}"`;
}

/** A list of words up to the end of the message. */
function rest(each: (word: bigint) => string): Reader {
  return (m, at) => {
    const parts: string[] = [];
    for (let i = (at + 7) >> 3; i < m.count; i++) {
      const word = m.words[i];
      if (word === undefined) {
        parts.push('...');
        break;
      }
      parts.push(each(word));
    }
    return { text: `[${parts.join(', ')}]`, end: m.count * 8 };
  };
}

/** The variable argument list of a factory (section 6.1): one tag word per argument, then its data. */
function varargs(m: Words, start: number): { text: string; end: number } {
  const parts: string[] = [];
  let at = (start + 7) & ~7;
  while (at < m.count * 8) {
    const tag = integer(m, at, 8);
    if (tag === null) {
      parts.push('...');
      break;
    }
    // User code sets 32 bits of the tag word and leaves the upper half as it was.
    const length = Number((tag >> 16n) & 0xffffn);
    const type = Number(tag & 0xffffn);
    const value = length > 0 && type !== 2 ? integer(m, at + 8, 8) : null;
    if (type === 2) parts.push(quoted(m, at + 8, length));
    else if (type === 0) parts.push('nil');
    else if (value === null) parts.push(UNKNOWN);
    else if (type === 3) parts.push(flexpageText(value));
    else parts.push(type === 0x81 ? BigInt.asIntN(64, value).toString() : number(value));
    at += 8 + ((length + 7) & ~7);
  }
  return { text: `(${parts.join(', ')})`, end: m.count * 8 };
}

const selector = (value: bigint): string => {
  // A pager or handler that is not there is all ones above the low bits (section 6.3).
  if ((value & 0x800n) !== 0n || value >> 12n === 0xfffffffffffffn) return 'none';
  return `cap ${hex(value >> 12n)}`;
};

/** The fault word of section 7.1. */
const faultWord = (value: bigint): string => {
  const bits = Number(value & 7n);
  return `${hex(value & ~7n)} ${bits & 4 ? 'fetch' : bits & 2 ? 'write' : 'read'}`;
};

/** Every kind of field: bytes of alignment, and how it is read. */
const KINDS: Readonly<Record<string, { align: number; read: Reader }>> = {
  u8: { align: 1, read: scalar(1, number) },
  u16: { align: 2, read: scalar(2, number) },
  u32: { align: 4, read: scalar(4, number) },
  u64: { align: 8, read: scalar(8, number) },
  i64: { align: 8, read: scalar(8, (v) => BigInt.asIntN(64, v).toString()) },
  addr: { align: 8, read: scalar(8, hex) },
  sel: { align: 8, read: scalar(8, selector) },
  fpage: { align: 8, read: scalar(8, flexpageText) },
  item: { align: 8, read: scalar(8, (v) => sendItemText(v, 0n).replace(/^nil ?/, '') || 'map') },
  proto: {
    align: 8,
    read: scalar(8, (v) => {
      const label = Number(BigInt.asIntN(64, v));
      return labelName(label) ?? `${label}`;
    }),
  },
  ds: { align: 8, read: scalar(8, flags(DATASPACE_FLAGS)) },
  rights16: { align: 2, read: scalar(2, flags(DATASPACE_FLAGS)) },
  rm32: { align: 4, read: scalar(4, flags(REGION_FLAGS)) },
  detach32: { align: 4, read: scalar(4, flags({ 1: 'exact', 2: 'overlap' })) },
  control: { align: 8, read: scalar(8, (v) => flags(THREAD_CONTROL_FLAGS)(v & ~0xffffn)) },
  exregs: { align: 8, read: scalar(8, (v) => flags({ 65536: 'cancel', 131072: 'trigger' })(v & ~0xffffn)) },
  pfsub: { align: 8, read: scalar(8, (v) => PF_SUBS[Number((v >> 16n) & 0xffffn)] ?? hex(v >> 16n)) },
  mask: { align: 8, read: scalar(8, flags(UNMAP_MASK)) },
  fault: { align: 8, read: scalar(8, faultWord) },
  cause: { align: 8, read: scalar(8, (v) => CAUSES[Number(v & 0xffn)] ?? number(v)) },
  cpuset: {
    align: 8,
    read: scalar(8, (v) => `granularity ${(v >> 24n) & 0xffn}, offset ${v & 0xffffffn}`),
  },
  readmax: { align: 8, read: scalar(8, (v) => number(v >> 16n)) },
  /** A length word, then the bytes, the terminating NUL among them (section 10). */
  str: {
    align: 8,
    read: (m, at) => {
      const length = integer(m, at, 8);
      if (length === null) return { text: UNKNOWN, end: at + 8 };
      // No string of a message is longer than the message.
      const bytes = Math.min(Number(length), 504);
      return { text: quoted(m, at + 8, bytes), end: at + 8 + bytes };
    },
  },
  /** Text up to a NUL or the end of the message (section 6.10). */
  text: {
    align: 8,
    read: (m, at) => {
      let end = at;
      while (end < m.count * 8 && integer(m, end, 1) !== 0n && integer(m, end, 1) !== null) end++;
      return { text: quoted(m, at, end - at), end: m.count * 8 };
    },
  },
  words: { align: 8, read: rest(number) },
  fpages: { align: 8, read: rest(flexpageText) },
  varargs: { align: 8, read: varargs },
};

/** Parses a layout. Throws Error naming the field for a kind that does not exist: layouts are program text. */
export function layout(spec: string): readonly Field[] {
  if (spec === '') return [];
  return spec.split(' ').map((text) => {
    const match = /^(\w+):(\w+)(@(\d+))?(\?)?$/.exec(text);
    if (!match || !(match[2]! in KINDS)) throw new Error(`no such field: ${text}`);
    return {
      name: match[1]!,
      kind: match[2]!,
      at: match[4] === undefined ? -1 : Number(match[4]),
      optional: match[5] !== undefined,
    };
  });
}

/** Byte offset of each field; null behind a field whose size depends on the message. */
export function offsets(fields: readonly Field[], start: number): (number | null)[] {
  let at: number | null = start;
  return fields.map((f) => {
    const { align, read } = KINDS[f.kind]!;
    if (f.at >= 0) at = f.at;
    else if (at !== null) at = Math.ceil(at / align) * align;
    const here = at;
    if (at !== null) {
      const variable = ['str', 'text', 'words', 'fpages', 'varargs'].includes(f.kind);
      at = variable ? null : read({ count: 0, words: [] }, at).end;
    }
    return here;
  });
}

export interface Value {
  readonly name: string;
  readonly text: string;
}

/** The fields of a message, first one at byte `start` at the earliest. Absent ones are left out. */
export function readFields(fields: readonly Field[], m: Words, start: number): Value[] {
  const values: Value[] = [];
  let at = start;
  for (const f of fields) {
    const { align, read } = KINDS[f.kind]!;
    at = f.at >= 0 ? f.at : Math.ceil(at / align) * align;
    if (at >= m.count * 8) {
      if (f.optional) continue;
      if (align === 8 && ['words', 'fpages', 'varargs', 'text'].includes(f.kind)) continue;
      values.push({ name: f.name, text: 'missing' });
      continue;
    }
    const { text, end } = read(m, at);
    values.push({ name: f.name, text });
    at = end;
  }
  return values;
}
