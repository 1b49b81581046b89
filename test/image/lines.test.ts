/** Source lines of the committed guest programs, against the text of their sources. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ImageSet } from '../../src/image/image-set.js';

const ROOT = existsSync('test/guests/bin') ? '.' : join(import.meta.dirname, '../../..');
const BIN = join(ROOT, 'test/guests/bin');
const SOURCE = readFileSync(join(ROOT, 'test/guests/src/race-counter.c'), 'utf8').split('\n');

/** Number, from 1, of the only line of race-counter.c that contains a text. */
function lineOf(text: string): number {
  const found = SOURCE.flatMap((line, i) => (line.includes(text) ? [i + 1] : []));
  if (found.length !== 1) throw new Error(`${found.length} lines with ${text}`);
  return found[0];
}

function raceCounter(): ImageSet {
  const images = new ImageSet();
  images.add(join(BIN, 'race-counter'), 0, 0x10000, 0x90000);
  return images;
}

/** Lines of a function in the order of its code, repetitions left out. */
function linesOf(images: ImageSet, name: string): number[] {
  const [start] = images.addressesOf(name);
  const { size } = images.functionAt(start)!;
  const lines: number[] = [];
  for (let pc = start; pc < start + size; pc += 2) {
    const [frame] = images.describe(pc);
    if (frame.line !== lines[lines.length - 1]) lines.push(frame.line);
  }
  return lines;
}

test('every statement of a function has its line, in the order of an unoptimised program', (t) => {
  const lines = linesOf(raceCounter(), 'count');
  const statements = [
    'static void count',
    'racy++',
    'pthread_mutex_lock(',
    'locked++',
    'pthread_mutex_unlock(',
  ];
  const wanted = statements.map(lineOf);
  t.deepEqual(
    lines.filter((line, i) => wanted.includes(line) && lines.indexOf(line) === i),
    wanted,
  );
  t.true(Math.min(...lines) === wanted[0] && Math.max(...lines) <= wanted[4] + 2);
});

test('a return address is described by the call before it', (t) => {
  const images = raceCounter();
  const [start] = images.addressesOf('main');
  const { size } = images.functionAt(start)!;
  // The function's end is one past its last instruction: as a return address it still belongs to main.
  const [frame] = images.describe(start + size, true);
  t.is(frame.fn, 'main');
  t.is(frame.pc, start + size - 1);
  t.is(frame.file, 'race-counter.c');
  t.not(images.describe(start + size)[0].fn, 'main');
});

test('files come with the directory they were compiled in', (t) => {
  const images = raceCounter();
  const [frame] = images.describe(images.addressesOf('main')[0]);
  t.is(frame.file, 'race-counter.c');
  t.regex(frame.dir ?? '', /test\/guests\/src\/?$|^\.?$/);
  t.is(frame.line, lineOf('int main'));
  t.is(frame.obj, join(BIN, 'race-counter'));
  t.false(frame.inlined);
});

test('code without line information has a function and an object only', (t) => {
  const images = raceCounter();
  const [frame] = images.describe(images.addressesOf('malloc')[0] + 2);
  t.deepEqual([frame.file, frame.dir, frame.line], [null, null, 0]);
  t.regex(frame.fn ?? '', /malloc/);
});

test('an address outside of every image is a frame without anything', (t) => {
  t.deepEqual(raceCounter().describe(0x7000_0000), [
    { pc: 0x7000_0000, fn: null, obj: null, file: null, dir: null, line: 0, inlined: false },
  ]);
});

test('descriptions follow the mappings', (t) => {
  const images = raceCounter();
  const [pc] = images.addressesOf('main');
  t.is(images.describe(pc)[0].fn, 'main');
  images.remove(pc, pc + 2);
  t.is(images.describe(pc)[0].fn, null);
  t.is(images.describe(pc + 2)[0].fn, 'main');
});
