/** DWARF expressions as call frame information uses them (DWARF 5, 2.5.1 and 6.4.2): addresses out of registers. */
import { Cursor, DwarfError } from './dwarf/cursor.js';

const MAX_STEPS = 1000;
const MAX_STACK = 64;

/** What an expression may look at. */
export interface ExpressionContext {
  readonly regs: readonly number[];
  /** 64-bit word at a guest address, or null. */
  readonly readWord: (addr: number) => number | null;
}

const bits = (f: (a: bigint, b: bigint) => bigint, a: number, b: number): number =>
  Number(BigInt.asIntN(64, f(BigInt(Math.trunc(a)), BigInt(Math.trunc(b)))));

/** Operations on the two topmost elements, by opcode: `a` lies below `b`. */
const BINARY: ReadonlyMap<number, (a: number, b: number) => number> = new Map([
  [0x1a, (a, b) => bits((x, y) => x & y, a, b)],
  [0x1b, (a, b) => (b === 0 ? Number.NaN : Math.trunc(a / b))],
  [0x1c, (a, b) => a - b],
  [0x1d, (a, b) => a % b],
  [0x1e, (a, b) => a * b],
  [0x21, (a, b) => bits((x, y) => x | y, a, b)],
  [0x22, (a, b) => a + b],
  [0x24, (a, b) => a * 2 ** b],
  [0x25, (a, b) => Math.floor(a / 2 ** b)],
  [0x26, (a, b) => Math.floor(a / 2 ** b)],
  [0x27, (a, b) => bits((x, y) => x ^ y, a, b)],
  [0x29, (a, b) => Number(a === b)],
  [0x2a, (a, b) => Number(a >= b)],
  [0x2b, (a, b) => Number(a > b)],
  [0x2c, (a, b) => Number(a <= b)],
  [0x2d, (a, b) => Number(a < b)],
  [0x2e, (a, b) => Number(a !== b)],
]);

/** A constant operand or undefined; opcodes 0x08-0x11 and 0x30-0x4f. */
function constant(c: Cursor, op: number): number | undefined {
  if (op >= 0x30 && op <= 0x4f) return op - 0x30;
  if (op === 0x03) return c.u64();
  if (op === 0x08) return c.u8();
  if (op === 0x09) return c.i8();
  if (op === 0x0a) return c.u16();
  if (op === 0x0b) return (c.u16() << 16) >> 16;
  if (op === 0x0c) return c.u32();
  if (op === 0x0d) return c.i32();
  if (op === 0x0e) return c.u64();
  if (op === 0x0f) return c.i64();
  if (op === 0x10) return c.uleb();
  if (op === 0x11) return c.sleb();
  return undefined;
}

class Evaluator {
  private readonly context: ExpressionContext;
  private readonly stack: number[];

  constructor(context: ExpressionContext, start: readonly number[]) {
    this.context = context;
    this.stack = [...start];
  }

  run(code: Uint8Array): number {
    const c = new Cursor(code);
    for (let steps = 0; c.at < c.size; steps++) {
      if (steps >= MAX_STEPS || this.stack.length > MAX_STACK) throw new DwarfError('expression too long');
      this.step(c, c.u8());
    }
    return this.pop();
  }

  private pop(): number {
    const value = this.stack.pop();
    if (value === undefined || !Number.isFinite(value)) throw new DwarfError('no value');
    return value;
  }

  private peek(depth: number): number {
    const value = this.stack[this.stack.length - 1 - depth];
    if (value === undefined) throw new DwarfError('stack too short');
    return value;
  }

  private load(size: number): number {
    const word = this.context.readWord(this.pop());
    if (word === null) throw new DwarfError('unreadable memory');
    return size === 8 ? word : Number(BigInt.asUintN(size * 8, BigInt(word)));
  }

  private step(c: Cursor, op: number): void {
    const { stack } = this;
    const value = constant(c, op);
    const binary = BINARY.get(op);
    if (value !== undefined) stack.push(value);
    else if (binary !== undefined) {
      const b = this.pop();
      stack.push(binary(this.pop(), b));
    } else if (op >= 0x70 && op <= 0x8f) stack.push(this.register(op - 0x70) + c.sleb());
    else if (op === 0x92) stack.push(this.register(c.uleb()) + c.sleb());
    else if (op === 0x06) stack.push(this.load(8));
    else if (op === 0x94) stack.push(this.load(Math.min(8, c.u8())));
    else if (op === 0x23) stack.push(this.pop() + c.uleb());
    else if (op === 0x19) stack.push(Math.abs(this.pop()));
    else if (op === 0x1f) stack.push(-this.pop());
    else if (op === 0x20) stack.push(-1 - this.pop());
    else if (op === 0x2f || op === 0x28) this.jump(c, op === 0x28);
    else if (op !== 0x96) this.shuffle(c, op);
  }

  private register(n: number): number {
    const value = this.context.regs[n];
    if (value === undefined) throw new DwarfError('unknown register');
    return value;
  }

  private jump(c: Cursor, conditional: boolean): void {
    const distance = (c.u16() << 16) >> 16;
    if (!conditional || this.pop() !== 0) c.skip(distance);
  }

  private shuffle(c: Cursor, op: number): void {
    const { stack } = this;
    if (op === 0x12) stack.push(this.peek(0));
    else if (op === 0x13) this.pop();
    else if (op === 0x14) stack.push(this.peek(1));
    else if (op === 0x15) stack.push(this.peek(c.u8()));
    else if (op === 0x16) stack.push(this.pop(), this.pop());
    else if (op === 0x17) {
      const top = this.pop();
      const second = this.pop();
      stack.push(top, this.pop(), second);
    } else throw new DwarfError(`unsupported operation ${op}`);
  }
}

/**
 * Value of an expression.
 * @param start what lies on the stack at first: the CFA for register rules, nothing for the CFA's own
 * Throws DwarfError or RangeError where it is damaged, loops, or needs what is not known.
 */
export function evaluate(code: Uint8Array, context: ExpressionContext, start: readonly number[]): number {
  return new Evaluator(context, start).run(code);
}
