/** Runs the GNU assembler and disassembler for RISC-V, where they are installed, as an oracle for ours. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const AS = 'riscv64-linux-gnu-as';
const OBJDUMP = 'riscv64-linux-gnu-objdump';

/** Whether both tools can be run here and know the extensions (binutils 2.38 and later do). */
export function haveBinutils(): boolean {
  try {
    return objdump([0x00000013]).length === 1;
  } catch {
    return false;
  }
}

/** One line of objdump: its address, and its text in the notation of our disassembler. */
export interface Line {
  pc: number;
  text: string;
}

/** What `objdump -d -M no-aliases` makes of the encodings (2 or 4 bytes each by their low bits), laid out from 0 on. */
export function objdump(words: readonly number[]): Line[] {
  const dir = mkdtempSync(join(tmpdir(), 'capgrind-isa-'));
  try {
    const source = words.map((w) => `.insn ${(w & 3) === 3 ? 4 : 2}, ${w >>> 0}\n`).join('');
    writeFileSync(join(dir, 'a.s'), `.text\n${source}`);
    execFileSync(AS, ['-march=rv64gc_zba_zbb_zbs', '-o', 'a.o', 'a.s'], { cwd: dir, stdio: 'pipe' });
    const out = execFileSync(OBJDUMP, ['-d', '-M', 'no-aliases', 'a.o'], {
      cwd: dir,
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 1 << 28,
    });
    const lines: Line[] = [];
    for (const m of out.matchAll(/^ *([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/gm)) {
      const text = m[2]
        .replace(/\s*#.*$/, '') // an address objdump computed from earlier instructions
        .replace(/([0-9a-f]+) <.*>$/, '0x$1') // a target and its symbol
        .replace('\t', ' ')
        .replace(/^\.insn ([24]), /, '.$1byte ') // how newer ones write data
        .trimEnd();
      lines.push({ pc: Number.parseInt(m[1], 16), text });
    }
    return lines;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
