/** Seeded schedules from the command line: runs that repeat, failures that repeat, recordings. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  BIN,
  capgrind,
  type Outcome,
  ROOT,
  run as runCommand,
  SCRATCH,
  type Settings,
  story,
  TEST_ALL,
  Turns,
} from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { Tiny } from '../support/tiny-guest.js';

const turns = new Turns(2);
const run = (args: readonly string[], settings: Settings = {}): Promise<Outcome> =>
  turns.take(() => capgrind(args, { timeoutMs: 240_000, ...settings }));
const scheduleLine = (o: Outcome): string => /==1000== (schedule: .*)/.exec(o.stderr)?.[1] ?? story(o);
const hash = (o: Outcome): string => / hash (0x[0-9a-f]{16}),/.exec(o.stderr)?.[1] ?? story(o);
const folder = (): string => mkdtempSync(join(SCRATCH, 'schedule-'));

usual('a seed gives one interleaving, under every tool; another seed another', async (t) => {
  t.timeout(1_200_000);
  const seeded = (seed: number, tool: string): Promise<Outcome> =>
    run([`--tool=${tool}`, '--schedule=random', `--seed=${seed}`, join(BIN, 'mini-sync'), '2', '16']);
  const times = TEST_ALL ? 50 : 2;
  const all = await Promise.all([
    ...Array.from({ length: times }, () => seeded(7, 'none')),
    seeded(7, 'lackey'),
    seeded(7, 'helgrind'),
  ]);
  for (const o of all) {
    t.is(scheduleLine(o), scheduleLine(all[0]!));
    t.is(o.stdout, 'mutex: ok\nbarrier: ok\nring: ok\nqueue: ok\n', story(o));
  }
  t.not(hash(await seeded(8, 'none')), hash(all[0]!));
});

for (const [guest, ...words] of [
  ['mini-sync', '--tool=none', '--schedule=random', '--seed=7'],
  ['moment-race', '--tool=helgrind', '--schedule=pct', '--seed=13'],
]) {
  more(`workers that are slow to start, to go on and to end do not matter: ${guest}`, async (t) => {
    t.timeout(1_200_000);
    const command = [...words, join(BIN, guest!), ...(guest === 'mini-sync' ? ['2', '16'] : [])];
    const slow = pathToFileURL(join(ROOT, 'dist/test/support/slow-workers.js')).href;
    // Not the bundle: its classes are out of the reach of who is imported before it.
    const modules = [`--import=${slow}`, join(ROOT, 'dist/src/cli/main.js'), ...command];
    const times = TEST_ALL ? 30 : 2;
    const all = await Promise.all([
      run(command),
      ...Array.from({ length: times }, () =>
        turns.take(() => runCommand(process.execPath, modules, { timeoutMs: 240_000 })),
      ),
    ]);
    for (const o of all) {
      t.is(o.stderr, all[0]!.stderr, story(o));
      t.is(o.stdout, all[0]!.stdout);
    }
  });
}

more(
  'what is beside the seed does not matter: environment, kind of standard output, other load',
  async (t) => {
    t.timeout(600_000);
    for (const kind of ['random', 'pct']) {
      const words = ['--tool=none', `--schedule=${kind}`, '--seed=3', join(BIN, 'mini-sync'), '2', '16'];
      const long = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`CG_${i}`, 'x'.repeat(300)]));
      const [plain, other] = await Promise.all([run(words), run(words, { env: long })]);
      t.is(scheduleLine(other), scheduleLine(plain));
    }
  },
);

usual('a budget of blocks ends a loop for ever, with a status of its own', async (t) => {
  const o = await run(['--tool=none', '--schedule=fair', '--max-blocks=5000', new Tiny().spin().file()]);
  t.is(o.status, 122, story(o));
  t.regex(o.stderr, /switches, 5000 blocks, livelock/);
});

usual('a thread that polls nothing, without a time limit: a deadlock', async (t) => {
  const o = await run(['--tool=none', '--schedule=pct', new Tiny().sleep().file()]);
  t.is(o.status, 121, story(o));
  t.regex(o.stderr, /Deadlock: the only thread waits/);
});

usual('time is virtual: a sleep of ten minutes is over at once', async (t) => {
  const SYS_NANOSLEEP = 101;
  const AT = 0x7f0000;
  const SYS_MMAP = 222;
  const guest = new Tiny()
    .syscall(SYS_MMAP, AT, 4096, 3, 0x32, -1, 0)
    .li(5, AT)
    .li(6, 600)
    .store(6, 5, 0)
    .syscall(SYS_NANOSLEEP, AT, 0)
    .exit(3);
  const o = await run(['--tool=none', '--schedule=fair', guest.file()], { timeoutMs: 120_000 });
  t.is(o.status, 3, story(o));
});

usual('a recording gives input back: from streams and files, under another tool', async (t) => {
  t.timeout(600_000);
  const at = folder();
  const file = join(at, 'recording');
  const cat = ['--schedule=pct', '--seed=5', `--record=${file}`, join(BIN, 'cat')];
  const recorded = await run(['--tool=none', ...cat], { stdin: 'what was\ntyped\n' });
  t.is(recorded.stdout, 'what was\ntyped\n', story(recorded));
  const again = await run(['replay', file, '--tool=lackey'], { stdin: 'something else' });
  t.is(again.stdout, recorded.stdout, story(again));
  t.is(scheduleLine(again), scheduleLine(recorded));
  t.regex(again.stderr, /==1000== replay: the recorded interleaving\n$/);
});

usual(
  'a recording gives back all that comes from outside: clocks, chance, input, a file that is gone',
  async (t) => {
    t.timeout(600_000);
    const at = folder();
    const [file, read] = [join(at, 'recording'), join(at, 'read')];
    writeFileSync(read, 'in the file');
    const words = ['--schedule=random', '--seed=9', `--record=${file}`, join(BIN, 'outside'), read];
    const recorded = await run(['--tool=none', ...words], { stdin: 'what was typed' });
    t.regex(recorded.stdout, /^input 14 what was typed\nfile 11 in the file\n/m, story(recorded));
    rmSync(read);
    const again = await run(['replay', file, '--tool=helgrind'], { stdin: 'something else' });
    t.is(again.stdout, recorded.stdout, story(again));
    t.regex(again.stderr, /replay: the recorded interleaving/);
    // The wall clock of a schedule starts in 2024, whenever it runs.
    const seconds = Number(/^real (\d+)/.exec(recorded.stdout)![1]);
    t.is(new Date(seconds * 1000).getUTCFullYear(), 2024);
    rmSync(at, { recursive: true });
  },
);

more('--quantum: how many steps a turn has, in turn under serial and under a fair schedule', async (t) => {
  t.timeout(600_000);
  const turnsOf = async (rounds: number, ...words: string[]): Promise<number> => {
    const o = await run(['--tool=none', ...words, join(BIN, 'alternate'), `${rounds}`]);
    t.is(o.status, 0, story(o));
    return Number(/^(\d+) turns$/m.exec(o.stdout)![1]);
  };
  // A round of each thread is some two steps: a branch, and an atomic where those count. Under serial a turn lasts until
  // the other thread is back in the queue, which takes longer than 50 steps: far fewer turns than 40,000.
  const serial = await turnsOf(1_000_000, '--atomicity=serial', '--quantum=50');
  t.true(serial >= 100 && serial <= 50_000, `${serial} turns of 50 steps or more`);
  t.true((await turnsOf(1_000_000, '--atomicity=serial')) < 50, 'time slices');
  const fair = await turnsOf(5000, '--schedule=fair', '--quantum=50');
  t.true(fair >= 300 && fair <= 1200, `${fair} turns of 50 steps`);
  t.true((await turnsOf(5000, '--schedule=fair', '--quantum=1000')) < 60);
});

usual('a recording that is damaged, unfinished, of another version or none at all: one line', async (t) => {
  t.timeout(600_000);
  const at = folder();
  const file = join(at, 'recording');
  const made = await run(['--tool=none', '--schedule=fair', `--record=${file}`, join(BIN, 'cat')], {
    stdin: 'abc',
  });
  t.is(made.status, 0, story(made));
  const good = readFileSync(file);
  const variant = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(at, name), bytes);
    return join(at, name);
  };
  const flipped = Uint8Array.from(good);
  flipped[good.length >> 1]! ^= 1;
  const mistakes: [string, RegExp][] = [
    [variant('flipped', flipped), /damaged or was not completed/],
    [variant('cut', good.subarray(0, good.length - 7)), /damaged or was not completed/],
    [variant('short', good.subarray(0, 22)), /damaged or was not completed/],
    [
      variant('version', Buffer.concat([Buffer.from('capgrind-recording 2\n'), good.subarray(21)])),
      /version 2/,
    ],
    [variant('other', Buffer.from('not this')), /is not a recording/],
    [join(at, 'missing'), /cannot read the recording/],
    [
      variant('changed', withProgram(good, new Tiny().exit(0).file())),
      /is not the program that was recorded/,
    ],
  ];
  for (const [path, about] of mistakes) {
    const o = await run(['replay', path]);
    t.is(o.status, 1, story(o));
    t.regex(o.stderr, about);
    t.is(o.stderr.trimEnd().split('\n').length, 2, story(o));
  }
  rmSync(at, { recursive: true });
});

/** The recording with another program's path in it, complete and with a right checksum. */
function withProgram(recording: Buffer, program: string): Buffer {
  const start = recording.indexOf(10) + 1;
  const length = recording.readUInt32LE(start);
  const header = JSON.parse(recording.subarray(start + 4, start + 4 + length).toString()) as {
    program: string;
  };
  header.program = program;
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const rest = recording.subarray(start + 4 + length, recording.length - 32);
  const body = Buffer.concat([recording.subarray(0, start), size, text, rest]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

for (const [title, args, about] of [
  ['an unknown schedule', ['--schedule=slow'], /--schedule=slow/],
  ['a seed without a schedule', ['--seed=1'], /--seed needs/],
  ['a recording without a schedule', ['--record=x'], /--record needs/],
  ['a seed that is none', ['--schedule=pct', '--seed=-1'], /--seed=-1/],
  ['in parallel', ['--schedule=pct', '--atomicity=parallel'], /one thread at a time/],
  ['a depth of none', ['--schedule=pct', '--pct-depth=0'], /--pct-depth=0/],
] as const) {
  usual(`mistake: ${title}`, async (t) => {
    const o = await run(['--tool=none', ...args, join(BIN, 'hello-mini')]);
    t.is(o.status, 1, story(o));
    t.regex(o.stderr, about);
    t.true(o.stderr.startsWith('capgrind: '));
  });
}
