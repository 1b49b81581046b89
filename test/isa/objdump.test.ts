import test, { type ExecutionContext } from 'ava';
import { decode } from '../../src/isa/decode.js';
import { disasm } from '../../src/isa/disasm.js';
import { ROWS } from '../../src/isa/table.js';
import { haveBinutils, objdump } from './objdump.js';

const available = haveBinutils();

/** What objdump names although only privileged code may execute it. */
const PRIVILEGED = /^(mret|sret|uret|hret|dret|wfi|sfence\.\w+|hfence\.\w+|hlvx?\.\w+|hsv\.\w+)\b/;
const DATA = /^\.[24]byte /;

/**
 * Whether the two texts say the same. The differences that are right are spelled out; binutils 2.40 behaves so, and a
 * newer one that agrees with us passes as well.
 */
function agree(ours: string, theirs: string, raw: number): boolean {
  if (ours === theirs) return true;
  if (ours === 'c.nop') return theirs === 'c.addi zero,0';
  if (ours === 'csrrw zero,cycle,zero') return theirs === 'unimp';
  // Shifts by 0 are named after RV128's shift by 64.
  const shift = /^(c\.s\w+) (\w+),0x0$/.exec(ours);
  if (shift !== null) return theirs === `${shift[1]}64 ${shift[2]}`;
  // The manual reserves an adjustment by 0.
  if (raw === 0x6101) return DATA.test(ours) && theirs === 'c.addi16sp sp,0';
  // Reserved rounding modes are illegal for us, "unknown" for them.
  if (DATA.test(ours)) return PRIVILEGED.test(theirs) || /,unknown$/.test(theirs);
  // They know more CSR names than a user program may use.
  if (/^csrr/.test(ours)) return theirs === ours.replace(/0x[0-9a-f]+/, theirs.split(',')[1]);
  if (!DATA.test(theirs)) return false;
  // Reserved fields of fences are to be ignored; binutils wants them 0.
  if (/^fence\.i$/.test(ours)) return raw >>> 15 !== 0 || ((raw >>> 7) & 31) !== 0;
  if (/^fence/.test(ours)) return raw >>> 28 !== 0 || ((raw >>> 15) & 31) !== 0 || ((raw >>> 7) & 31) !== 0;
  // An exact conversion may carry any valid rounding mode; binutils 2.40 knows only 0.
  return /^fcvt\.d\.(s|wu?) \w+,\w+,(rtz|rdn|rup|rmm|dyn)$/.test(ours);
}

function compare(t: ExecutionContext, words: readonly number[]): void {
  if (!available) {
    t.log('riscv64-linux-gnu binutils are not installed: nothing to compare with');
    t.pass();
    return;
  }
  const lines = objdump(words);
  t.is(lines.length, words.length);
  const wrong: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const raw = words[i];
    const { pc, text } = lines[i];
    const ours = disasm(decode(raw), pc, raw);
    if (!agree(ours, text, raw)) wrong.push(`${raw.toString(16)}: ours ${ours}, theirs ${text}`);
  }
  t.deepEqual(wrong.slice(0, 20), []);
}

/** A small generator (xorshift32), so that a failure can be repeated. */
function random(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

test('objdump agrees on every compressed encoding', (t) => {
  const words = Array.from({ length: 65536 }, (_, w) => w).filter((w) => (w & 3) !== 3);
  compare(t, words);
});

test('objdump agrees on random words of every row', (t) => {
  const next = random(20261124);
  const words = ROWS.flatMap((row) =>
    Array.from({ length: 60 }, () => ((next() & ~row.mask) | row.match) >>> 0),
  );
  compare(t, words);
});

test('objdump agrees on every opcode, funct3 and funct7 with random registers', (t) => {
  const next = random(7);
  const words: number[] = [];
  for (let key = 0; key < 1 << 15; key++) {
    const opcode = key & 31;
    if ((opcode & 7) === 7) continue; // 48 bits and more have no 4-byte form
    const fixed = ((key >> 8) << 25) | (((key >> 5) & 7) << 12) | (opcode << 2) | 3;
    words.push(((next() & 0x01ff8f80) | fixed) >>> 0);
  }
  compare(t, words);
});

if (process.env['CAPGRIND_TEST_ALL']) {
  test('objdump agrees on every value of the rs2 field where it is part of the opcode', (t) => {
    const next = random(99);
    const words: number[] = [];
    for (const opcode of [0x13, 0x1b, 0x3b, 0x2f, 0x53, 0x73]) {
      for (let f = 0; f < 1 << 15; f++) {
        const fixed = ((f >> 3) << 20) | ((f & 7) << 12) | opcode;
        words.push(((next() & 0x000f8f80) | fixed) >>> 0, fixed >>> 0);
      }
    }
    compare(t, words);
  });
}
