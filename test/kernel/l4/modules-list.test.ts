/** The format of modules.list: what an entry comes to, and how mistakes are reported. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { readBootModules } from '../../../kernel/l4/stack/modules.js';
import { ModulesListError, readModulesList } from '../../../kernel/l4/stack/modules-list.js';

const dir = mkdtempSync(join(tmpdir(), 'capgrind-list-'));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));
let count = 0;

function list(text: string): string {
  const file = join(dir, `${count++}.list`);
  writeFileSync(file, text);
  return file;
}

/** The list's notation for an environment variable. */
const variable = (name: string): string => `\${${name}}`;

const lines = (text: string, entry = 'e'): string[] =>
  readModulesList(list(text), entry).modules.map((m) => [m.kind, m.name, m.args].join(' ').trim());

test('an entry has its kernel, sigma0 and root task first, ours or the usual ones', (t) => {
  t.deepEqual(lines('entry e\nmodule a\n'), ['kernel fiasco', 'sigma0 sigma0', 'roottask moe', 'module a']);
  const own = 'entry e\nmodule b.txt x  y\nroottask dir/root arg\nkernel k -a -b\n';
  t.deepEqual(lines(own), ['kernel k -a -b', 'sigma0 sigma0', 'roottask root arg', 'module b.txt x y']);
});

test('defaults count for the entries behind them, other entries do not', (t) => {
  const text = `# comment
default-kernel fiasco -serial_esc   # and more
default-roottask other
default-bootstrap bootstrap

entry first
roottask r1
module m1
entry e
module m2
entry last
module m3
`;
  t.deepEqual(lines(text), ['kernel fiasco -serial_esc', 'sigma0 sigma0', 'roottask other', 'module m2']);
  t.deepEqual(lines(text, 'FIRST').slice(2), ['roottask r1', 'module m1']);
});

test('groups, options, and moe in short', (t) => {
  const text = `group g
module one
bin-nostrip[nostrip] two
group h
data three
entry e
moe dir/start.cfg
module-group g h
module[fname=other] path/to/file arg
module[arch=riscv|arm,bits=64] here
module[arch=x86] not-here
module[bits=32] not-here
module[attr:nodes=0-3] four
`;
  t.deepEqual(lines(text).slice(2), [
    'roottask moe rom/start.cfg',
    'module start.cfg',
    'module one',
    'module two',
    'module three',
    'module other arg',
    'module here',
    'module four',
  ]);
});

test('where modules begin: an entry overrides the list', (t) => {
  const text = 'modaddr 0x1000000\nentry a\nmodule m\nentry e\nmodaddr 0x2000000\nmodule m\n';
  t.is(readModulesList(list(text), 'e').moduleAddress, 0x2000000);
  t.is(readModulesList(list(text), 'a').moduleAddress, 0x1000000);
  t.is(readModulesList(list('entry e\n'), 'e').moduleAddress, null);
});

test('included files, patterns and search paths are relative to the list', (t) => {
  const sub = join(dir, 'sub');
  mkdirSync(sub, { recursive: true });
  writeFileSync(
    join(sub, 'more.list'),
    'include more.list\nsearchpath files\nentry e\nmodule[glob] f*.txt\n',
  );
  writeFileSync(join(sub, 'f2.txt'), '2');
  writeFileSync(join(sub, 'f1.txt'), '1');
  const entry = readModulesList(list('include sub/more.list\n'), 'e');
  t.deepEqual(
    entry.modules.slice(3).map((m) => m.file),
    [join(sub, 'f1.txt'), join(sub, 'f2.txt')],
  );
  t.deepEqual(entry.searchPath, [join(sub, 'files')]);
  t.is(entry.modules[3]!.at, `${join(sub, 'more.list')}:4`);
});

test('environment variables', (t) => {
  process.env['CAPGRIND_TEST_DIR'] = '/some/where';
  t.is(
    readModulesList(list(`entry e\nmodule ${variable('CAPGRIND_TEST_DIR')}/f\n`), 'e').modules[3]!.file,
    '/some/where/f',
  );
});

const WRONG: readonly [string, RegExp][] = [
  ['entry e\nmodul a\n', /\.list:2: unknown keyword 'modul'$/],
  ['entry e\nmodule\n', /\.list:2: 'module' of what\?$/],
  ['entry e\nmodule-group g\n', /\.list:2: no group 'g' before this line$/],
  ['group g\nroottask r\nentry e\n', /\.list:2: 'roottask' belongs into an entry$/],
  ['entry e\nmodule[shell] ls\n', /\.list:2: 'shell' would run commands of the host$/],
  ['entry e\nmodule[perl] 1\n', /\.list:2: 'perl' would run/],
  ['include not-there\nentry e\n', /\.list:1: .*not-there: no such file$/],
  ['entry e\nmodaddr 12\n', /\.list:2: '12' is no page address$/],
  ['entry e\nmodule[glob] none*.txt\n', /\.list:2: nothing matches /],
  ['entry e\nset mode linux\n', /\.list:2: entries that boot Linux/],
  [
    `entry e\nmodule ${variable('CAPGRIND_NOT_SET')}\n`,
    /\.list:2: environment variable CAPGRIND_NOT_SET is not set$/,
  ],
  ['default-moe x\nentry e\n', /\.list:1: unknown keyword 'default-moe'$/],
  ['entry f\n', /\.list: no entry 'e' \(it has f\)$/],
];
for (const [text, message] of WRONG) {
  test(`a mistake names file and line: ${message.source}`, (t) => {
    t.throws(() => readModulesList(list(text), 'e'), { instanceOf: ModulesListError, message });
  });
}

test('files are searched in order, unpacked, and missing ones named with their line', (t) => {
  const [one, two] = ['one', 'two'].map((n) => join(dir, n)) as [string, string];
  for (const d of [one, two]) mkdirSync(d, { recursive: true });
  for (const name of ['sigma0', 'moe', 'both']) writeFileSync(join(two, name), `${name} of two`);
  writeFileSync(join(one, 'both'), gzipSync('both of one'));
  const file = list('entry e\nmodule both x\nmodule absent\n');
  t.throws(() => readBootModules({ list: file, entry: 'e', searchPath: [one, two] }), {
    instanceOf: ModulesListError,
    message: new RegExp(`${file}:3: absent is in none of ${one}, ${two}`),
  });
  writeFileSync(join(two, 'absent'), '');
  t.throws(() => readBootModules({ list: file, entry: 'e', searchPath: [one, two] }), { message: /empty$/ });
  writeFileSync(join(two, 'absent'), 'x');
  const { modules } = readBootModules({ list: file, entry: 'e', searchPath: [one, two] });
  t.deepEqual(
    modules.map((m) => [m.kind, m.cmdline, new TextDecoder().decode(m.bytes)]),
    [
      ['kernel', 'fiasco', ''],
      ['sigma0', 'sigma0', 'sigma0 of two'],
      ['roottask', 'moe', 'moe of two'],
      ['module', 'both x', 'both of one'],
      ['module', 'absent', 'x'],
    ],
  );
});
