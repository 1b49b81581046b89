/** --result=FILE: the outcome of a run for other programs. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunReport, readRunReport } from '../../src/report/run-report.js';
import { BIN, capgrind, SCRATCH, story, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { Tiny } from '../support/tiny-guest.js';

const turns = new Turns(2);
const newFile = (): string => join(mkdtempSync(join(SCRATCH, 'result-')), 'result.json');

async function reportOf(...args: string[]): Promise<RunReport> {
  const file = newFile();
  const o = await turns.take(() => capgrind([`--result=${file}`, '-q', ...args], { timeoutMs: 150_000 }));
  const report = readRunReport(file);
  if (!report) throw new Error(`no result: ${story(o)}`);
  return report;
}

usual('an exit with its status, whatever --error-exitcode says', async (t) => {
  const r = await reportOf('--tool=none', new Tiny().exit(7).file(), 'a', 'b c');
  t.like(r, { end: 'exit', status: 7, signal: 0, tool: 'none', atomicity: 'parallel', errors: 0 });
  t.deepEqual(r.args, ['a', 'b c']);
  t.deepEqual(r.findings, []);
  t.is(r.schedule, null);
});

usual('a signal', async (t) => {
  const r = await reportOf('--tool=none', new Tiny().raise(15).exit(0).file());
  t.like(r, { end: 'signal', signal: 15 });
});

usual('findings with kind, place and count', async (t) => {
  t.timeout(300_000);
  const r = await reportOf('--error-exitcode=99', join(BIN, 'race-counter'));
  t.like(r, { end: 'exit', status: 0, tool: 'helgrind' });
  t.true(r.findings.length > 0);
  for (const f of r.findings) {
    t.regex(f.kind, /^Race 8 [rw]$/);
    t.regex(f.context, /^[0-9a-f]{8}$/);
    t.is(f.at, 'count (race-counter.c:11)');
  }
  t.is(
    r.findings.reduce((n, f) => n + f.count, 0),
    r.errors,
  );
});

usual('a result that cannot be written is one line and a failure', async (t) => {
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-q', '--result=/no/such/folder/r', join(BIN, 'hello-mini')]),
  );
  t.is(o.status, 70, story(o));
  t.regex(o.stderr, /^capgrind: cannot write the result file \/no\/such\/folder\/r: .*\n$/);
});

usual('--result without a file is a mistake', async (t) => {
  const o = await turns.take(() => capgrind(['--tool=none', '--result', join(BIN, 'hello-mini')]));
  t.is(o.status, 1, story(o));
  t.regex(o.stderr, /^capgrind: Bad option: --result/);
});

more('no file stays behind beside the result', async (t) => {
  const file = newFile();
  await turns.take(() => capgrind([`--result=${file}`, '--tool=none', '-q', join(BIN, 'hello-mini')]));
  t.true(existsSync(file));
  t.is((JSON.parse(readFileSync(file, 'utf8')) as RunReport).format, 'capgrind-result-1');
  t.deepEqual(readdirSync(join(file, '..')), ['result.json']);
});
