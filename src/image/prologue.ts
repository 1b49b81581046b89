/**
 * How to restore the caller's registers in code without call frame information: the function's instructions are
 * followed from its start along every path, with what each one does to the stack and frame pointers and which
 * registers it saves where. Most of a static C library has to be unwound this way.
 */
import { decode, type Insn } from '../isa/decode.js';
import type { CfiRow, CfiRule } from './cfi-program.js';

/** The 16 bits of code at an address, -1 where there is no code. */
export type ReadCode = (addr: number) => number;

/** Instructions followed at most; the rest of a larger function is not known. */
const MAX_INSNS = 20_000;
const RA = 1;
const SP = 2;
const FP = 8;
/** ra and s0-s11: the registers a function gives back as it got them. */
const KEPT = [RA, FP, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27].reduce((mask, r) => mask | (1 << r), 0);

/** Floating-point instructions whose rd is an integer register. */
const FLOAT_TO_INT = /^(?:fmv\.x|fcvt\.[wl]u?\.|feq|flt|fle|fclass|fence)/;

const BRANCHES: ReadonlySet<string> = new Set(['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu']);

function isCall(insn: Insn): boolean {
  return (insn.op === 'jal' || insn.op === 'jalr') && insn.rd === RA;
}

/** What holds before an instruction; the canonical frame address (CFA) is sp on entry. */
interface State {
  /** CFA minus sp, or null when unknown (alloca). */
  readonly depth: number | null;
  /** CFA minus s0, or null while s0 is no frame pointer. */
  readonly frame: number | null;
  /** Where kept registers have been saved, relative to the CFA. */
  readonly saved: ReadonlyMap<number, number>;
  /** Bit set of kept registers that no longer hold the caller's value. */
  readonly changed: number;
  /** Known values of other registers: large frames are made with `lui`, `addi`, `add`. */
  readonly known: ReadonlyMap<number, number>;
}

const ENTRY: State = { depth: 0, frame: null, saved: new Map(), changed: 0, known: new Map() };

/** Orders states by how complete the frame is: the body of a function before its prologue and epilogue. */
function extent(s: State): number {
  return (s.depth ?? s.frame ?? 0) * 16 + s.saved.size;
}

function decodeAt(read: ReadCode, addr: number): Insn | null {
  const low = read(addr);
  if (low < 0) return null;
  if ((low & 3) !== 3) return decode(low);
  const high = read(addr + 2);
  return high < 0 ? null : decode(low | (high << 16));
}

/** Offset of a memory operand from the CFA, or null. */
function slotOf(s: State, insn: Insn): number | null {
  if (insn.rs1 === SP && s.depth !== null) return insn.imm - s.depth;
  if (insn.rs1 === FP && s.frame !== null) return insn.imm - s.frame;
  return null;
}

/** CFA minus the new value of a register that an instruction computes from sp or s0; null if it is none. */
function pointerResult(s: State, insn: Insn): number | null {
  const base = (r: number): number | null => (r === SP ? s.depth : r === FP ? s.frame : null);
  if (insn.op === 'addi') {
    const from = base(insn.rs1);
    return from === null ? null : from - insn.imm;
  }
  if (insn.op !== 'add' && insn.op !== 'sub') return null;
  if (insn.op === 'add' && insn.rs1 === 0) return base(insn.rs2);
  const from = base(insn.rs1);
  const by = s.known.get(insn.rs2);
  if (from === null || by === undefined) return null;
  return insn.op === 'add' ? from - by : from + by;
}

function constantResult(s: State, insn: Insn): number | null {
  if (insn.op === 'lui') return insn.imm;
  if (insn.op !== 'addi' && insn.op !== 'addiw') return null;
  const from = insn.rs1 === 0 ? 0 : s.known.get(insn.rs1);
  return from === undefined ? null : from + insn.imm;
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

function after(s: State, insn: Insn): State {
  if (insn.op === 'sd') {
    const slot = slotOf(s, insn);
    const bit = 1 << insn.rs2;
    if (slot === null || (KEPT & bit) === 0 || (s.changed & bit) !== 0 || s.saved.has(insn.rs2)) return s;
    return { ...s, saved: new Map(s.saved).set(insn.rs2, slot) };
  }
  const rd = insn.rd;
  if (rd === 0 || (insn.op[0] === 'f' && !FLOAT_TO_INT.test(insn.op))) return s;
  if (rd === SP) return { ...s, depth: pointerResult(s, insn) };
  if ((KEPT & (1 << rd)) === 0) {
    const value = constantResult(s, insn);
    if (value === null) return s.known.has(rd) ? { ...s, known: without(s.known, rd) } : s;
    return { ...s, known: new Map(s.known).set(rd, value) };
  }
  const restored = insn.op === 'ld' && s.saved.has(rd) && s.saved.get(rd) === slotOf(s, insn);
  const frame = rd !== FP ? s.frame : restored ? null : pointerResult(s, insn);
  const changed = restored ? s.changed & ~(1 << rd) : s.changed | (1 << rd);
  return { ...s, frame, changed, saved: restored ? without(s.saved, rd) : s.saved };
}

/** The flow of one function: the state before each of its instructions. */
class Flow {
  private readonly read: ReadCode;
  private readonly start: number;
  private readonly end: number;
  private readonly states = new Map<number, State>();
  private readonly lengths = new Map<number, number>();
  /** State at a jump whose targets are not known (a switch): holds at code that nothing else leads to. */
  private indirect: State | null = null;
  private deepest: State = ENTRY;

  constructor(read: ReadCode, start: number, end: number) {
    this.read = read;
    this.start = start;
    this.end = end;
    this.follow(start, ENTRY);
    for (let at = start; at < end && this.states.size < MAX_INSNS; at += this.lengths.get(at) ?? 2) {
      if (!this.states.has(at)) this.follow(at, this.indirect ?? this.deepest);
    }
  }

  /** State before the instruction that contains an address, or null. */
  at(pc: number): State | null {
    for (let at = pc; at > pc - 4; at--) {
      const state = this.states.get(at);
      if (state !== undefined) return (this.lengths.get(at) ?? 0) > pc - at ? state : null;
    }
    return null;
  }

  private follow(from: number, state: State): void {
    const work: [number, State][] = [[from, state]];
    // What follows a call comes last: where the call never returns, another path shows what really holds there.
    const afterCalls: [number, State][] = [];
    for (let next = work.pop(); next !== undefined; next = work.pop() ?? afterCalls.shift()) {
      let [pc, s] = next;
      while (pc >= this.start && pc < this.end && !this.states.has(pc) && this.states.size < MAX_INSNS) {
        const insn = decodeAt(this.read, pc);
        this.states.set(pc, s);
        this.lengths.set(pc, insn?.len ?? 2);
        if (insn === null) break;
        if (extent(s) > extent(this.deepest)) this.deepest = s;
        if (BRANCHES.has(insn.op)) work.push([pc + insn.imm, s]);
        const target = this.leaves(insn, pc, s);
        s = after(s, insn);
        if (isCall(insn)) {
          afterCalls.push([pc + insn.len, { ...s, known: new Map() }]);
          break;
        }
        pc = target ?? pc + insn.len;
      }
    }
  }

  /** Where control goes on other than behind the instruction, NaN for nowhere known, null for behind it. */
  private leaves(insn: Insn, pc: number, s: State): number | null {
    if (insn.op === 'jal' && insn.rd === 0) return pc + insn.imm;
    if (insn.op === 'ebreak') return Number.NaN;
    if (insn.op !== 'jalr' || insn.rd !== 0) return null;
    if (insn.rs1 !== RA && (this.indirect === null || extent(s) >= extent(this.indirect))) this.indirect = s;
    return Number.NaN;
  }
}

function rowOf(s: State): CfiRow | null {
  const cfaOffset = s.depth ?? s.frame;
  if (cfaOffset === null) return null;
  const rules = new Map<number, CfiRule>();
  for (const [register, value] of s.saved) rules.set(register, { kind: 'offset', value });
  const cfaRegister = s.depth !== null ? SP : FP;
  return { cfaRegister, cfaOffset, cfaExpression: null, rules, raColumn: RA, signal: false };
}

/** The analysed functions of one image. */
export class Prologues {
  private readonly read: ReadCode;
  private readonly flows = new Map<number, Flow>();

  constructor(read: ReadCode) {
    this.read = read;
  }

  /**
   * The rules in force before the instruction that contains pc; null where its effect on the stack is not known.
   * @param start first address of the function that contains pc
   * @param size its size in bytes
   */
  at(pc: number, start: number, size: number): CfiRow | null {
    let flow = this.flows.get(start);
    if (flow === undefined) {
      flow = new Flow(this.read, start, start + size);
      this.flows.set(start, flow);
    }
    const state = flow.at(pc);
    return state === null ? null : rowOf(state);
  }

  /**
   * Where the function that contains pc may start, when no symbol says so: the nearest `addi sp,sp,-N` before it that
   * is followed by `sd ra,K(sp)`. Null if there is none down to `lowest`.
   */
  guessStart(pc: number, lowest: number): number | null {
    for (let at = (pc & 1) === 0 ? pc - 2 : pc - 1; at >= lowest; at -= 2) {
      const insn = decodeAt(this.read, at);
      if (insn?.op === 'addi' && insn.rd === SP && insn.rs1 === SP && insn.imm < 0 && this.savesRa(at, pc))
        return at;
    }
    return null;
  }

  private savesRa(start: number, limit: number): boolean {
    let at = start;
    for (let i = 0; i < 24 && at < limit; i++) {
      const insn = decodeAt(this.read, at);
      if (insn === null) return false;
      if (insn.op === 'sd' && insn.rs1 === SP && insn.rs2 === RA) return true;
      at += insn.len;
    }
    return false;
  }

  /** Whether the instruction before an address is a call, as before every return address. */
  followsCall(addr: number): boolean {
    const short = decodeAt(this.read, addr - 2);
    if (short?.len === 2 && isCall(short)) return true;
    const long = decodeAt(this.read, addr - 4);
    return long?.len === 4 && isCall(long);
  }
}
