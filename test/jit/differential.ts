/** Runs the same random programs through the interpreter, translated code and qemu, and compares what they leave. */

import { EXIT_BREAK, EXIT_FAULT, EXIT_ILLEGAL, EXIT_MISALIGNED } from '../../src/ir/ir.js';
import { decode } from '../../src/isa/decode.js';
import { disasm } from '../../src/isa/disasm.js';
import { encode } from '../../src/isa/encode.js';
import { F_NAMES, X_NAMES } from '../../src/isa/regs.js';
import { interpret, JitRig, PROT_RW, PROT_RX, type RigOptions } from '../support/jit-rig.js';
import { CODE, generate, type Program, SCRATCH, SCRATCH_SIZE, STRIDE, scratchImage } from './generate.js';
import { QEMU_BATCH, type Result, runQemu } from './qemu.js';

/** How a program ended: the signal and the address of the instruction. */
interface Ending {
  signo: number;
  pc: number;
}
interface Ended extends Result {
  end: Ending;
}

const SIGTRAP = 5;
/** The signal behind an exit. */
const SIGNALS = new Map([
  [EXIT_BREAK, SIGTRAP],
  [EXIT_FAULT, 11],
  [EXIT_ILLEGAL, 4],
  [EXIT_MISALIGNED, 7],
]);

/** A rig with room for a batch of programs, and how to run one. */
export class Executor {
  readonly rig: JitRig;
  private readonly image = scratchImage();

  constructor(
    readonly name: string,
    options: RigOptions | null,
    readonly slots: number,
    fallback: RigOptions,
  ) {
    this.interprets = options === null;
    this.rig = new JitRig(options ?? fallback);
    this.rig.map(CODE, slots * STRIDE, PROT_RX);
    // Page by page and out of order, so that neighbours in guest memory are none in host memory.
    for (const page of [2, 0, 1]) {
      this.rig.map(SCRATCH + page * 4096, 4096, PROT_RW);
      this.rig.mem.writeU8(SCRATCH + page * 4096, 1);
    }
  }

  private readonly interprets: boolean;

  /** Places the code of a whole batch, each program ended by ebreak. */
  load(programs: readonly Program[]): void {
    const bytes = new Uint8Array(this.slots * STRIDE);
    const view = new DataView(bytes.buffer);
    for (const p of programs) {
      const at = p.pc - CODE;
      bytes.set(p.code, at);
      view.setUint32(at + p.code.length, encode('ebreak', {}), true);
    }
    this.rig.putCode(CODE, bytes);
  }

  run(p: Program): Ended {
    const { rig } = this;
    rig.mem.copyOut(SCRATCH, this.image);
    rig.setRegisters(p, p.pc);
    let end: Ending;
    if (this.interprets) {
      const out = interpret(rig);
      end = { signo: SIGNALS.get(out.why)!, pc: out.pc };
    } else {
      rig.run();
      end = { signo: rig.trap!.signo, pc: rig.trap!.pc };
    }
    return { ...rig.registers(), memory: rig.mem.copyIn(SCRATCH, SCRATCH_SIZE), end };
  }
}

/** The program as assembly. */
export function listing(p: Program): string {
  const d = new DataView(p.code.buffer, p.code.byteOffset, p.code.byteLength);
  const lines: string[] = [];
  for (let at = 0; at < p.code.length; ) {
    const low = d.getUint16(at, true);
    const raw = (low & 3) === 3 ? d.getUint32(at, true) : low;
    lines.push(`${(p.pc + at).toString(16)}: ${disasm(decode(raw), p.pc + at, raw)}`);
    at += (low & 3) === 3 ? 4 : 2;
  }
  return lines.join('\n');
}

const hex = (v: bigint | number): string => `0x${v.toString(16)}`;

/** The first thing in which two results differ, or '' when they are equal. */
export function difference(a: Result, b: Result): string {
  for (let i = 1; i < 32; i++) {
    if (a.x[i] !== b.x[i]) return `${X_NAMES[i]}: ${hex(a.x[i]!)} and ${hex(b.x[i]!)}`;
  }
  for (let i = 0; i < 32; i++) {
    if (a.f[i] !== b.f[i]) return `${F_NAMES[i]}: ${hex(a.f[i]!)} and ${hex(b.f[i]!)}`;
  }
  if (a.fcsr !== b.fcsr) return `fcsr: ${hex(a.fcsr)} and ${hex(b.fcsr)}`;
  const at = a.memory.findIndex((v, i) => v !== b.memory[i]);
  return at < 0 ? '' : `byte ${hex(SCRATCH + at)}: ${hex(a.memory[at]!)} and ${hex(b.memory[at]!)}`;
}

/** What was compared with what, the seed, the first difference, and the program with its start. */
function report(what: string, p: Program, diff: string): string {
  const x = [...p.x].map((v, i) => `${X_NAMES[i]}=${hex(v)}`).join(' ');
  const f = [...p.f].map((v, i) => `${F_NAMES[i]}=${hex(v)}`).join(' ');
  return `${what}, seed ${p.seed}: ${diff}\n${x}\n${f}\nfcsr=${hex(p.fcsr)}\n${listing(p)}`;
}

export interface Counts {
  programs: number;
  qemu: number;
  /** Programs that ended at their last instruction. */
  complete: number;
}

const endOf = (e: Ending): string => `signal ${e.signo} at ${hex(e.pc)}`;

/**
 * Runs `count` programs made from seed, seed + 1, ...; of each batch the first `qemuShare` (0..1) under qemu as well.
 * With `traps` (which qemu must have no share in) programs may end early, and where and why they do is compared, too.
 * @returns a report for every mismatch, at most `limit`
 */
export function differential(
  executors: readonly Executor[],
  seed: number,
  count: number,
  qemuShare: number,
  traps = false,
  limit = 3,
): { failures: string[]; counts: Counts } {
  const failures: string[] = [];
  const counts: Counts = { programs: 0, qemu: 0, complete: 0 };
  const slots = Math.min(...executors.map((e) => e.slots), QEMU_BATCH);
  const image = scratchImage();
  for (let done = 0; done < count && failures.length < limit; done += slots) {
    const n = Math.min(slots, count - done);
    const batch = Array.from({ length: n }, (_, i) => generate(seed + done + i, i, traps));
    const share = batch.slice(0, Math.round(n * qemuShare));
    const judged = share.length > 0 ? runQemu(share, image) : [];
    for (const e of executors) e.load(batch);
    for (const [i, p] of batch.entries()) {
      if (failures.length >= limit) break;
      let results: Ended[];
      try {
        results = executors.map((e) => e.run(p));
      } catch (e) {
        failures.push(report('thrown', p, String((e as Error).stack)));
        continue;
      }
      counts.programs++;
      const { end } = results[0]!;
      if (end.signo === SIGTRAP && end.pc === p.pc + p.code.length) counts.complete++;
      for (let k = 1; k < executors.length; k++) {
        const ends = [endOf(end), endOf(results[k]!.end)];
        const diff = ends[0] === ends[1] ? difference(results[0]!, results[k]!) : ends.join(' and ');
        if (diff) failures.push(report(`${executors[0]!.name} and ${executors[k]!.name}`, p, diff));
      }
      if (judged[i] && p.qemuKnows) {
        counts.qemu++;
        const diff = difference(judged[i], results[0]!);
        if (diff) failures.push(report(`qemu and ${executors[0]!.name}`, p, diff));
      }
    }
  }
  return { failures, counts };
}
