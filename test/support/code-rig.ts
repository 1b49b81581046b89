/** Small programs on a JitRig, given as instruction words, and what they leave. */
import { encode } from '../../src/isa/encode.js';
import { JitRig, type Registers, type RigOptions } from './jit-rig.js';

/** Where programs lie unless said otherwise. */
export const CODE = 0x10000;
export const PROT_RWX = 7;

export const i = encode;
export const nop = encode('addi', { rd: 0, rs1: 0, imm: 0 });
export const ecall = encode('ecall', {});

/** Two instructions that load a constant of 32 bits, signed. */
export function li(rd: number, value: number): number[] {
  const low = (value << 20) >> 20;
  return [encode('lui', { rd, imm: (value - low) | 0 }), encode('addi', { rd, rs1: rd, imm: low })];
}

export function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** A rig with the words at `at`, in pages that hold nothing else. */
export function codeRig(options: RigOptions, words: readonly number[], at = CODE): JitRig {
  const rig = new JitRig(options);
  addCode(rig, words, at);
  return rig;
}

/** Maps pages for the words and puts them there. */
export function addCode(rig: JitRig, words: readonly number[], at: number): void {
  const bytes = bytesOf(words);
  const first = at - (at % 4096);
  rig.map(first, Math.ceil((at + bytes.length - first) / 4096) * 4096, PROT_RWX);
  rig.putCode(at, bytes);
}

/** Runs from pc with these registers, the others 0, to the first trap or unanswered call; gives the registers. */
export function runFrom(
  rig: JitRig,
  pc: number,
  x: Readonly<Record<number, number | bigint>> = {},
): Registers {
  const r = { x: new BigUint64Array(32), f: new BigUint64Array(32), fcsr: 0 };
  for (const [n, v] of Object.entries(x)) r.x[Number(n)] = BigInt(v);
  rig.setRegisters(r, pc);
  rig.run();
  return rig.registers();
}
