/** Guests of a few instructions, assembled here: for behaviour that no compiler is needed for. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from '../../src/isa/encode.js';
import { SCRATCH } from './capgrind.js';
import { writeElf } from './elf-writer.js';

/** Load address of the code; data lie one page further. */
const CODE = 0x10000;
const DATA = 0x11000;

const SYS_PPOLL = 73;
const SYS_WRITE = 64;
const SYS_EXIT_GROUP = 94;
const SYS_KILL = 129;
const SYS_SIGACTION = 134;
const SYS_GETPID = 172;
const A0 = 10;
const A7 = 17;

/** Instructions under construction; each method adds some. */
export class Tiny {
  private readonly words: number[] = [];
  private readonly data: number[] = [];

  /** Loads a constant of 32 bits, signed. */
  li(rd: number, value: number): this {
    const low = (value << 20) >> 20;
    this.words.push(encode('lui', { rd, imm: (value - low) | 0 }), encode('addi', { rd, rs1: rd, imm: low }));
    return this;
  }

  /** Stores 64 bits of rs at `offset` from the address in base. */
  store(rs: number, base: number, offset: number): this {
    this.words.push(encode('sd', { rs1: base, rs2: rs, imm: offset }));
    return this;
  }

  /** Any instructions. */
  code(...words: number[]): this {
    this.words.push(...words);
    return this;
  }

  syscall(number: number, ...args: number[]): this {
    args.forEach((a, i) => {
      this.li(A0 + i, a);
    });
    this.li(A7, number);
    this.words.push(encode('ecall', {}));
    return this;
  }

  /** Prints text (ASCII) to standard output. */
  print(text: string): this {
    const at = DATA + this.data.length;
    this.data.push(...Buffer.from(text));
    return this.syscall(SYS_WRITE, 1, at, text.length);
  }

  exit(status: number): this {
    return this.syscall(SYS_EXIT_GROUP, status);
  }

  /** Sends a signal to itself. */
  raise(signal: number): this {
    this.syscall(SYS_GETPID);
    this.li(A0 + 1, signal).li(A7, SYS_KILL);
    this.words.push(encode('ecall', {}));
    return this;
  }

  /** From now on the signal runs a handler, which ends the program. */
  handle(signal: number, status: number): this {
    const over = this.words.length;
    this.words.push(0);
    const handler = CODE + this.words.length * 4;
    this.exit(status);
    this.words[over] = encode('jal', { rd: 0, imm: (this.words.length - over) * 4 });
    // struct sigaction of the kernel: handler, flags, mask.
    while (this.data.length % 8 !== 0) this.data.push(0);
    const at = DATA + this.data.length;
    this.data.push(...new Uint8Array(new BigUint64Array([BigInt(handler), 0n, 0n]).buffer));
    return this.syscall(SYS_SIGACTION, signal, at, 0, 8);
  }

  /** A loop of one jump. */
  spin(): this {
    this.words.push(encode('jal', { rd: 0, imm: 0 }));
    return this;
  }

  /** Waits in the kernel for ever: ppoll without descriptors and time limit. */
  sleep(): this {
    return this.syscall(SYS_PPOLL, 0, 0, 0, 0, 8).spin();
  }

  /** The program as an ELF file's bytes. */
  bytes(): Uint8Array {
    const code = new Uint8Array(Uint32Array.from(this.words).buffer);
    const data = Uint8Array.from(this.data.length ? this.data : [0]);
    return writeElf(CODE, [
      { vaddr: CODE, bytes: code, memSize: code.length, flags: 5 },
      { vaddr: DATA, bytes: data, memSize: 4096, flags: 6 },
    ]);
  }

  /** The program as an executable file in a folder of its own. */
  file(name = 'tiny'): string {
    return executable(name, this.bytes());
  }
}

/** Writes an executable file into a new folder of the scratch area; returns its path. */
export function executable(name: string, bytes: Uint8Array, mode = 0o755): string {
  const path = join(mkdtempSync(join(SCRATCH, 'file-')), name);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}
