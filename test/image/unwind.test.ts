/** Unwinding: stacks made by running the prologues of a real program, and analysis of code against the compiler's CFI. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Image, ImageSet } from '../../src/image/image-set.js';
import { Prologues } from '../../src/image/prologue.js';
import { unwindStack } from '../../src/image/unwind.js';
import { decode, type Insn } from '../../src/isa/decode.js';
import { encode } from '../../src/isa/encode.js';

const BIN = existsSync('test/guests/bin')
  ? 'test/guests/bin'
  : join(import.meta.dirname, '../../../test/guests/bin');
const STACK = 0x3f_ffff_0000;
const SIGRETURN = 0x00000073_08b00893;

function insnAt(image: Image, pc: number): Insn {
  const low = image.code16(pc);
  const insn = decode(low | (image.code16(pc + 2) << 16));
  if (insn === null) throw new Error(`no instruction at ${pc}`);
  return insn;
}

const isCall = (insn: Insn): boolean => (insn.op === 'jal' || insn.op === 'jalr') && insn.rd === 1;

/** A thread that runs the code of one image in straight lines: no branch is taken, calls are stepped over. */
class Thread {
  readonly images = new ImageSet();
  readonly image: Image;
  readonly regs: number[] = new Array<number>(32).fill(0);
  readonly memory = new Map<number, number>();
  pc = 0;

  constructor(program: string) {
    this.image = this.images.add(join(BIN, program), 0, 0x10000, 0x90000);
    this.regs[2] = STACK;
    this.regs[8] = 0x1234;
  }

  readonly readWord = (addr: number): number | null => this.memory.get(addr) ?? null;

  address(name: string): number {
    return this.images.addressesOf(name)[0];
  }

  unwind(max = 50): number[] {
    return unwindStack({ pc: this.pc, regs: this.regs }, this.readWord, this.images, max);
  }

  names(): (string | undefined)[] {
    return this.unwind().map((pc) => this.images.functionAt(pc)?.name);
  }

  /** Executes what moves the stack pointer and saves registers; everything else has no effect. */
  step(): void {
    const { regs } = this;
    const insn = insnAt(this.image, this.pc);
    if (insn.op === 'addi') regs[insn.rd] = regs[insn.rs1] + insn.imm;
    else if (insn.op === 'lui') regs[insn.rd] = insn.imm;
    else if (insn.op === 'add') regs[insn.rd] = regs[insn.rs1] + regs[insn.rs2];
    else if (insn.op === 'sd') this.memory.set(regs[insn.rs1] + insn.imm, regs[insn.rs2]);
    regs[0] = 0;
    this.pc += insn.len;
  }

  /** Runs from here to the call of a function, and into it. */
  call(callee: string, index = 0): void {
    const target = this.address(callee);
    let seen = 0;
    for (let i = 0; i < 400; i++) {
      const insn = insnAt(this.image, this.pc);
      if (isCall(insn) && insn.op === 'jal' && this.pc + insn.imm === target && seen++ === index) {
        this.regs[1] = this.pc + insn.len;
        this.pc = target;
        return;
      }
      this.step();
    }
    throw new Error(`${callee} is not called`);
  }

  /** Runs into a function as by an indirect call at the first jalr from here. */
  callIndirect(callee: string): void {
    for (let i = 0; i < 400; i++) {
      const insn = insnAt(this.image, this.pc);
      if (isCall(insn) && insn.op === 'jalr') {
        this.regs[1] = this.pc + insn.len;
        this.pc = this.address(callee);
        return;
      }
      this.step();
    }
    throw new Error('no indirect call');
  }
}

function intoCount(): Thread {
  const thread = new Thread('race-counter');
  thread.pc = thread.address('start_thread');
  thread.callIndirect('first_worker');
  thread.call('count');
  return thread;
}

test('at every instruction of a callee the whole stack is found', (t) => {
  const thread = intoCount();
  const { addr, size } = thread.images.functionAt(thread.pc)!;
  let steps = 0;
  // Up to the first jump back: all of the prologue and some of the body.
  while (thread.pc < addr + size && insnAt(thread.image, thread.pc).rd !== 1) {
    t.deepEqual(thread.names(), ['count', 'first_worker', 'start_thread'], `0x${thread.pc.toString(16)}`);
    thread.step();
    steps++;
  }
  t.true(steps > 5);
});

test('callers are given by an address in the call itself', (t) => {
  const thread = intoCount();
  const pcs = thread.unwind();
  t.is(pcs[0], thread.pc);
  t.is(pcs[1], thread.regs[1] - 1);
  const lines = pcs.slice(0, 2).map((pc) => thread.images.describe(pc)[0].line);
  const source = readFileSync(join(BIN, '../src/race-counter.c'), 'utf8').split('\n');
  t.true(source[lines[0] - 1].startsWith('static void count('));
  t.true(source[lines[1] - 1].startsWith('static void *first_worker('));
});

test('library code without call frame information is unwound by its instructions', (t) => {
  const thread = new Thread('race-counter');
  thread.pc = thread.address('__libc_start_call_main');
  thread.callIndirect('main');
  thread.call('pthread_create', 1);
  t.is(thread.image.cfiAt(thread.pc + 20), null);
  for (let i = 0; i < 12; i++) {
    t.deepEqual(thread.names().slice(1), ['main', '__libc_start_call_main'], `step ${i}`);
    thread.step();
  }
});

test('max bounds the number of frames', (t) => {
  const thread = intoCount();
  t.is(thread.unwind(2).length, 2);
  t.is(thread.unwind(1).length, 1);
});

test('a jump to nowhere shows who jumped', (t) => {
  const thread = intoCount();
  thread.pc = 0x40;
  t.deepEqual(thread.names(), [undefined, 'first_worker', 'start_thread']);
});

test('return addresses that an interception hides are put back', (t) => {
  const thread = intoCount();
  const real = thread.regs[1];
  thread.regs[1] = 0x7fff_ffff_f000;
  t.is(thread.names().length, 1);
  const pcs = unwindStack({ pc: thread.pc, regs: thread.regs }, thread.readWord, thread.images, 50, [real]);
  t.deepEqual(
    pcs.map((pc) => thread.images.functionAt(pc)?.name),
    ['count', 'first_worker', 'start_thread'],
  );
});

test('a signal handler is followed by what the signal interrupted', (t) => {
  const thread = intoCount();
  for (let i = 0; i < 5; i++) thread.step();
  const interrupted = thread.pc;
  const frame = thread.regs[2] - 2048;
  thread.memory.set(frame + 304, interrupted);
  for (let i = 1; i < 32; i++) thread.memory.set(frame + 304 + 8 * i, thread.regs[i]);
  const trampoline = 0x7000_0000;
  thread.memory.set(trampoline, SIGRETURN);
  thread.regs[2] = frame;
  thread.regs[1] = trampoline;
  thread.pc = thread.address('second_worker');
  t.deepEqual(thread.names(), ['second_worker', 'count', 'first_worker', 'start_thread']);
  t.is(thread.unwind()[1], interrupted);
});

test('a damaged stack ends the trace', (t) => {
  const thread = intoCount();
  for (let i = 0; i < 5; i++) thread.step();
  for (const value of [0, 0x41414141, thread.pc + 1e9]) {
    for (const addr of thread.memory.keys()) thread.memory.set(addr, value);
    t.true(thread.unwind().length <= 2);
  }
  // Every word points back into the program: the stack can only be climbed, and memory ends.
  for (const addr of thread.memory.keys()) thread.memory.set(addr, thread.pc);
  t.true(thread.unwind(10_000).length < 100);
  thread.memory.clear();
  t.deepEqual(thread.names(), ['count']);
});

test('a frame too large for one instruction', (t) => {
  // lui t0,0xfffff; addi t0,t0,-16; sd ra,-8(sp); add sp,sp,t0; nop
  const words = [0xfffff2b7, 0xff028293, 0xfe113c23, 0x00510133, 0x00000013];
  const code = new Prologues((addr) =>
    addr >= 0 && addr < 20 ? (words[addr >> 2] >>> ((addr & 2) * 8)) & 0xffff : -1,
  );
  t.is(code.at(12, 0, 20)?.cfaOffset, 0);
  t.is(code.at(16, 0, 20)?.cfaOffset, 4096 + 16);
  t.deepEqual(code.at(16, 0, 20)?.rules.get(1), { kind: 'offset', value: -8 });
});

test('what follows a call that never returns is as other paths to it say', (t) => {
  const words = [
    encode('beq', { rs1: 10, rs2: 0, imm: 16 }),
    encode('addi', { rd: 2, rs1: 2, imm: -16 }),
    encode('sd', { rs1: 2, rs2: 1, imm: 8 }),
    encode('jal', { rd: 1, imm: 400 }),
    encode('addi', { rd: 10, rs1: 0, imm: 1 }),
  ];
  const code = new Prologues((addr) =>
    addr >= 0 && addr < 20 ? (words[addr >> 2] >>> ((addr & 2) * 8)) & 0xffff : -1,
  );
  t.is(code.at(12, 0, 20)?.cfaOffset, 16);
  t.is(code.at(16, 0, 20)?.cfaOffset, 0);
});

/** Functions whose CFI does not tell what their code does, being written in assembly. */
const ASSEMBLY = new Set(['_dl_runtime_resolve']);

for (const guest of ['hello-static', 'cplusplus']) {
  test(`at every call in ${guest} the code says what the compiler's CFI says`, (t) => {
    const image = new Image(join(BIN, guest), 0);
    const code = new Prologues((addr) => image.code16(addr));
    const kept = [1, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
    const done = new Set<number>();
    const wrong: string[] = [];
    let calls = 0;
    for (const { name, addr, size, kind } of image.symbols!.symbols()) {
      if (kind !== 'func' || done.has(addr) || ASSEMBLY.has(name)) continue;
      done.add(addr);
      for (let pc = addr; pc + 4 <= addr + size; ) {
        const insn = decode(image.code16(pc) | (image.code16(pc + 2) << 16));
        const row = image.cfiAt(pc);
        if (insn !== null && row !== null && isCall(insn) && row.rules.get(1)?.kind === 'offset') {
          const mine = code.at(pc, addr, size);
          const same =
            mine !== null &&
            (mine.cfaRegister !== row.cfaRegister || mine.cfaOffset === row.cfaOffset) &&
            kept.every((r) => JSON.stringify(mine.rules.get(r)) === JSON.stringify(row.rules.get(r)));
          if (!same) wrong.push(`${name} 0x${pc.toString(16)}`);
          calls++;
        }
        pc += insn?.len ?? 2;
      }
    }
    t.true(calls > 200);
    t.deepEqual(wrong, []);
  });
}

test('code of a stripped file is unwound by the prologues before it', (t) => {
  const thread = intoCount();
  for (let i = 0; i < 8; i++) thread.step();
  const wanted = thread.unwind();
  t.is(wanted.length, 3);
  // No section headers: neither symbols nor call frame information, only the code that is mapped.
  const bytes = readFileSync(join(BIN, 'race-counter'));
  bytes.fill(0, 40, 48);
  bytes.fill(0, 60, 64);
  const images = new ImageSet();
  images.add('/nonexistent/stripped', 0, 0x10000, 0x90000, bytes);
  t.is(images.functionAt(thread.pc), null);
  t.deepEqual(unwindStack({ pc: thread.pc, regs: thread.regs }, thread.readWord, images, 50), wanted);
});

test('functions without symbols are found by their prologue', (t) => {
  const image = new Image(join(BIN, 'race-counter'), 0);
  const code = new Prologues((addr) => image.code16(addr));
  for (const name of ['main', 'count', '__libc_start_call_main', 'start_thread']) {
    const { addr } = image.symbols!.named(name)[0];
    t.is(code.guessStart(addr + 40, addr - 4096), addr, name);
  }
});
