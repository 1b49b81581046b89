// Rebuilds the committed guests (test/guests/bin) from test/guests/guests.json, test/guests/l4/guests.json and
// test/guests/l4/boot.json with the riscv64 cross compiler. Guests for L4 are named l4/NAME here and lie in bin/l4.
//
//   node scripts/build-guests.mjs [NAME...]     build all, or the named ones, and record the compiler
//   node scripts/build-guests.mjs --check       build into a temporary folder, compare byte by byte with bin/;
//                                               exit 1 with the names that differ, 0 with a remark when the
//                                               installed compiler is absent or not the recorded one
//
// Builds are reproducible: relative paths from the repository root, the root mapped away from the debug
// information, no build id, objects under fixed names.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = 'test/guests/src';
const bin = 'test/guests/bin';
const recordPath = join(root, 'test/guests/toolchain.json');
const compilers = { c: 'riscv64-linux-gnu-gcc', 'c++': 'riscv64-linux-gnu-g++' };

// Without relaxation and variable tracking the freestanding guests' debug information is a third of the size.
const freestanding = [
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-var-tracking',
  '-mno-relax',
];
const musl = process.env.CAPGRIND_MUSL;
const runtime = ['mini/start.S', 'mini/mini.c', 'mini/text.c'];

/** What each way of linking adds: to every compile, to the link, and as sources of its own. */
const links = {
  freestanding: {
    compile: [...freestanding, '-fno-pic'],
    link: ['-static', '-nostdlib', '-no-pie', '-Wl,-z,separate-code'],
    sources: runtime,
  },
  // Freestanding too: Debian's riscv64 glibc comes without rcrt1.o, so there is no static PIE with libc.
  'static-pie': {
    compile: [...freestanding, '-fPIE', '-fvisibility=hidden'],
    link: ['-static', '-nostdlib', '-Wl,-pie,--no-dynamic-linker,-z,separate-code'],
    sources: runtime,
  },
  static: { compile: ['-fno-pic'], link: ['-static', '-no-pie'], sources: [] },
  dynamic: { compile: ['-fPIE'], link: ['-pie'], sources: [] },
  l4: {
    compile: [...freestanding, '-fno-pic', '-Itest/guests/l4/rt'],
    link: ['-static', '-nostdlib', '-no-pie', '-Wl,-T,test/guests/l4/rt/l4.ld,--no-warn-rwx-segments'],
    sources: ['start.S', 'l4.c', 'slots.c', 'threads.c']
      .map((file) => `../l4/rt/${file}`)
      .concat('mini/text.c'),
  },
  // Sigma0 and root tasks: no loader gives them a stack and an environment.
  boot: {
    compile: [...freestanding, '-fno-pic', '-mcmodel=medany', '-Itest/guests/l4/rt'],
    link: ['-static', '-nostdlib', '-no-pie', '-Wl,-T,test/guests/l4/rt/l4.ld,--no-warn-rwx-segments'],
    sources: ['boot.S', 'boot.c', 'l4.c', 'slots.c', 'threads.c']
      .map((file) => `../l4/rt/${file}`)
      .concat('mini/text.c'),
  },
  // musl is no package for riscv64: CAPGRIND_MUSL names the folder that it was installed to after building it.
  musl: {
    compile: [
      ...['-fno-pic', '-fno-stack-protector', '-nostdinc', `-ffile-prefix-map=${musl}=musl`],
      ...['-isystem', `${musl}/include`],
    ],
    link: ['-nostdlib', '-static', '-no-pie', `${musl}/lib/crt1.o`, `${musl}/lib/crti.o`],
    end: [`-L${musl}/lib`, '-lc', '-lgcc', `${musl}/lib/crtn.o`],
    sources: [],
  },
  shared: { compile: ['-fPIC'], link: ['-shared'], sources: [] },
};

function run(command, args) {
  const done = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (done.error) throw new Error(`${command}: ${done.error.message}`);
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${done.stderr}`);
  return done.stdout;
}

/** First line of `--version` of both compilers and the linker; undefined when there is no cross compiler. */
function installedToolchain() {
  const first = (command) => run(command, ['--version']).split('\n')[0];
  try {
    return { gcc: first(compilers.c), 'g++': first(compilers['c++']), ld: first('riscv64-linux-gnu-ld') };
  } catch {
    return undefined;
  }
}

/** Builds one guest of guests.json into `into`. Throws with the compiler's messages. */
function build(guest, into, objects) {
  const link = links[guest.link];
  if (!link) throw new Error(`${guest.name}: unknown link ${guest.link}`);
  const compiler = compilers[guest.language ?? 'c'];
  const common = [
    '-g',
    '-Wall',
    '-Wextra',
    `-ffile-prefix-map=${root}=.`,
    `-I${source}/mini`,
    ...link.compile,
  ];
  const compile = (file, own, object) => {
    run(compiler, [...common, ...own, '-c', `${source}/${file}`, '-o', object]);
    return object;
  };
  // The runtime is the same everywhere; only the guest's own sources get its flags and full debug information. An
  // object made from assembly has its own file name in its symbol table, so those are the guest's too.
  const name = (file) => join(objects, `${guest.name.replace('/', '-')}-${basename(file)}.o`);
  const files = [
    ...guest.sources.map((file) => compile(file, guest.flags, name(file))),
    ...link.sources.map((file) => {
      const shared = join(objects, `${guest.link}-${compiler}-${basename(file)}.o`);
      const object = file.endsWith('.S') ? name(file) : shared;
      return existsSync(object) ? object : compile(file, ['-O2', '-g1'], object);
    }),
  ];
  const out = join(into, guest.output ?? guest.name);
  const own = [...(guest.linkFlags ?? []), '-Wl,--build-id=none'];
  run(compiler, [...own, ...link.link, ...files, '-o', out, ...(guest.libraries ?? []), ...(link.end ?? [])]);
  return out;
}

const check = process.argv.includes('--check');
const names = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const listed = (file) => JSON.parse(readFileSync(join(root, 'test/guests', file), 'utf8')).guests;
const guests = listed('guests.json').concat(
  listed('l4/boot.json').map((g) => ({
    name: `l4/${g.name}`,
    sources: [`../l4/src/${g.name}.c`],
    link: 'boot',
    flags: ['-O1'],
    linkFlags: [`-Wl,--defsym=image_base=${g.base}`],
  })),
  listed('l4/guests.json').map((g) => ({
    name: `l4/${g.name}`,
    sources: [`../l4/src/${g.name}.c`],
    link: 'l4',
    flags: ['-O1'],
  })),
);
const unknown = names.filter((n) => !guests.some((g) => g.name === n));
if (unknown.length) {
  console.error(`build-guests: no such guest: ${unknown.join(', ')}`);
  process.exit(2);
}
const wanted = names.length ? guests.filter((g) => names.includes(g.name)) : guests;
const installed = installedToolchain();
const recorded = existsSync(recordPath) ? JSON.parse(readFileSync(recordPath, 'utf8')) : undefined;

if (!installed) {
  console.log(`build-guests: ${compilers.c} is not installed; the committed guests stay as they are`);
  process.exit(check ? 0 : 1);
}
if (check && JSON.stringify(installed) !== JSON.stringify(recorded)) {
  console.log(`build-guests: not compared: recorded ${recorded?.gcc}, installed ${installed.gcc}`);
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'capgrind-guests-'));
try {
  const into = check ? scratch : join(root, bin);
  mkdirSync(join(into, 'l4'), { recursive: true });
  const different = [];
  for (const guest of wanted) {
    if (guest.link === 'musl' && !musl) {
      console.log(`build-guests: ${guest.name} is left out: CAPGRIND_MUSL is not set`);
      continue;
    }
    const out = build(guest, into, scratch);
    const committed = join(root, bin, guest.output ?? guest.name);
    if (check && !(existsSync(committed) && readFileSync(out).equals(readFileSync(committed)))) {
      different.push(guest.name);
    }
  }
  if (different.length) {
    console.error(`build-guests: these differ from what is committed: ${different.join(', ')}`);
    process.exitCode = 1;
  } else {
    // Only a full build may say which compiler bin/ comes from.
    if (!check && !names.length) writeFileSync(recordPath, `${JSON.stringify(installed, null, 2)}\n`);
    console.log(`build-guests: ${wanted.length} guests ${check ? 'are as committed' : 'built'}`);
  }
} catch (problem) {
  console.error(problem.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
