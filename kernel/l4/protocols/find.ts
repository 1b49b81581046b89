/** Finds the row of a request in the protocol tables. */
import { KERNEL_PROTOCOLS } from './kernel-objects.js';
import { LABEL } from './labels.js';
import { SERVICE_FACTORY, SERVICE_PROTOCOLS } from './services.js';
import type { Op, Protocol } from './types.js';

export const PROTOCOLS: readonly Protocol[] = [...KERNEL_PROTOCOLS, ...SERVICE_PROTOCOLS, SERVICE_FACTORY];

const BY_LABEL = new Map<number, { protocol: Protocol; ops: Map<number, Op> }[]>();
for (const protocol of PROTOCOLS) {
  const entry = { protocol, ops: new Map(protocol.ops.map((op) => [op.code, op])) };
  BY_LABEL.set(protocol.label, [...(BY_LABEL.get(protocol.label) ?? []), entry]);
}

/** The protocol of a label, null where the tables have none: then the message is a private protocol's. */
export function protocolOf(label: number): Protocol | null {
  return BY_LABEL.get(label)?.[0]?.protocol ?? null;
}

/**
 * The operation number of a request, from its message register 0 (ignored by protocols with one operation only).
 * Factories: the signed protocol number of what is to be made.
 */
export function operationNumber(protocol: Protocol, words: number, mr0: bigint): number {
  switch (protocol.opcode) {
    case 'none':
      return 0;
    case 'low8':
      return Number(mr0 & 0xffn);
    case 'low16':
      return Number(mr0 & 0xffffn);
    case 'u32':
      return Number(mr0 & 0xffffffffn);
    case 'word':
      // An IRQ object takes a message without words as a trigger (section 6.6).
      if (protocol.label === LABEL.IRQ && words === 0) return 2;
      // Some objects look at the low 16 bits only; what user code leaves above them is not an operation.
      if (protocol.label === LABEL.LOG) return Number(mr0 & 0xffffn);
      return Number(BigInt.asIntN(64, mr0));
  }
}

/** Row of an operation, of whichever protocol with this label has it. */
export function findOp(label: number, code: number): Op | null {
  for (const { ops } of BY_LABEL.get(label) ?? []) {
    const op = ops.get(code);
    if (op) return op;
  }
  return null;
}
