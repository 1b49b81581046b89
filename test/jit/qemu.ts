/** Runs generated programs under qemu-riscv64: one ELF for the whole batch, written here down to its driver. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from '../../src/isa/encode.js';
import { writeElf } from '../support/elf-writer.js';
import type { Registers } from '../support/jit-rig.js';
import { CODE, type Program, RECORD_SIZE, RECORDS, SCRATCH, SCRATCH_SIZE, STRIDE } from './generate.js';

export interface Result extends Registers {
  /** The scratch area afterwards. */
  memory: Uint8Array;
}

const OFF_F = 256;
const OFF_FCSR = 512;
const OFF_MEM = 528;
const GP = 3;
const A0 = 10;
const A1 = 11;
const A2 = 12;
const A3 = 13;
const A7 = 17;
/** In front of the programs, so that `jal` reaches it from the last of them. */
const DRIVER = CODE - 4096;
const PRISTINE = 0x0100_0000;
/** Programs per ELF at most: `jal` reaches 1 MiB. */
export const QEMU_BATCH = 1000;

export function qemuInstalled(): boolean {
  return spawnSync('qemu-riscv64', ['--version']).status === 0;
}

/** Code under construction. */
class Driver {
  readonly words: number[] = [];

  get here(): number {
    return this.words.length * 4;
  }

  put(op: string, f: Parameters<typeof encode>[1]): void {
    this.words.push(encode(op, f));
  }

  /** rd = v, a positive multiple of 4096 plus a small rest. */
  li(rd: number, v: number): void {
    const low = (v << 20) >> 20;
    this.put('lui', { rd, imm: (v - low) | 0 });
    this.put('addi', { rd, rs1: rd, imm: low });
  }

  /** Copies `size` bytes (a multiple of 8) from a0 to a1. */
  copy(size: number): void {
    this.li(A2, size);
    this.put('add', { rd: A2, rs1: A2, rs2: A0 });
    const top = this.here;
    this.put('ld', { rd: A3, rs1: A0, imm: 0 });
    this.put('sd', { rs1: A1, rs2: A3, imm: 0 });
    this.put('addi', { rd: A0, rs1: A0, imm: 8 });
    this.put('addi', { rd: A1, rs1: A1, imm: 8 });
    this.put('bltu', { rs1: A0, rs2: A2, imm: top - this.here });
  }

  bytes(): Uint8Array {
    return new Uint8Array(new Uint32Array(this.words).buffer);
  }
}

/** The driver's code, and the address programs go on at when they end. */
function driver(count: number): { bytes: Uint8Array; finish: number } {
  const d = new Driver();
  d.li(GP, RECORDS);
  const loop = d.here;
  d.li(A0, PRISTINE);
  d.li(A1, SCRATCH);
  d.copy(SCRATCH_SIZE);
  d.put('ld', { rd: A0, rs1: GP, imm: OFF_FCSR });
  d.put('csrrw', { rd: 0, csr: 3, rs1: A0 });
  for (let i = 0; i < 32; i++) d.put('fld', { rd: i, rs1: GP, imm: OFF_F + i * 8 });
  for (let i = 1; i < 32; i++) if (i !== GP) d.put('ld', { rd: i, rs1: GP, imm: i * 8 });
  // tp holds the program's address.
  d.put('jalr', { rd: 0, rs1: 4, imm: 0 });
  const finish = DRIVER + d.here;
  for (let i = 1; i < 32; i++) d.put('sd', { rs2: i, rs1: GP, imm: i * 8 });
  for (let i = 0; i < 32; i++) d.put('fsd', { rs2: i, rs1: GP, imm: OFF_F + i * 8 });
  d.put('csrrs', { rd: A0, csr: 3, rs1: 0 });
  d.put('sd', { rs2: A0, rs1: GP, imm: OFF_FCSR });
  d.li(A0, SCRATCH);
  d.put('addi', { rd: A1, rs1: GP, imm: OFF_MEM });
  d.copy(SCRATCH_SIZE);
  d.li(A0, RECORD_SIZE);
  d.put('add', { rd: GP, rs1: GP, rs2: A0 });
  d.li(A0, RECORDS + RECORD_SIZE * count);
  d.put('bne', { rs1: GP, rs2: A0, imm: loop - d.here });
  // write(1, records, the rest) until all is out, then exit(0).
  d.li(A1, RECORDS);
  const again = d.here;
  d.put('addi', { rd: A0, rs1: 0, imm: 1 });
  d.put('sub', { rd: A2, rs1: GP, rs2: A1 });
  d.put('addi', { rd: A7, rs1: 0, imm: 64 });
  d.put('ecall', {});
  d.put('add', { rd: A1, rs1: A1, rs2: A0 });
  d.put('bne', { rs1: A1, rs2: GP, imm: again - d.here });
  d.put('addi', { rd: A0, rs1: 0, imm: 0 });
  d.put('addi', { rd: A7, rs1: 0, imm: 93 });
  d.put('ecall', {});
  return { bytes: d.bytes(), finish };
}

/** Runs the programs (numbered from 0) and gives what each left behind. Throws Error when qemu fails. */
export function runQemu(programs: readonly Program[], pristine: Uint8Array): Result[] {
  const { bytes, finish } = driver(programs.length);
  const code = new Uint8Array(programs.length * STRIDE);
  const records = new Uint8Array(programs.length * RECORD_SIZE);
  const codeView = new DataView(code.buffer);
  const view = new DataView(records.buffer);
  programs.forEach((p, i) => {
    code.set(p.code, i * STRIDE);
    const end = i * STRIDE + p.code.length;
    codeView.setUint32(end, encode('jal', { rd: 0, imm: finish - (CODE + end) }), true);
    const at = i * RECORD_SIZE;
    for (let k = 0; k < 32; k++) {
      view.setBigUint64(at + k * 8, p.x[k]!, true);
      view.setBigUint64(at + OFF_F + k * 8, p.f[k]!, true);
    }
    view.setUint32(at + OFF_FCSR, p.fcsr, true);
  });
  const elf = writeElf(DRIVER, [
    { vaddr: PRISTINE, bytes: pristine, memSize: pristine.length, flags: 4 },
    { vaddr: DRIVER, bytes, memSize: bytes.length, flags: 5 },
    { vaddr: CODE, bytes: code, memSize: code.length, flags: 5 },
    { vaddr: SCRATCH, bytes: pristine, memSize: SCRATCH_SIZE, flags: 6 },
    { vaddr: RECORDS, bytes: records, memSize: records.length, flags: 6 },
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'jit-qemu-'));
  try {
    const file = join(dir, 'batch');
    writeFileSync(file, elf, { mode: 0o755 });
    const q = spawnSync('qemu-riscv64', [file], { maxBuffer: records.length + 4096 });
    if (q.status !== 0 || q.stdout.length !== records.length) {
      throw new Error(`qemu: status ${q.status} signal ${q.signal}, ${q.stdout.length} bytes: ${q.stderr}`);
    }
    return programs.map((_, i) => result(q.stdout.subarray(i * RECORD_SIZE, (i + 1) * RECORD_SIZE)));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function result(bytes: Uint8Array): Result {
  const d = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const x = new BigUint64Array(32);
  const f = new BigUint64Array(32);
  for (let k = 0; k < 32; k++) {
    x[k] = k === 0 ? 0n : d.getBigUint64(k * 8, true);
    f[k] = d.getBigUint64(OFF_F + k * 8, true);
  }
  return { x, f, fcsr: d.getUint32(OFF_FCSR, true), memory: bytes.slice(OFF_MEM) };
}
