/** The compressed instructions as a table of 32-bit ones, for the interpreter of cold code. */
import { decode } from './decode.js';
import { encode } from './encode.js';

/** What stands for a halfword that is no compressed instruction. It is no instruction of 32 bits either. */
export const NOT_COMPRESSED = 0xffffffff;

/** The instruction that a compressed one expands to; NOT_COMPRESSED for anything else. */
export function expand(half: number): number {
  if ((half & 3) === 3) return NOT_COMPRESSED;
  const insn = decode(half);
  return insn === null ? NOT_COMPRESSED : encode(insn.op, insn);
}

/** Every halfword's expansion, as little-endian 32-bit words by halfword (layout.ts, RVC_TABLE). */
export function rvcTable(): Uint8Array {
  const view = new DataView(new ArrayBuffer(65536 * 4));
  for (let half = 0; half < 65536; half++) view.setUint32(half * 4, expand(half), true);
  return new Uint8Array(view.buffer);
}
