/** --dump: the code of a function at each stage of its translation, instead of a run. */
import test, { type ExecutionContext } from 'ava';
import wabt from 'wabt';
import { decode } from '../../src/isa/decode.js';
import { ROWS } from '../../src/isa/table.js';
import { translate } from '../../src/jit/translate.js';
import { moduleText } from '../../src/jit/wat.js';
import { BIN, capgrind, type Outcome, story, Turns } from '../support/capgrind.js';
import { Random } from '../support/random.js';
import { executable, Tiny } from '../support/tiny-guest.js';

const tools = await wabt();
const FEATURES = { threads: true, simd: true, relaxed_simd: true };
const turns = new Turns(2);

/** What --dump shows of a committed guest. The dump goes to standard output, nothing to standard error. */
async function dump(t: ExecutionContext, guest: string, ...options: string[]): Promise<string> {
  const o = await turns.take(() => capgrind([...options, `${BIN}/${guest}`]));
  t.is(o.status, 0, story(o));
  t.is(o.stderr, '', story(o));
  return o.stdout;
}

/** Mnemonics of a guest dump, block by block. */
function mnemonics(text: string): string[][] {
  const [, ...lines] = text.split('\n');
  return lines
    .join('\n')
    .split('\n\n')
    .map((block) => [...block.matchAll(/^ *[0-9a-f]+: {2}[0-9a-f]+ +(\S+)/gm)].map((m) => m[1]!));
}

test('guest: main of hello-static calls puts, and the program does not run', async (t) => {
  t.timeout(180_000);
  const text = await dump(t, 'hello-static', '--tool=none', '--dump=guest');
  t.regex(text, /^# guest code at 0x[0-9a-f]+ <main>\n/);
  const blocks = mnemonics(text);
  t.is(blocks.length, 2, text);
  t.is(blocks[0]!.at(-1), 'jal', 'the call ends the first block');
  t.is(blocks[1]!.at(-1), 'c.jr', 'the return ends the second');
  t.regex(text, /jal ra,0x[0-9a-f]+ <puts>\n\n/);
  t.regex(text, / 1141 +c\.addi sp,-16\n/, 'encoding and text of the frame');
});

test('guest: blocks lie in the order of their addresses, each instruction at its own', async (t) => {
  t.timeout(180_000);
  const text = await dump(t, 'race-counter', '--tool=none', '--dump=guest', '--dump-at=count');
  const rows = [...text.matchAll(/^ *([0-9a-f]+): {2}([0-9a-f]+) +(.*)$/gm)];
  t.regex(rows[0]![3]!, /^c\.addi(16sp)? sp,-\d+$/, 'the prologue comes first');
  // The loop has a jump to its condition, two calls, the condition and the way out.
  t.is(mnemonics(text).length, 6, text);
  for (const [i, row] of rows.entries()) {
    const next = rows[i + 1];
    if (next) t.is(Number.parseInt(next[1]!, 16), Number.parseInt(row[1]!, 16) + row[2]!.length / 2, row[0]);
  }
  const at = `0x${rows[0]![1]}`;
  t.is(await dump(t, 'race-counter', '--tool=none', '--dump=guest', `--dump-at=${at}`), text);
});

test('ir and instrumented: a tool adds to what the program does', async (t) => {
  t.timeout(180_000);
  const plain = await dump(t, 'hello-static', '--tool=lackey', '--dump=ir');
  const counted = await dump(t, 'hello-static', '--tool=lackey', '--dump=instrumented');
  t.regex(plain, /:i32 = xlat t\d+\+8 size=8 acc=w base=sp\n {2}i64\.store \[t\d+\+8\]/, 'the saved ra');
  t.regex(plain, /^ {2}-> call 0x[0-9a-f]+ ret 0x/m);
  t.notRegex(plain, /store host/);
  const counters = counted.match(/i64\.store host \[ts\+\d+\]/g) ?? [];
  // Calls of main, and for each of the two blocks: entered, instructions, statements, completed.
  t.is(counters.length, 9, counted);
  t.true(counted.includes('base=sp'), 'what the program does is still there');
});

test('instrumented under the tool none is ir', async (t) => {
  t.timeout(180_000);
  const of = (stage: string): Promise<string> =>
    dump(t, 'race-counter', '--tool=none', `--dump=${stage}`, '--dump-at=count');
  const body = (text: string): string => text.slice(text.indexOf('\n'));
  t.is(body(await of('instrumented')), body(await of('ir')));
});

test('wasm: a loop, calls by name, and text that an assembler takes', async (t) => {
  t.timeout(180_000);
  const text = await dump(t, 'race-counter', '--tool=helgrind', '--dump=wasm', '--dump-at=count');
  const opens = text.match(/^ +(block|loop|if) \$L\d+/gm) ?? [];
  const closes = text.match(/^ +end$/gm) ?? [];
  t.true(opens.length > 0);
  t.is(closes.length, opens.length);
  t.regex(text, /^ +loop \$L\d+$/m);
  t.regex(text, /^ +br_if \$L\d+$/m);
  t.regex(text, /^ +call \$exit$/m);
  t.regex(text, /^ +call \$enter$/m, 'the mutex functions are in other modules');
  t.true(WebAssembly.validate(assembled(text) as Uint8Array<ArrayBuffer>));
});

test('without a function main the entry point is shown', async (t) => {
  const file = executable('dumped', new Tiny().exit(0).bytes());
  const o = await turns.take(() => capgrind(['--tool=none', '--dump=guest', file]));
  t.is(o.status, 0, story(o));
  t.regex(o.stdout, /ecall\n/);
});

function refuses(title: string, options: readonly string[], why: string): void {
  test(title, async (t) => {
    const o: Outcome = await turns.take(() => capgrind(['--tool=none', ...options, `${BIN}/hello-static`]));
    t.is(o.status, 1, story(o));
    t.is(o.stdout, '');
    t.is(o.stderr, `capgrind: ${why}\ncapgrind: Use --help for more information.\n`);
  });
}

const STAGES = 'guest, ir, instrumented or wasm';
refuses('no such stage', ['--dump=asm'], `Bad option: --dump=asm (${STAGES})`);
refuses('a place without a stage', ['--dump-at=main'], `--dump-at needs --dump=${STAGES}`);
const HERE = `${BIN}/hello-static`;
refuses('no such function', ['--dump=ir', '--dump-at=mian'], `no function named mian in ${HERE}`);
refuses('a data symbol', ['--dump=ir', '--dump-at=stdout'], `no function named stdout in ${HERE}`);
refuses('no number', ['--dump=ir', '--dump-at=0xzz'], 'Bad option: --dump-at=0xzz (a function or 0xADDRESS)');
refuses('an address of nothing', ['--dump=ir', '--dump-at=0x10'], `no code at 0x10 in ${HERE}`);
refuses(
  'an address beyond all',
  ['--dump=ir', '--dump-at=0xffffffffffffffff'],
  `no code at 0xffffffffffffffff in ${HERE}`,
);
refuses('an odd address', ['--dump=ir', '--dump-at=0x1052b'], `no code at 0x1052b in ${HERE}`);

/** A module as wabt writes it, without the types: an assembler numbers them in its own order. */
function canonical(bytes: Uint8Array): string {
  const module = tools.readWasm(bytes, FEATURES);
  try {
    const text = module.toText({ foldExprs: false, inlineExport: false });
    return text.replace(/^ *\(type \(;.*\n/gm, '').replace(/\(type \d+\)/g, '(type)');
  } finally {
    module.destroy();
  }
}

function assembled(text: string): Uint8Array {
  const module = tools.parseWat('text.wat', text, FEATURES);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

test('the text of every instruction assembles to the code it was made of', (t) => {
  const random = new Random(7);
  for (const row of ROWS) {
    for (let n = 0; n < 3; n++) {
      // Any operands; rounding to nearest (0), toward zero (1) and dynamic (7) take different ways.
      let word = (row.match | (random.u32() & ~row.mask)) >>> 0;
      const rm = [0, 1, 7][n]!;
      if (/rm/.test(row.fmt)) word = ((word & ~0x7000) | (rm << 12)) >>> 0;
      if (row.fmt === 'R4') word = ((word & ~0x7000) | (rm << 12)) >>> 0;
      const code = new Map([
        [0x1000, word],
        [0x1004, 0xffdff06f],
      ]);
      let slots = 1;
      const { bytes } = translate(
        0x1000,
        (pc) => (code.has(pc) ? decode(code.get(pc)!) : undefined),
        { slotOf: () => slots++, wanted: () => false },
        null,
        {
          tso: false,
          multi: false,
          fma: true,
          fuel: 100,
          limits: { insns: 10, blocks: 4 },
          batch: 1,
          memoryPages: 1,
        },
      );
      const text = moduleText(bytes);
      t.is(canonical(assembled(text)), canonical(bytes), `${row.name} 0x${word.toString(16)}\n${text}`);
    }
  }
});

test('bytes that translation does not emit are refused', (t) => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  t.throws(() => moduleText(Uint8Array.from([...head, 9, 0])), { message: /unknown section 9/ });
  t.throws(() => moduleText(Uint8Array.from([...head, 10, 40, 0])), { message: /ends too early/ });
  const oneFunction = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 5, 1, 3, 0, 0x06, 0x0b];
  t.throws(() => moduleText(Uint8Array.from([...head, ...oneFunction])), {
    message: /unknown instruction 0x6/,
  });
});
