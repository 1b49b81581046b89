/** Call frame information: against readelf on a real program, and of sections made by hand. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ElfFile, Section } from '../../kernel/elf/elf.js';
import { type CfiRow, CfiTable } from '../../src/image/cfi.js';
import { evaluate } from '../../src/image/cfi-expression.js';
import { Image } from '../../src/image/image.js';

const BIN = existsSync('test/guests/bin')
  ? 'test/guests/bin'
  : join(import.meta.dirname, '../../../test/guests/bin');
const REGISTERS = (
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6 ' +
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11'
).split(' ');

const uleb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...uleb(n >>> 7)]);
const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const u64 = (n: number): number[] => [...u32(n), ...u32(Math.floor(n / 2 ** 32))];
const block = (bytes: number[]): number[] => [...u32(bytes.length), ...bytes];

/** A file with nothing but frame sections. */
function file(sections: Record<string, { addr: number; bytes: number[] }>): ElfFile {
  const section = (name: string): Section | null => {
    const found = sections[name];
    return found === undefined ? null : ({ name, addr: found.addr, flags: 0 } as unknown as Section);
  };
  const sectionBytes = (s: Section): Uint8Array => Uint8Array.from(sections[s.name].bytes);
  return { section, sectionBytes } as unknown as ElfFile;
}

/** .debug_frame version 3 with one CIE (data alignment -8, CFA = sp) and one FDE for [0x1000, 0x1100). */
function debugFrame(program: number[], cieProgram: number[] = [0x0c, 2, 0]): ElfFile {
  const cie = block([...u32(0xffffffff), 3, 0, 1, 0x78, 1, ...cieProgram]);
  const fde = block([...u32(0), ...u64(0x1000), ...u64(0x100), ...program]);
  return file({ '.debug_frame': { addr: 0, bytes: [...cie, ...fde] } });
}

const rowAt = (elf: ElfFile, addr: number): CfiRow | null => new CfiTable([elf]).at(addr);
const rules = (row: CfiRow | null): unknown[] => [...(row?.rules ?? [])];

test('rules take effect at the address they advance to', (t) => {
  // 4: CFA = sp+32; 6: ra at CFA-8.
  const elf = debugFrame([0x44, 0x0e, 32, 0x42, 0x81, 1]);
  t.is(rowAt(elf, 0xfff), null);
  t.is(rowAt(elf, 0x1100), null);
  t.is(rowAt(elf, 0x1003)?.cfaOffset, 0);
  t.is(rowAt(elf, 0x1004)?.cfaOffset, 32);
  t.deepEqual(rules(rowAt(elf, 0x1005)), []);
  t.deepEqual(rules(rowAt(elf, 0x1006)), [[1, { kind: 'offset', value: -8 }]]);
  t.is(rowAt(elf, 0x10ff)?.raColumn, 1);
});

test('remembered states nest, and restore goes back to what the CIE says', (t) => {
  const cie = [0x0c, 2, 0, 0x88, 3]; // s0 at CFA-24
  // 2: ra at CFA-8, s0 at CFA-16, remember; 4: CFA 48, restore s0 and ra; 6: restore_state
  const elf = debugFrame([0x42, 0x81, 1, 0x88, 2, 0x0a, 0x42, 0x0e, 48, 0xc8, 0xc1, 0x42, 0x0b], cie);
  t.deepEqual(rules(rowAt(elf, 0x1004)), [[8, { kind: 'offset', value: -24 }]]);
  t.is(rowAt(elf, 0x1004)?.cfaOffset, 48);
  const back = rowAt(elf, 0x1006);
  t.is(back?.cfaOffset, 0);
  t.deepEqual(back?.rules.get(8), { kind: 'offset', value: -16 });
  t.deepEqual(back?.rules.get(1), { kind: 'offset', value: -8 });
});

test('the long forms of rules', (t) => {
  const elf = debugFrame([
    ...[0x05, 9, 4], // offset_extended s1 at CFA-32
    ...[0x11, 18, 0x7f], // offset_extended_sf s2 at CFA+8
    ...[0x14, 19, 5], // val_offset s3 = CFA-40
    ...[0x09, 20, 10], // register s4 in a0
    ...[0x07, 1], // undefined ra
    ...[0x08, 21], // same_value s5
    ...[0x0d, 8], // def_cfa_register s0
    ...[0x13, 0x7e], // def_cfa_offset_sf +16
    ...[0x03, 0, 1, 0x0e, 99], // advance_loc2 256: beyond
  ]);
  const row = rowAt(elf, 0x1080);
  t.deepEqual(rules(row), [
    [9, { kind: 'offset', value: -32 }],
    [18, { kind: 'offset', value: 8 }],
    [19, { kind: 'valOffset', value: -40 }],
    [20, { kind: 'register', value: 10 }],
    [1, { kind: 'undefined' }],
    [21, { kind: 'same' }],
  ]);
  t.deepEqual([row?.cfaRegister, row?.cfaOffset], [8, 16]);
});

test('damaged instructions make a row unknown, not an error', (t) => {
  t.is(rowAt(debugFrame([0x3f, 0]), 0x1000), null);
  t.is(rowAt(debugFrame([0x0b]), 0x1000), null);
  t.is(rowAt(debugFrame([0x0f, 0x7f]), 0x1000), null);
});

test('.eh_frame: augmentation, personality, pc-relative addresses, signal frames', (t) => {
  const ADDR = 0x5000;
  // zPLRS: personality (udata4), LSDA encoding, FDE pointers sdata4|pcrel, signal
  const cie = block([
    ...u32(0),
    1,
    0x7a,
    0x50,
    0x4c,
    0x52,
    0x53,
    0,
    1,
    0x78,
    1,
    7,
    3,
    ...u32(9),
    3,
    0x1b,
    0x0c,
    2,
    0,
  ]);
  const at = cie.length + 8; // of the FDE's initial location
  const start = 0x1000;
  const fde = block([
    ...u32(cie.length + 4),
    ...u32(start - (ADDR + at)),
    ...u32(0x20),
    4,
    ...u32(7),
    0x0e,
    16,
  ]);
  const table = new CfiTable([
    file({ '.eh_frame': { addr: ADDR, bytes: [...cie, ...fde, 0, 0, 0, 0] } }),
    null,
  ]);
  const row = table.at(start + 0x1f);
  t.is(row?.cfaOffset, 16);
  t.true(row?.signal);
  t.is(table.at(start + 0x20), null);
  t.is(table.at(start - 1), null);
});

test('expressions', (t) => {
  const regs = Array.from({ length: 32 }, (_, i) => i * 100);
  const context = { regs, readWord: (addr: number) => (addr === 208 ? 5000 : null) };
  const run = (bytes: number[], start: number[] = []): number =>
    evaluate(Uint8Array.from(bytes), context, start);
  t.is(run([0x72, 8, 0x06, 0x23, ...uleb(1000)]), 6000); // *(sp+8) + 1000
  t.is(run([0x38, 0x1c], [64]), 56); // lit8 minus
  t.is(run([0x72, 0x78]), 192); // breg2 -8
  t.is(run([0x31, 0x32, 0x33, 0x17, 0x1c, 0x1c]), 3 - (1 - 2)); // rot
  t.is(run([0x31, 0x28, 1, 0, 0x3f, 0x35], [7]), 5); // bra over lit15
  t.is(run([0x08, 0xf5, 0x3c, 0x1a]), 4); // 0xf5 & 12
  t.throws(() => run([0x2f, 0xfd, 0xff])); // endless loop
  t.throws(() => run([0x22]));
  t.throws(() => run([0x30, 0x06])); // unreadable
});

interface Interp {
  readonly addr: number;
  readonly cfa: string;
  readonly rules: ReadonlyMap<string, string>;
}

/** Rows of `readelf --debug-dump=frames-interp`: `LOC CFA reg...` heads, then one line per row. */
function interp(program: string): Interp[] {
  const out = spawnSync('riscv64-linux-gnu-readelf', ['--debug-dump=frames-interp', program], {
    encoding: 'utf8',
  });
  const rows: Interp[] = [];
  let heads: string[] = [];
  let inFde = false;
  for (const line of (out.stdout ?? '').split('\n')) {
    if (/ (CIE|FDE) /.test(line)) {
      inFde = line.includes(' FDE ');
      heads = [];
    }
    const words = line.trim().split(/\s+/);
    if (words[0] === 'LOC') heads = words.slice(2);
    else if (inFde && heads.length + 2 === words.length && /^[0-9a-f]{16}$/.test(words[0])) {
      const cells = words.slice(2).map((word, i): [string, string] => [heads[i], word]);
      rows.push({ addr: Number.parseInt(words[0], 16), cfa: words[1], rules: new Map(cells) });
    }
  }
  return rows;
}

for (const guest of ['hello-static', 'cplusplus', 'race-counter']) {
  test(`every row of ${guest} is as readelf shows it`, (t) => {
    const program = join(BIN, guest);
    const rows = interp(program);
    if (rows.length === 0) {
      t.log('no riscv64-linux-gnu-readelf: not compared');
      t.pass();
      return;
    }
    t.true(rows.length > 100);
    const image = new Image(program, 0);
    let compared = 0;
    for (const [i, { addr, cfa, rules: wanted }] of rows.entries()) {
      // The same address again: the later row is the one in force.
      if (rows[i + 1]?.addr === addr) continue;
      const row = image.cfiAt(addr);
      const where = `0x${addr.toString(16)}`;
      if (row === null) {
        t.fail(where);
        continue;
      }
      t.is(`${REGISTERS[row.cfaRegister]}+${row.cfaOffset}`, cfa, where);
      for (const [name, cell] of wanted) {
        const rule = row.rules.get(name === 'ra' ? 1 : REGISTERS.indexOf(name));
        let mine = 'u';
        if (rule?.kind === 'offset') mine = `c${rule.value < 0 ? '' : '+'}${rule.value}`;
        // readelf shows registers without a rule as u as well.
        t.is(mine, cell, `${where} ${name}`);
        compared++;
      }
    }
    t.true(compared > 100);
  });
}
