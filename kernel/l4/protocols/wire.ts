/**
 * How the words of an L4 message are read: selector, tag, timeout, flexpage, send items and receive buffers
 * (sections 2 and 4 of the ABI notes). Words are 64-bit BigInts: this serves traces, reports and tests, not the
 * path of a message.
 */

/** Operation bits of a selector (section 2.1). */
export const SEND = 1;
export const RECEIVE = 2;
export const OPEN_WAIT = 4;
export const REPLY = 8;

/** Flags of a message tag (section 2.2). */
export const TAG_FPU = 0x1000;
export const TAG_SCHEDULE = 0x2000;
export const TAG_PROPAGATE = 0x4000;
export const TAG_ERROR = 0x8000;

/** Rights of an object flexpage (section 4.1). */
export const RIGHT_W = 1;
export const RIGHT_S = 2;
export const RIGHT_R = 4;
export const RIGHT_D = 8;

export interface Tag {
  readonly words: number;
  readonly items: number;
  /** TAG_* bits. */
  readonly flags: number;
  /** Signed, 48 bits. */
  readonly label: number;
}

export function parseTag(raw: bigint): Tag {
  const low = Number(raw & 0xffffn);
  return {
    words: low & 0x3f,
    items: (low >> 6) & 0x3f,
    flags: low & 0xf000,
    label: Number(BigInt.asIntN(48, raw >> 16n)),
  };
}

export function makeTag(label: number, words: number, items = 0, flags = 0): bigint {
  return BigInt.asUintN(64, (BigInt(label) << 16n) | BigInt(flags | (items << 6) | words));
}

export interface Selector {
  /** SEND, RECEIVE, OPEN_WAIT, REPLY. */
  readonly operation: number;
  /** `slot`: slot of the invoking task; `self`: the calling thread; `reply`: a slot of the reply-cap space. */
  readonly space: 'slot' | 'self' | 'reply' | 'implicit-reply';
  /** Slot index; 0 for `self` and `implicit-reply`. */
  readonly index: number;
}

/** Section 2.1: bits 10 and 11 choose the space, bits 4 to 9 are left to user code. */
export function parseSelector(raw: bigint): Selector {
  const low = Number(raw & 0xfffn);
  const operation = low & 0xf;
  const invalid = (low & 0x800) !== 0;
  const reply = (low & 0x400) !== 0;
  if (invalid && !reply && operation & REPLY) return { operation, space: 'implicit-reply', index: 0 };
  if (invalid) return { operation, space: reply ? 'implicit-reply' : 'self', index: 0 };
  const index = Number((raw >> 12n) & 0xfffffffffffffn);
  return { operation, space: reply ? 'reply' : 'slot', index };
}

/** `call`, `send`, `receive`, `wait`, `reply and wait`, ... */
export function operationName(operation: number): string {
  switch (operation) {
    case 0:
      return 'nothing';
    case SEND:
      return 'send';
    case RECEIVE:
      return 'receive';
    case SEND | RECEIVE:
      return 'call';
    case RECEIVE | OPEN_WAIT:
      return 'wait';
    case SEND | RECEIVE | OPEN_WAIT:
      return 'send and wait';
    case REPLY | SEND:
      return 'reply';
    case REPLY | SEND | RECEIVE:
      return 'reply and receive';
    case REPLY | SEND | RECEIVE | OPEN_WAIT:
      return 'reply and wait';
    default:
      return `operation ${operation.toString(16)}`;
  }
}

/** One half of the timeout word as text: `never`, `0`, `2016 us`, `absolute (BR0)` (section 2.3). */
export function timeoutText(half: number): string {
  if (half === 0) return 'never';
  if (half & 0x8000) return `absolute (BR${Math.min(half & 0x3f, 57)})`;
  const mantissa = half & 0x3ff;
  return mantissa === 0 ? '0' : `${mantissa * 2 ** ((half >> 10) & 0x1f)} us`;
}

export type FlexpageType = 'special' | 'memory' | 'io' | 'object';
const FLEXPAGE_TYPES: readonly FlexpageType[] = ['special', 'memory', 'io', 'object'];

export interface Flexpage {
  readonly type: FlexpageType;
  /** Low four bits of the word; meaning depends on the type. */
  readonly rights: number;
  /** log2 of the size in bytes, or in slots; 63 is the whole space. */
  readonly order: number;
  /** Byte address, or slot index. */
  readonly address: bigint;
}

export function parseFlexpage(raw: bigint): Flexpage {
  const low = Number(raw & 0xfffn);
  const type = FLEXPAGE_TYPES[(low >> 4) & 3]!;
  const base = raw & ~0xfffn;
  return {
    type,
    rights: low & 0xf,
    order: (low >> 6) & 0x3f,
    address: type === 'object' ? base >> 12n : base,
  };
}

/** Letters of object rights, `WSRD`, or `-`. */
export function objectRights(rights: number): string {
  return letters(rights, ['W', 'S', 'R', 'D']);
}

function letters(bits: number, names: readonly string[]): string {
  const text = names.filter((_, i) => bits & (1 << i)).join('');
  return text === '' ? '-' : text;
}

/** `slot 0x1d WSR`, `slots 0x20..0x2f WSRD`, `0x23000..0x23fff RW`, `all memory R`, `nil`. */
export function flexpageText(raw: bigint): string {
  if (raw === 0n) return 'nil';
  const page = parseFlexpage(raw);
  if (page.type === 'special') return page.order === 63 ? 'all spaces' : `special ${hex(raw)}`;
  if (page.type === 'object') {
    const rights = objectRights(page.rights);
    if (page.order === 63) return `all slots ${rights}`;
    if (page.order === 0) return `slot ${hex(page.address)} ${rights}`;
    return `slots ${hex(page.address)}..${hex(page.address + (1n << BigInt(page.order)) - 1n)} ${rights}`;
  }
  const rights = page.type === 'memory' ? letters(page.rights, ['X', 'W', 'R']) : `${page.rights}`;
  if (page.order === 63) return `all ${page.type === 'memory' ? 'memory' : 'ports'} ${rights}`;
  const range = `${hex(page.address)}..${hex(page.address + (1n << BigInt(page.order)) - 1n)}`;
  return page.type === 'memory' ? `${range} ${rights}` : `ports ${range}`;
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** A send item (section 4.2) as text; word 0 of 0 is a void item. */
export function sendItemText(word0: bigint, word1: bigint): string {
  if (word0 === 0n) return 'void';
  const bits = Number(word0 & 0xfffn);
  if (!(bits & 8)) return `item ${hex(word0)},${hex(word1)}`;
  const grant = bits & 2 ? 'grant ' : '';
  const page = parseFlexpage(word1);
  const extra: string[] = [];
  if (page.type === 'object') {
    if (bits & 0x10) extra.push('weak');
    if (bits & 0xe0) extra.push(`object rights ${(bits >> 5) & 7}`);
  } else if (bits & 0x10) extra.push(bits & 0x20 ? 'cached' : bits & 0x40 ? 'buffered' : 'uncached');
  if (word0 >> 12n !== 0n) extra.push(`at ${hex(page.type === 'object' ? word0 >> 12n : word0 & ~0xfffn)}`);
  return `${grant}${flexpageText(word1)}${extra.length ? ` (${extra.join(', ')})` : ''}`;
}

/** What a receiver finds for one item (section 4.4). */
export function receivedItemText(word0: bigint, word1: bigint): string {
  if (word0 === 0n) return 'void';
  const kind = FLEXPAGE_TYPES[Number((word0 >> 4n) & 3n)]!;
  switch (Number(word0 & 6n)) {
    case 0:
      return kind === 'object' ? 'capability mapped' : `${kind} mapped`;
    case 2:
      return 'nothing mapped';
    case 4:
      return `gate id ${hex(word1)}`;
    default:
      return `own ${flexpageText(word1)}`;
  }
}

export interface Buffer {
  /** Index of its first buffer register. */
  readonly at: number;
  readonly text: string;
  /** Slot that a small buffer names, else -1. */
  readonly slot: number;
}

/** The receive buffers from buffer register `first` on (section 4.3); stops at the end of what is known. */
export function parseBuffers(br: ArrayLike<bigint>, first: number): Buffer[] {
  const buffers: Buffer[] = [];
  let i = first;
  while (i < br.length) {
    const word = br[i]!;
    const bits = Number(word & 0xfffn);
    if (!(bits & 8)) break;
    const local = bits & 4 ? ' or id' : '';
    const at = i;
    i++;
    if (bits & 2) {
      const slot = Number((word >> 12n) & 0xfffffn);
      buffers.push({ at, slot, text: `slot ${hex(slot)}${local}` });
    } else {
      const window = br[i];
      i++;
      buffers.push({
        at,
        slot: -1,
        text: `${window === undefined ? 'window' : flexpageText(window)}${local}`,
      });
    }
    if (bits & 1) i++;
  }
  return buffers;
}
