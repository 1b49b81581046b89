/** How findings are reported, on whole runs of the race-counter guest: suppressions, lists, XML, ends. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkProtocol, parseXml, textOf } from '../report/protocol.js';
import { checkSarif } from '../report/sarif-check.js';
import {
  BIN,
  capgrind,
  run as execute,
  MAIN,
  type Outcome,
  SCRATCH,
  story,
  Turns,
} from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

const turns = new Turns(2);
const GUEST = join(BIN, 'race-counter');
/** Machines that run much else beside. */
const PATIENT = { timeoutMs: 170_000 };
const TEXT = 'race-counter: locked = 2000, racy is between 2 and 2000\n';
const helgrind = (args: string[], guest = GUEST, ...words: string[]): Promise<Outcome> =>
  turns.take(() => capgrind(['--tool=helgrind', ...args, guest, ...words], PATIENT));

function file(name: string, text = ''): string {
  const path = join(mkdtempSync(join(SCRATCH, 'report-')), name);
  if (text !== '') writeFileSync(path, text);
  return path;
}

/** Lines of the report without their prefixes; lines of other sorts as they are. */
const lines = (stderr: string): string[] => stderr.split('\n').map((l) => l.replace(/^==\d+== ?/, ''));

const HIDE = '{\n   the known race\n   Helgrind:Race\n   fun:count\n   fun:*_worker\n}\n';

more('a suppressed race is counted only', async (t) => {
  const o = await helgrind(['-s', `--suppressions=${file('a.supp', HIDE)}`, '--error-exitcode=9']);
  t.is(o.status, 0, story(o));
  t.is(o.stdout, TEXT);
  t.false(o.stderr.includes('Possible data race'), story(o));
  t.false(o.stderr.includes('Announcement'), story(o));
  const [, errors, contexts] = /suppressed: (\d+) from (\d+)\)/.exec(o.stderr) ?? [];
  t.true(Number(contexts) >= 1 && Number(errors) >= Number(contexts), story(o));
  t.regex(
    o.stderr,
    new RegExp(`^--\\d+-- used_suppression: +${errors} the known race \\S+/a\\.supp:2$`, 'm'),
  );
  t.regex(o.stderr, /ERROR SUMMARY: 0 errors from 0 contexts/);
});

more('suppressions that do not fit hide nothing', async (t) => {
  const other = HIDE.replace('fun:count', 'fun:recount') + HIDE.replace('Helgrind', 'Memcheck');
  const o = await helgrind([`--suppressions=${file('b.supp', other)}`, '--error-exitcode=9']);
  t.is(o.status, 9, story(o));
  t.true(o.stderr.includes('Possible data race'), story(o));
});

usual('what --gen-suppressions=all prints, put into a file, hides everything', async (t) => {
  const first = await helgrind(['--gen-suppressions=all']);
  const blocks = first.stderr.match(/^\{\n(?: {3}.*\n)+\}$/gm) ?? [];
  t.true(blocks.length >= 1, story(first));
  t.regex(
    blocks[0]!,
    /^\{\n {3}<insert_a_suppression_name_here>\n {3}Helgrind:Race\n {3}fun:count\n {3}fun:/,
  );
  // Both workers: the race may show up in the other one next time.
  const both = blocks.flatMap((b) => [b, b.replace(/first_worker|second_worker/g, '*_worker')]).join('\n');
  const o = await helgrind([`--suppressions=${file('c.supp', both)}`, '--error-exitcode=9']);
  t.is(o.status, 0, story(o));
});

usual('--gen-suppressions=yes asks', async (t) => {
  const o = await turns.take(() =>
    capgrind(['--tool=helgrind', '--gen-suppressions=yes', GUEST], { ...PATIENT, stdin: 'what\ny\nc\n' }),
  );
  const asked =
    o.stderr.match(/==\d+== ---- Print suppression \? --- \[Return\/N\/n\/Y\/y\/C\/c\] ---- /g) ?? [];
  const printed = o.stderr.match(/^.*\{\n {3}<insert_a_suppression_name_here>/gm) ?? [];
  t.is(printed.length, 1, story(o));
  const contexts = Number(/from (\d+) contexts/.exec(o.stderr)?.[1]);
  t.is(asked.length, contexts > 1 ? 3 : 2, story(o));
});

more('-s lists the errors once more, rarest first', async (t) => {
  const o = await helgrind(['-s']);
  const all = lines(o.stderr);
  const heads = all.filter((l) => / errors in context \d+ of \d+:$/.test(l));
  const contexts = Number(/from (\d+) contexts/.exec(o.stderr)?.[1]);
  t.is(heads.length, contexts, story(o));
  const counts = heads.map((h) => Number.parseInt(h, 10));
  t.deepEqual(
    counts,
    [...counts].sort((a, b) => a - b),
  );
  t.is(all.filter((l) => l.startsWith('Possible data race')).length, 2 * contexts, story(o));
  t.is(all.filter((l) => l.startsWith('ERROR SUMMARY')).length, 2);
  t.false(o.stderr.includes('rerun with: -s'));
});

more('--show-error-list=all has the suppressed ones too', async (t) => {
  const o = await helgrind(['--show-error-list=all', `--suppressions=${file('d.supp', HIDE)}`]);
  t.regex(o.stderr, /== \d+ errors \(suppressed by the known race\) in context 1 of \d+:\n/, story(o));
  t.is(lines(o.stderr).filter((l) => l.startsWith('Thread #')).length, 0, story(o));
});

more('without lists the report ends with where to get them', async (t) => {
  const end = lines((await helgrind([])).stderr).slice(-3);
  t.is(end[0], 'For lists of detected and suppressed errors, rerun with: -s');
  t.regex(end[1]!, /^ERROR SUMMARY: \d+ errors from \d+ contexts \(suppressed: 0 from 0\)$/);
});

for (const policy of ['parallel', 'serial']) {
  (policy === 'serial' ? more : usual)(
    `--exit-on-first-error ends the program at its first error (${policy})`,
    async (t) => {
      const o = await turns.take(() =>
        capgrind(
          [
            '--tool=helgrind',
            `--atomicity=${policy}`,
            '--exit-on-first-error=yes',
            '--error-exitcode=7',
            GUEST,
          ],
          { ...PATIENT, env: { CAPGRIND_LOCK_CHECK: '1' } },
        ),
      );
      t.is(o.status, 7, story(o));
      t.is(o.stdout, '');
      t.is(lines(o.stderr).filter((l) => l.startsWith('Possible data race')).length, 1, story(o));
      t.deepEqual(
        lines(o.stderr).slice(-3),
        ['', 'Exit program on first error (--exit-on-first-error=yes)', ''],
        story(o),
      );
    },
  );
}

more('--error-markers go around each error', async (t) => {
  const all = lines((await helgrind(['--error-markers=BEGIN,END'])).stderr);
  const begins = all.filter((l) => l === 'BEGIN').length;
  t.is(begins, all.filter((l) => l.startsWith('Possible data race')).length);
  t.is(begins, all.filter((l) => l === 'END').length);
  t.true(all[all.indexOf('BEGIN') + 1]!.startsWith('---Thread-Announcement'));
  t.is(all[all.indexOf('END') - 1], '');
});

more('--num-callers and --fullpath-after apply to errors', async (t) => {
  const o = await helgrind(['--num-callers=2', '--fullpath-after=']);
  const race = lines(o.stderr);
  const at = race.findIndex((l) => l.startsWith('Possible data race'));
  const stack = race.slice(at + 2, race.indexOf('', at));
  t.is(stack.length, 2, story(o));
  t.regex(stack[0]!, /count \(.+\/race-counter\.c:11\)$/, story(o));
});

usual('XML: the structure of the protocol, every finding, and the guest left alone', async (t) => {
  const path = file('r.xml');
  const o = await helgrind(
    [
      '--xml=yes',
      `--xml-file=${path}`,
      '--xml-user-comment=<a>me</a>',
      '--gen-suppressions=all',
      '--error-exitcode=9',
    ],
    GUEST,
    '<&>',
  );
  t.is(o.status, 9, story(o));
  t.is(o.stdout, TEXT);
  t.is(o.stderr, '');
  const text = readFileSync(path, 'utf8');
  t.deepEqual(checkProtocol(text), [], text);
  const doc = parseXml(text);
  t.is(textOf(doc, 'protocoltool'), 'helgrind');
  t.is(textOf(doc, 'args/argv/exe'), GUEST);
  t.is(textOf(doc, 'args/argv/arg'), '<&>');
  t.is(textOf(doc, 'usercomment/a'), 'me');
  t.true(
    doc
      .all('args')[0]!
      .all('vargv')[0]!
      .all('arg')
      .some((a) => a.text === '--xml=yes'),
  );
  const errors = doc.all('error');
  t.true(errors.length >= 1);
  for (const e of errors) {
    t.is(textOf(e, 'kind'), 'Race');
    t.is(textOf(e, 'stack/frame/fn'), 'count');
    t.is(textOf(e, 'stack/frame/obj'), GUEST);
    t.is(textOf(e, 'stack/frame/file'), 'race-counter.c');
    t.is(textOf(e, 'stack/frame/line'), '11');
    t.true(e.all('auxwhat').some((a) => /^Address 0x\w+ is 0 bytes inside data symbol "racy"$/.test(a.text)));
    t.is(textOf(e, 'suppression/skind'), 'Helgrind:Race');
  }
  t.is(textOf(doc, 'error_summary/error_contexts'), String(errors.length));
  t.is(doc.all('errorcounts')[0]!.children.length, errors.length);
});

more('XML to a descriptor, with -q, and what suppressions hid', async (t) => {
  const supp = file('e.supp', HIDE);
  const path = file('fd.xml');
  const words = [MAIN, '--tool=helgrind', '--xml=yes', '--xml-fd=5', `--suppressions=${supp}`, GUEST];
  const o = await turns.take(() =>
    execute('bash', ['-c', '"$@" 5>"$0"', path, process.execPath, ...words], PATIENT),
  );
  t.is(o.stderr, '', story(o));
  const doc = parseXml(readFileSync(path, 'utf8'));
  t.deepEqual(checkProtocol(readFileSync(path, 'utf8')), []);
  t.is(textOf(doc, 'suppcounts/pair/name'), 'the known race');
  t.is(textOf(doc, 'error_summary/errors'), '0');
  const quiet = await turns.take(() =>
    execute('bash', ['-c', '"$@" 5>"$0"', path, process.execPath, MAIN, '-q', ...words.slice(1)], PATIENT),
  );
  t.is(quiet.status, 0, story(quiet));
  t.deepEqual(parseXml(readFileSync(path, 'utf8')).all('suppcounts'), []);
});

usual('XML of a signal and of messages of the guest', async (t) => {
  const path = file('s.xml');
  const o = await helgrind(['--xml=yes', `--xml-file=${path}`], join(BIN, 'faults'), 'null-write');
  t.is(o.signal, 'SIGSEGV', story(o));
  t.deepEqual(checkProtocol(readFileSync(path, 'utf8')), []);
  const doc = parseXml(readFileSync(path, 'utf8'));
  t.is(textOf(doc, 'fatal_signal/signame'), 'SIGSEGV');
  t.is(textOf(doc, 'fatal_signal/event'), 'Access not within mapped region');
  await helgrind(['--xml=yes', `--xml-file=${path}`], join(BIN, 'client-requests'), 'print');
  const messages = parseXml(readFileSync(path, 'utf8')).all('clientmsg');
  t.deepEqual(
    messages.map((m) => textOf(m, 'text')),
    ['client says hello and 42'],
  );
});

usual('SARIF: every finding with its place, beside the text', async (t) => {
  const path = file('r.sarif');
  const o = await helgrind([`--sarif=${path}`]);
  t.is(o.status, 0, story(o));
  const log = JSON.parse(readFileSync(path, 'utf8'));
  t.deepEqual(checkSarif(log), []);
  const { results } = log.runs[0];
  t.is(results.length, Number(/from (\d+) contexts/.exec(o.stderr)?.[1]), story(o));
  const source = /^file:.*\/race-counter\.c$|^(.*\/)?race-counter\.c$/;
  for (const r of results) {
    t.is(r.ruleId, 'Helgrind:Race');
    t.regex(r.message.text, /^Possible data race during (read|write) of size 8 at 0x\w+ by thread #\d\n/);
    t.regex(r.locations[0].physicalLocation.artifactLocation.uri, source);
    t.is(r.locations[0].physicalLocation.region.startLine, 11);
    t.is(r.stacks.length, 2);
  }
});

more('names of files: %p, %n, %q and what XML says of them', async (t) => {
  const folder = mkdtempSync(join(SCRATCH, 'names-'));
  const o = await turns.take(() =>
    capgrind(['--tool=none', '--xml=yes', `--xml-file=${folder}/%q{WHO}-%n%%`, join(BIN, 'hello-mini')], {
      ...PATIENT,
      env: { WHO: 'm<e' },
    }),
  );
  t.is(o.status, 0, story(o));
  const text = readFileSync(join(folder, 'm<e-1%'), 'utf8');
  t.is(textOf(parseXml(text), 'logfilequalifier/var'), 'WHO');
  t.is(textOf(parseXml(text), 'logfilequalifier/value'), 'm<e');
});

const MISTAKES: [string[], RegExp][] = [
  [['--xml=yes'], /^capgrind: Bad option: --xml=yes, but no XML destination specified/],
  [['--xml=yes', '--xml-fd=1', '--gen-suppressions=yes'], /--xml=yes together with --gen-suppressions=yes/],
  [['--exit-on-first-error=yes'], /--exit-on-first-error=yes needs --error-exitcode/],
  [['--show-error-list=some'], /^capgrind: Bad option: --show-error-list=some/],
  [['--gen-suppressions=some'], /^capgrind: Bad option: --gen-suppressions=some/],
  [['--error-markers=one'], /^capgrind: Bad option: --error-markers=one/],
  [['--suppressions=/no/such.supp'], /^capgrind: FATAL: can't open suppressions file "\/no\/such.supp"\n$/],
];
for (const [args, about] of MISTAKES) {
  usual(`a mistake: ${args.join(' ')}`, async (t) => {
    const o = await helgrind(args);
    t.is(o.status, 1, story(o));
    t.is(o.stdout, '');
    t.regex(o.stderr, about);
  });
}

usual('a mistake in a suppression file is one line with file and line', async (t) => {
  const path = file('bad.supp', '{\n a\n Helgrind:Race\n fon:x\n}\n');
  const o = await helgrind([`--suppressions=${path}`]);
  t.is(o.status, 1, story(o));
  t.is(
    o.stderr,
    `capgrind: FATAL: in suppressions file "${path}" near line 4: location should be "...", or should start with "fun:", "obj:", or "src:"\n`,
  );
});
