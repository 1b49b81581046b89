/** Call frame instructions (DWARF 5, 6.4.2): runs those of a CIE and an FDE up to an address. */
import { Cursor, DwarfError } from './dwarf/cursor.js';

export interface Cie {
  readonly codeAlign: number;
  readonly dataAlign: number;
  readonly raColumn: number;
  /** Encoding of the addresses in its FDEs. */
  readonly pointers: number;
  /** Its frames are those of signal handlers: the saved pc is the interrupted instruction's, not a return address. */
  readonly signal: boolean;
  /** Its FDEs have augmentation data. */
  readonly augmented: boolean;
  readonly program: Uint8Array;
}

/** How one register of the caller is found. `value` is a CFA offset in bytes or, for `register`, a register. */
export type CfiRule =
  | { readonly kind: 'undefined' | 'same' }
  | { readonly kind: 'offset' | 'valOffset' | 'register'; readonly value: number }
  | { readonly kind: 'expression' | 'valExpression'; readonly code: Uint8Array };

/** The caller's registers as seen from one instruction. A register without a rule keeps its value. */
export interface CfiRow {
  /** CFA: register plus offset, or the expression where that is not null. */
  readonly cfaRegister: number;
  readonly cfaOffset: number;
  readonly cfaExpression: Uint8Array | null;
  readonly rules: ReadonlyMap<number, CfiRule>;
  readonly raColumn: number;
  readonly signal: boolean;
}

/** RISC-V numbers its registers below this (integer 0-31, floating-point 32-63, vector 96-127). */
const MAX_REGISTER = 128;
const MAX_REMEMBERED = 64;

const CFA = {
  setLoc: 1,
  advance1: 2,
  advance2: 3,
  advance4: 4,
  offsetExtended: 5,
  restoreExtended: 6,
  undefined: 7,
  sameValue: 8,
  register: 9,
  rememberState: 10,
  restoreState: 11,
  defCfa: 12,
  defCfaRegister: 13,
  defCfaOffset: 14,
  defCfaExpression: 15,
  expression: 16,
  offsetExtendedSf: 17,
  defCfaSf: 18,
  defCfaOffsetSf: 19,
  valOffset: 20,
  valOffsetSf: 21,
  valExpression: 22,
  gnuArgsSize: 0x2e,
  gnuNegativeOffset: 0x2f,
} as const;

interface Saved {
  readonly cfaRegister: number;
  readonly cfaOffset: number;
  readonly cfaExpression: Uint8Array | null;
  readonly rules: Map<number, CfiRule>;
}

class Machine {
  private readonly cie: Cie;
  private readonly target: number;
  private loc: number;
  private row: Saved = { cfaRegister: 2, cfaOffset: 0, cfaExpression: null, rules: new Map() };
  private initial: ReadonlyMap<number, CfiRule> = new Map();
  private readonly stack: Saved[] = [];

  constructor(cie: Cie, start: number, target: number) {
    this.cie = cie;
    this.loc = start;
    this.target = target;
  }

  result(): CfiRow {
    return { ...this.row, raColumn: this.cie.raColumn, signal: this.cie.signal };
  }

  /** What the CIE's instructions have set is what DW_CFA_restore goes back to. */
  markInitial(): void {
    this.initial = new Map(this.row.rules);
  }

  run(program: Uint8Array): void {
    const c = new Cursor(program);
    while (c.at < c.size) {
      const byte = c.u8();
      const low = byte & 0x3f;
      if (byte >>> 6 === 1) this.loc += low * this.cie.codeAlign;
      else if (byte >>> 6 === 2) this.set(low, { kind: 'offset', value: c.uleb() * this.cie.dataAlign });
      else if (byte >>> 6 === 3) this.restore(low);
      else this.extended(c, low);
      if (this.loc > this.target) return;
    }
  }

  private set(register: number, rule: CfiRule): void {
    if (register < MAX_REGISTER) this.row.rules.set(register, rule);
  }

  private restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule === undefined) this.row.rules.delete(register);
    else this.row.rules.set(register, rule);
  }

  private defCfa(cfaRegister: number, cfaOffset: number): void {
    this.row = { cfaRegister, cfaOffset, cfaExpression: null, rules: this.row.rules };
  }

  private block(c: Cursor): Uint8Array {
    const size = c.uleb();
    const start = c.at;
    c.skip(size);
    return c.bytes.subarray(start, c.at);
  }

  private extended(c: Cursor, op: number): void {
    const { codeAlign, dataAlign } = this.cie;
    switch (op) {
      case 0:
        return;
      case CFA.setLoc:
        throw new DwarfError('DW_CFA_set_loc');
      case CFA.advance1:
        this.loc += c.u8() * codeAlign;
        return;
      case CFA.advance2:
        this.loc += c.u16() * codeAlign;
        return;
      case CFA.advance4:
        this.loc += c.u32() * codeAlign;
        return;
      case CFA.rememberState:
        if (this.stack.length >= MAX_REMEMBERED) throw new DwarfError('too many remembered states');
        this.stack.push({ ...this.row, rules: new Map(this.row.rules) });
        return;
      case CFA.restoreState: {
        const saved = this.stack.pop();
        if (saved === undefined) throw new DwarfError('no remembered state');
        this.row = saved;
        return;
      }
      case CFA.defCfa:
        this.defCfa(c.uleb(), c.uleb());
        return;
      case CFA.defCfaSf:
        this.defCfa(c.uleb(), c.sleb() * dataAlign);
        return;
      case CFA.defCfaRegister:
        this.defCfa(c.uleb(), this.row.cfaOffset);
        return;
      case CFA.defCfaOffset:
        this.defCfa(this.row.cfaRegister, c.uleb());
        return;
      case CFA.defCfaOffsetSf:
        this.defCfa(this.row.cfaRegister, c.sleb() * dataAlign);
        return;
      case CFA.defCfaExpression:
        this.row = { ...this.row, cfaExpression: this.block(c) };
        return;
      case CFA.gnuArgsSize:
        c.skipLeb();
        return;
      default:
        this.registerRule(c, op);
    }
  }

  private registerRule(c: Cursor, op: number): void {
    const scale = this.cie.dataAlign;
    const register = c.uleb();
    if (op === CFA.offsetExtended) this.set(register, { kind: 'offset', value: c.uleb() * scale });
    else if (op === CFA.offsetExtendedSf) this.set(register, { kind: 'offset', value: c.sleb() * scale });
    else if (op === CFA.gnuNegativeOffset) this.set(register, { kind: 'offset', value: -c.uleb() * scale });
    else if (op === CFA.valOffset) this.set(register, { kind: 'valOffset', value: c.uleb() * scale });
    else if (op === CFA.valOffsetSf) this.set(register, { kind: 'valOffset', value: c.sleb() * scale });
    else if (op === CFA.register) this.set(register, { kind: 'register', value: c.uleb() });
    else if (op === CFA.undefined) this.set(register, { kind: 'undefined' });
    else if (op === CFA.sameValue) this.set(register, { kind: 'same' });
    else if (op === CFA.restoreExtended) this.restore(register);
    else if (op === CFA.expression) this.set(register, { kind: 'expression', code: this.block(c) });
    else if (op === CFA.valExpression) this.set(register, { kind: 'valExpression', code: this.block(c) });
    else throw new DwarfError(`unknown call frame instruction ${op}`);
  }
}

/**
 * The row for an address.
 * @param program the FDE's instructions
 * @param start first address the FDE describes
 * Throws DwarfError or RangeError where the instructions are damaged.
 */
export function runCfi(cie: Cie, program: Uint8Array, start: number, addr: number): CfiRow {
  const machine = new Machine(cie, start, addr);
  machine.run(cie.program);
  machine.markInitial();
  machine.run(program);
  return machine.result();
}
