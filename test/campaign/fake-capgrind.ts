/**
 * Stands in for capgrind where a test needs runs of known outcome: `fake-capgrind [--result=FILE --log-fd=N ...]
 * BEHAVIOUR [LOG]`. Ends as BEHAVIOUR says; with LOG, adds "begin SEED PID" and "end SEED PID" lines to that file.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RESULT_FORMAT, type RunReport, writeRunReport } from '../../src/report/run-report.js';

const words = process.argv.slice(2);
const option = (name: string): string | undefined =>
  words.find((w) => w.startsWith(`--${name}=`))?.slice(name.length + 3);
const [behaviour = 'exit', log] = words.filter((w) => !w.startsWith('--'));
const [what, value = '0'] = behaviour.split(':') as [string, string | undefined];
const seed = Number(option('seed') ?? 0);

process.once('disconnect', () => process.exit(9));
process.channel?.unref();

function ends(part: Partial<RunReport>): void {
  const report: RunReport = {
    format: RESULT_FORMAT,
    capgrind: 'fake',
    program: behaviour,
    args: [],
    tool: 'none',
    atomicity: 'serial',
    schedule: null,
    end: 'exit',
    status: 0,
    signal: 0,
    milliseconds: 1,
    errors: 0,
    findings: [],
    interleaving: null,
    switches: null,
    blocks: null,
    ...part,
  };
  const file = option('result');
  if (file !== undefined) writeRunReport(file, report);
}

const finding = (n: number) => ({ kind: 'Race', context: `0000000${n}`, count: 1, at: `f${n} (f.c:${n})` });

if (log !== undefined) appendFileSync(log, `begin ${seed} ${process.pid}\n`);
if (what === 'exit') ends({ status: Number(value) });
// What a program with rare bugs does: seeds 5, 12, 19.. exit with 1; 10, 20.. deadlock; 9, 18.. have a finding.
if (what === 'buggy') {
  await sleep(value === '0' ? 0 : (seed * 7919) % Number(value));
  if (seed % 10 === 0) ends({ end: 'deadlock', status: 0 });
  else if (seed % 9 === 0) ends({ findings: [finding(1)], errors: 1, interleaving: `${seed % 4}` });
  else ends({ status: seed % 7 === 5 ? 1 : 0, interleaving: `${seed % 4}`, blocks: 100 });
}
if (what === 'findings') ends({ errors: 2, findings: [...value].map((c) => finding(Number(c))) });
if (what === 'print') {
  writeSync(1, value);
  if (option('log-fd') !== undefined) writeSync(Number(option('log-fd')), `report of ${seed}\n`);
  ends({});
}
if (what === 'flood') for (let i = 0; i < 64; i++) writeSync(1, 'x'.repeat(65536));
if (what === 'flood') ends({});
if (what === 'refuse') {
  writeSync(2, 'capgrind: Unknown option: --x\ncapgrind: Use --help for more information.\n');
  process.exitCode = 1;
}
if (what === 'crash') {
  writeSync(2, 'capgrind: Cannot read properties of undefined\n');
  process.exitCode = 70;
}
if (what === 'die') process.kill(process.pid, 'SIGKILL');
if (what === 'hang') {
  process.on('SIGTERM', () => {
    if (value === 'hard') return;
    ends({ end: 'signal', signal: 15 });
    process.exit(0);
  });
  await sleep(60_000);
}
if (log !== undefined) appendFileSync(log, `end ${seed} ${process.pid}\n`);
