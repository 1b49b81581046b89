/** What lies at an address, in Valgrind's words (valgrind-facts 2.6): block, symbol, stack or region. */
import {
  CALLS_MAX,
  LIFE_RUNNING,
  MAX_THREADS,
  T_CALL_TOP,
  T_CALLS,
  T_LIFE,
  T_SP_START,
  THREAD_STRIDE,
  THREADS,
} from '../../../kernel/core/layout.js';
import type { ToolHost } from '../api.js';
import { aux, type Part, stack } from '../errors.js';
import { blockPhrase, type HeapBlock } from '../heap.js';
import { readTrace } from './cells.js';
import type { Heap } from './heap.js';
import { HG_NUMBER } from './layout.js';

/** How far outside a block an address is still told by it. */
const NEAR = 16;

export class Addresses {
  constructor(
    private readonly host: ToolHost,
    private readonly heap: Heap,
  ) {}

  /** @param pc where the present thread is, for its innermost frame */
  describe(addr: number, ts = 0, pc = 0): Part[] {
    // Valgrind writes this address in lower case and all others in upper case.
    const at = `Address 0x${addr.toString(16)} is`;
    const block = this.heap.blocks.around(addr, NEAR);
    if (block && (addr >= block.addr || !this.host.symbols.dataAt(addr))) return this.block(at, addr, block);
    const data = this.host.symbols.dataAt(addr);
    if (data) return [aux(`${at} ${addr - data.addr} bytes inside data symbol "${data.name}"`)];
    const owner = this.stackOwner(addr);
    if (owner === 0) return [aux(`${at} ${this.host.memory.describe(addr)}`)];
    const number = this.host.machine.i32[(owner + HG_NUMBER) >> 2]!;
    const frame = this.frame(owner, addr, owner === ts ? pc : 0);
    return [aux(`${at} on thread #${number}'s stack`), ...(frame ? [aux(frame)] : [])];
  }

  private block(at: string, addr: number, b: HeapBlock): Part[] {
    const pcs = (trace: number): number[] => readTrace(this.host.machine, trace).pcs;
    const parts = [aux(`${at} ${blockPhrase(addr, b)}`)];
    if (b.freed) parts.push(stack(pcs(b.freed.trace)), aux("Block was alloc'd at"));
    parts.push(stack(pcs(b.trace)), aux(`Block was alloc'd by thread #${b.thread}`));
    return parts;
  }

  /** State of the thread on whose stack the address is, 0 for none. */
  private stackOwner(addr: number): number {
    const { machine, memory } = this.host;
    for (let slot = 0; slot < MAX_THREADS; slot++) {
      const ts = THREADS + slot * THREAD_STRIDE;
      if (Atomics.load(machine.i32, (ts + T_LIFE) >> 2) !== LIFE_RUNNING) continue;
      const sp = this.word(ts + T_SP_START);
      const region = memory.region(sp - 1);
      if (region && addr >= region.start && addr < Math.min(sp, region.end)) return ts;
    }
    return 0;
  }

  /** `in frame #N, created by fn (file:line)`, '' where the frame is not known. */
  private frame(ts: number, addr: number, pc: number): string {
    const top = Math.min(this.host.machine.i32[(ts + T_CALL_TOP) >> 2]!, CALLS_MAX);
    let at = pc;
    for (let n = 0; n <= top; n++) {
      // The stack pointer at the call that this frame was entered by is the upper end of the frame.
      const entry = ts + T_CALLS + (top - 1 - n) * 16;
      const end = n < top ? this.host.machine.u32[(entry + 8) >> 2]! : 2 ** 32;
      if (addr % 2 ** 32 < end) {
        const words = at === 0 ? '' : this.place(at);
        return words === '' ? '' : `in frame #${n}, created by ${words}`;
      }
      if (n < top) at = this.word(entry) - 1;
    }
    return '';
  }

  private place(pc: number): string {
    // The line is that where the function begins, as Valgrind has it.
    const begin = this.host.symbols.functionAt(pc)?.addr ?? pc;
    const [text = ''] = this.host.symbols.traceLines([begin]);
    return /^\s+at 0x[0-9A-F]+: ([^?].*)/.exec(text)?.[1] ?? '';
  }

  private word(at: number): number {
    const { u32 } = this.host.machine;
    return u32[(at + 4) >> 2]! * 4294967296 + u32[at >> 2]!;
  }
}
