/** The command line as a user meets it: help, mistakes, option files, log files, exit status. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  BIN,
  capgrind,
  type Outcome,
  ROOT,
  SCRATCH,
  type Settings,
  story,
  Turns,
} from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { Tiny } from '../support/tiny-guest.js';

const turns = new Turns(2);
const hello = join(BIN, 'hello-mini');
const run = (args: readonly string[], settings?: Settings): Promise<Outcome> =>
  turns.take(() => capgrind(args, settings));

function mistake(t: ExecutionContext, o: Outcome, about: RegExp): void {
  const lines = o.stderr.trimEnd().split('\n');
  const good =
    o.status === 1 &&
    o.stdout === '' &&
    lines.length <= 2 &&
    lines.every((l) => l.startsWith('capgrind: ')) &&
    about.test(lines[0]!);
  t.true(good, `${story(o)}\nwanted status 1 and "capgrind: ..." about ${about}`);
}

for (const [title, args, about] of [
  ['no program', ['--tool=none'], /no program/],
  ['an unknown option', ['--tool=none', '--no-such-option=1', hello], /no-such-option/],
  ['an unknown short option', ['--tool=none', '-x', hello], /-x|\bx\b/],
  ['an unknown tool', ['--tool=memchekc', hello], /memchekc/],
  ['a tool without a name', ['--tool=', hello], /tool/],
  ['an unknown policy', ['--tool=none', '--atomicity=none', hello], /--atomicity=none/],
  ['too few callers', ['--tool=none', '--num-callers=1', hello], /--num-callers=1/],
  ['callers that are no number', ['--tool=none', '--num-callers=many', hello], /--num-callers=many/],
  ['an exit code of 256', ['--tool=none', '--error-exitcode=256', hello], /--error-exitcode=256/],
  ['neither yes nor no', ['--tool=none', '--demangle=maybe', hello], /--demangle=maybe/],
  ['no threads at all', ['--tool=none', '--max-threads=0', hello], /--max-threads=0/],
  [
    'a log file in no folder',
    ['--tool=none', '--log-file=/no/such/folder/log', hello],
    /\/no\/such\/folder\/log/,
  ],
  ['a log file named by an unset variable', ['--tool=none', '--log-file=x%q{CG_UNSET}', hello], /CG_UNSET/],
  ['an unknown escape in a file name', ['--tool=none', '--log-file=x%z', hello], /%z/],
] as const) {
  usual(`mistake: ${title}`, async (t) => mistake(t, await run(args), about));
}

usual('--help names every option, on standard output', async (t) => {
  const o = await run(['--help']);
  t.is(o.status, 0, story(o));
  t.is(o.stderr, '');
  for (const name of ['tool', 'atomicity', 'sysroot', 'log-file', 'error-exitcode', 'num-callers']) {
    t.true(o.stdout.includes(`--${name}`), `--${name} is missing in:\n${o.stdout}`);
  }
  t.true(o.stdout.split('\n').every((line) => line.length <= 160));
});

usual('-h is --help', async (t) => {
  const [long, short] = await Promise.all([run(['--help']), run(['-h'])]);
  t.is(short.stdout, long.stdout);
});

usual('--version is the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const o = await run(['--version']);
  t.is(o.stdout, `capgrind-${version}\n`, story(o));
  t.is(o.status, 0);
});

usual("options behind the program are the program's", async (t) => {
  const o = await run(['--tool=none', '-q', join(BIN, 'echo'), '--tool=nonsense', '-q', '--', '--help']);
  t.true(o.stdout.startsWith('1 --tool=nonsense\n2 -q\n3 --\n4 --help\n'), story(o));
  t.is(o.status, 0);
});

usual('-- ends the options', async (t) => {
  const o = await run(['--tool=none', '-q', '--', hello]);
  t.is(o.stdout, 'hello from 0 arguments\n', story(o));
});

usual(
  'without -q there is a report, every line with the pid, and none of it on standard output',
  async (t) => {
    const o = await run(['--tool=none', hello, 'x']);
    t.is(o.stdout, 'hello from 1 argument\n', story(o));
    const lines = o.stderr.trimEnd().split('\n');
    const pid = /^==(\d+)== /.exec(lines[0]!)?.[1];
    t.truthy(pid, story(o));
    t.true(
      lines.every((l) => l.startsWith(`==${pid}==`)),
      story(o),
    );
    t.true(
      lines.some((l) => l.endsWith(`Command: ${hello} x`)),
      story(o),
    );
  },
);

for (const status of [0, 1, 2, 126, 255]) {
  (status === 0 || status === 126 ? usual : more)(`exit status ${status} passes through`, async (t) => {
    const o = await run(['--tool=none', '-q', new Tiny().exit(status).file()]);
    t.is(o.status, status, story(o));
    t.is(o.stderr, '');
  });
}

usual('--log-file with %p, %q{VAR} and %%', async (t) => {
  const folder = mkdtempSync(join(SCRATCH, 'log-'));
  const o = await run(['--tool=none', `--log-file=${folder}/%q{CG_NAME}.%p.%%`, hello], {
    env: { CG_NAME: 'one two' },
  });
  t.is(o.status, 0, story(o));
  t.is(o.stderr, '', 'the report went to the file');
  const [name, ...others] = readdirSync(folder);
  t.deepEqual(others, []);
  const pid = /^one two\.(\d+)\.%$/.exec(name ?? '')?.[1];
  t.truthy(pid, `the file is called ${name}`);
  const text = readFileSync(join(folder, name!), 'utf8');
  t.true(text.startsWith(`==${pid}== `), text);
  t.true(text.includes(`Command: ${hello}`), text);
});

usual('--log-fd=1 puts the report on standard output', async (t) => {
  const o = await run(['--tool=none', '--log-fd=1', hello]);
  t.true(/^==\d+== /.test(o.stdout), story(o));
  t.is(o.stderr, '');
});

usual('CAPGRIND_OPTS comes before the command line', async (t) => {
  const env = { CAPGRIND_OPTS: '--tool=none -q' };
  const quiet = await run([hello], { env });
  t.is(quiet.stderr, '', story(quiet));
  t.is(quiet.status, 0);
  const overridden = await run(['--tool=none', hello], { env: { CAPGRIND_OPTS: '--tool=nonsense -q' } });
  t.is(overridden.status, 0, story(overridden));
});

usual('a mistake in CAPGRIND_OPTS is a mistake', async (t) => {
  mistake(
    t,
    await run(['--tool=none', hello], { env: { CAPGRIND_OPTS: '--num-callers=0' } }),
    /--num-callers=0/,
  );
});

/** A new folder with an option file. */
function withOptions(text: string, mode = 0o644): string {
  const folder = mkdtempSync(join(SCRATCH, 'rc-'));
  writeFileSync(join(folder, '.capgrindrc'), text);
  chmodSync(join(folder, '.capgrindrc'), mode);
  return folder;
}

usual('.capgrindrc of the home and of the working folder count, in this order', async (t) => {
  const home = withOptions('--tool=nonsense\n-q\n');
  const here = withOptions('--tool=none\n');
  const o = await run([hello], { env: { HOME: home }, cwd: here });
  t.is(o.status, 0, story(o));
  t.is(o.stderr, '', 'the -q of the home file counts too');
  mistake(t, await run([hello], { env: { HOME: home } }), /nonsense/);
});

more('a .capgrindrc that everybody may write does not count', async (t) => {
  const o = await run(['--tool=none', '-q', hello], { cwd: withOptions('--num-callers=0\n', 0o666) });
  t.is(o.status, 0, story(o));
});
