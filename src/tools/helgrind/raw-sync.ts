/**
 * Edges for programs and libraries that synchronise through the kernel themselves: a wake-up on a futex word comes
 * before the return of the wait that it ended, and the end of a thread before the return of a wait on the word that the
 * kernel then clears. Only calls that the program makes count: inside the C library they would order far more than its
 * interface promises, by chance.
 */
import { T_CLEAR_TID, T_PC, T_X } from '../../../kernel/core/layout.js';
import type { ToolHost } from '../api.js';
import type { Edges } from './edges.js';
import { futexKey } from './edges.js';
import { FIRST, RL, SILENT } from './instrument.js';

export const SYS_FUTEX = 98;
/** Operations of futex(2), without flags. */
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const FUTEX_CMP_REQUEUE = 4;
const FUTEX_WAKE_OP = 5;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_WAKE_BITSET = 10;
const COMMAND = 0x7f;

export class RawSync {
  /** Arguments of the call that runs, since its result replaces one. */
  private addr = 0;
  private command = -1;

  constructor(
    private readonly host: ToolHost,
    private readonly edges: Edges,
  ) {}

  private x(ts: number, n: number): number {
    return this.word(ts + T_X + n * 8);
  }

  private word(at: number): number {
    const { i32, u32 } = this.host.machine;
    return i32[(at + 4) >> 2]! * 4294967296 + u32[at >> 2]!;
  }

  before(ts: number): void {
    this.command = -1;
    if (!this.own(ts)) return;
    this.command = this.x(ts, 11) & COMMAND;
    this.addr = this.x(ts, 10);
    const { command, addr } = this;
    if (
      command === FUTEX_WAKE ||
      command === FUTEX_WAKE_BITSET ||
      command === FUTEX_REQUEUE ||
      command === FUTEX_CMP_REQUEUE
    )
      this.edges.join(ts, futexKey(addr));
    else if (command === FUTEX_WAKE_OP) {
      this.edges.join(ts, futexKey(addr));
      this.edges.join(ts, futexKey(this.x(ts, 14)));
    }
  }

  after(ts: number): void {
    if (this.command !== FUTEX_WAIT && this.command !== FUTEX_WAIT_BITSET) return;
    if (this.x(ts, 10) === 0) this.edges.acquire(ts, futexKey(this.addr));
  }

  /**
   * The thread ends, and the kernel is about to clear its tid word: a store that releases, for whoever finds the word
   * cleared and does not wait.
   */
  threadEnds(ts: number): void {
    const { host, edges } = this;
    const addr = this.word(ts + T_CLEAR_TID);
    if (addr === 0) return;
    const word = addr % 4 === 0 ? host.memory.host(addr) : 0;
    if (word !== 0) {
      host.rt['hg_atomic_begin']!(ts, word, 4, RL | FIRST | SILENT, BigInt(this.word(ts + T_PC)));
      host.rt['hg_store_end']!(ts, RL | FIRST);
    }
    edges.replace(ts, futexKey(addr));
  }

  /** Whether the program makes this call, itself or through syscall(3). */
  private own(ts: number): boolean {
    const pc = this.word(ts + T_PC);
    const { symbols } = this.host;
    return symbols.functionAt(pc)?.name === 'syscall' || symbols.isUserCode(pc);
  }
}
