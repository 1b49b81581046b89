/**
 * What a protocol table holds. Rows are read by the decoder of traces, by CapCheck (rights, items, results), by the
 * simulated kernel's dispatch and by the support page.
 */
import { type Field, layout } from './fields.js';

/**
 * Where a request's operation number lies (section 10 of the ABI notes): `word` all of MR0, `low16` its low half
 * word, `u32` its low word, `low8` its low byte, `none` nowhere: the protocol has one operation.
 */
export type Opcode = 'word' | 'low16' | 'u32' | 'low8' | 'none';

export interface Item {
  readonly name: string;
  /** Letters of W, S, R, D that the sent capability must have for the operation. */
  readonly rights: string;
  readonly optional: boolean;
}

export interface Op {
  /** Signed for factories, where the operation number is the protocol of what is made. */
  readonly code: number;
  readonly name: string;
  readonly request: readonly Field[];
  /** Capabilities and flexpages behind the words. */
  readonly items: readonly Item[];
  readonly reply: readonly Field[];
  /** What arrives in the caller's receive buffer: nothing, a capability, or memory. */
  readonly gives: '' | 'capability' | 'memory';
  /** Letters of W and S that the invoked capability must have. */
  readonly rights: string;
  /** The object does not answer: with a receive phase the call turns into that receive. */
  readonly oneWay: boolean;
  /** Error numbers that are part of normal use, by name. */
  readonly note: string;
  readonly section: string;
}

export interface Protocol {
  readonly label: number;
  /** Short name, as traces print it: `Task`. */
  readonly name: string;
  /** Who answers: an object of the kernel, or a server of L4Re. */
  readonly by: 'kernel' | 'service';
  readonly opcode: Opcode;
  readonly ops: readonly Op[];
  readonly section: string;
}

export interface OpExtra {
  readonly items?: string;
  readonly reply?: string;
  readonly gives?: Op['gives'];
  readonly rights?: string;
  readonly oneWay?: boolean;
  readonly note?: string;
}

/**
 * One row. `request` is a layout; `items` lists names with the rights they need, `thread:S task?`. The section is
 * that of its protocol.
 */
export function op(code: number, name: string, request = '', extra: OpExtra = {}): Omit<Op, 'section'> {
  const items = (extra.items ?? '')
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => {
      const [name, rights = ''] = text.replace('?', '').split(':');
      return { name: name!, rights, optional: text.includes('?') };
    });
  return {
    code,
    name,
    request: layout(request),
    items,
    reply: layout(extra.reply ?? ''),
    gives: extra.gives ?? '',
    rights: extra.rights ?? '',
    oneWay: extra.oneWay ?? false,
    note: extra.note ?? '',
  };
}

/** A protocol with its rows. */
export function protocol(
  label: number,
  name: string,
  by: Protocol['by'],
  opcode: Opcode,
  section: string,
  rows: readonly Omit<Op, 'section'>[],
): Protocol {
  return { label, name, by, opcode, section, ops: rows.map((row) => ({ ...row, section })) };
}

/** Where the arguments of a request begin, in bytes. */
export function argumentsAt(opcode: Opcode): number {
  return opcode === 'none' ? 0 : opcode === 'u32' ? 4 : 8;
}
