/**
 * Damaged programs through the whole program: whatever the bytes say, the framework neither hangs nor fails. A run ends
 * with the guest's own status or signal, or with 126 or 127 and one line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, capgrind, type Outcome, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';
import { Random } from '../support/random.js';
import { executable } from '../support/tiny-guest.js';

/** First seed: test:more has others than the usual run. */
const FIRST = runsNow(true) ? 1 : 101;
const ROUNDS = TEST_ALL ? 1000 : runsNow(true) ? 16 : 100;
/** A guest may loop for ever once its code is damaged: then SIGTERM has to end it. */
const PATIENCE_MS = 4_000;
const LIMIT_MS = 30_000;
const turns = new Turns(2);

const HEADER = 64;
const PROGRAM_HEADER = 56;
const INTERESTING = [
  0n,
  1n,
  2n,
  0xfffn,
  0x1000n,
  0x7fffffffn,
  0x80000000n,
  1n << 47n,
  1n << 63n,
  (1n << 64n) - 1n,
];

interface Damage {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** Some fields of the ELF header or of a program header take values that break naive arithmetic, or random ones. */
function damageHeaders(random: Random, original: Uint8Array): Damage {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const end = HEADER + PROGRAM_HEADER * view.getUint16(56, true);
  const done: string[] = [];
  for (let n = random.range(1, 3); n > 0; n--) {
    // Not the magic: a file that is no ELF is refused at once and finds nothing.
    if (random.chance(50)) {
      const at = random.range(4, end - 1);
      bytes[at] = random.below(256);
      done.push(`byte ${at} = ${bytes[at]}`);
    } else {
      const at = 24 + 8 * random.below((end - 24 - 8) >> 3);
      const value = random.chance(80) ? random.pick(INTERESTING) : random.u64();
      view.setBigUint64(at, value, true);
      done.push(`word ${at} = 0x${value.toString(16)}`);
    }
  }
  return { what: done.join(', '), bytes };
}

/** Some bytes of the executable segment change: other instructions, other branches, other system calls. */
function damageCode(random: Random, original: Uint8Array): Damage {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const [start, size] = codeOf(view);
  const done: string[] = [];
  for (let n = random.range(1, 6); n > 0; n--) {
    const at = start + random.below(size);
    bytes[at] = random.chance(50) ? bytes[at]! ^ (1 << random.below(8)) : random.below(256);
    done.push(`byte ${at} = ${bytes[at]}`);
  }
  return { what: done.join(', '), bytes };
}

/** File offset and size of the first executable segment. */
function codeOf(view: DataView): [number, number] {
  for (let i = 0; i < view.getUint16(56, true); i++) {
    const h = HEADER + PROGRAM_HEADER * i;
    if (view.getUint32(h, true) !== 1 || (view.getUint32(h + 4, true) & 1) === 0) continue;
    return [Number(view.getBigUint64(h + 8, true)), Number(view.getBigUint64(h + 32, true))];
  }
  throw new Error('no executable segment');
}

/** What is wrong with how a run ended; empty if nothing is. */
function complaint(o: Outcome): string {
  if (o.timedOut) return 'it hangs: not even SIGTERM ended it';
  if (/^\s+at .*:\d+:\d+\)?$/m.test(o.stderr)) return 'a JavaScript stack';
  if (o.status === 70) return 'an error of the framework';
  const ours = o.stderr.split('\n').filter((line) => line.startsWith('capgrind: '));
  const refused = o.status === 126 || o.status === 127;
  if (ours.length > (refused ? 1 : 0)) return 'the framework complains about itself';
  return '';
}

async function survives(t: ExecutionContext, damage: Damage, seed: number): Promise<void> {
  const program = executable(`seed-${seed}`, damage.bytes);
  let patience: NodeJS.Timeout | undefined;
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-q', program], {
      timeoutMs: LIMIT_MS,
      started: (child) => {
        patience = setTimeout(() => child.kill('SIGTERM'), PATIENCE_MS);
      },
    }),
  );
  clearTimeout(patience);
  const wrong = complaint(o);
  if (wrong !== '') t.fail(`${wrong}; seed ${seed}: ${damage.what}\n${story(o)}`);
}

for (const [title, damage] of [
  ['headers', damageHeaders],
  ['code', damageCode],
] as const) {
  test(`damaged ${title}`, async (t) => {
    t.timeout(3_600_000);
    const guest = new Uint8Array(readFileSync(join(BIN, 'hello-mini')));
    const seeds = Array.from({ length: ROUNDS / 2 }, (_, i) => i + FIRST);
    await Promise.all(seeds.map((seed) => survives(t, damage(new Random(seed), guest), seed)));
    t.pass();
  });
}

test('the judge sees what it looks for', (t) => {
  const fine = { command: '', signal: null, stdout: '', stderr: '', timedOut: false, milliseconds: 0 };
  t.is(complaint({ ...fine, status: 3 }), '');
  t.is(complaint({ ...fine, status: 126, stderr: 'capgrind: x: not an ELF file\n' }), '');
  t.not(complaint({ ...fine, status: 70, stderr: 'capgrind: mutex held\n' }), '');
  t.not(complaint({ ...fine, status: 1, stderr: 'Error: x\n    at f (file.js:1:2)\n' }), '');
  t.not(complaint({ ...fine, status: 0, stderr: 'capgrind: odd\n' }), '');
  t.not(complaint({ ...fine, status: null, timedOut: true }), '');
});
