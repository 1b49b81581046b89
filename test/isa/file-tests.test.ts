/**
 * Text tests: `file-tests/*.txt` hold one instruction a line, the encoding in hex and its disassembly. `@hex` sets the
 * address of the next line, `#` starts a comment. Encodings come from the GNU assembler or the manual.
 */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { decode } from '../../src/isa/decode.js';
import { disasm } from '../../src/isa/disasm.js';
import { encode } from '../../src/isa/encode.js';
import { RVC_ROWS } from '../../src/isa/rvc.js';
import { ROWS } from '../../src/isa/table.js';

/** The sources stay under test/, the compiled tests run from dist/test/. */
const FOLDER = new URL('../../../test/isa/file-tests/', import.meta.url);

const named = new Set<string>();

for (const file of readdirSync(FOLDER).filter((f) => f.endsWith('.txt'))) {
  test(file, (t) => {
    let pc = 0;
    for (const line of readFileSync(new URL(file, FOLDER), 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('@')) {
        pc = Number.parseInt(line.slice(1), 16);
        continue;
      }
      const [hex, ...words] = line.split(/\s+/);
      const raw = Number.parseInt(hex, 16);
      const insn = decode(raw);
      t.is(disasm(insn, pc, raw), words.join(' '), `${file}: ${line}`);
      if (insn !== null) {
        t.is(encode(insn.compressed || insn.op, insn), raw, `${file}: ${line}`);
        named.add(insn.compressed || insn.op);
      }
      pc += hex.length / 2;
    }
  });
}

test('the files name every instruction', (t) => {
  const missing = [...ROWS, ...RVC_ROWS].map((row) => row.name).filter((name) => !named.has(name));
  t.deepEqual(missing, []);
});
