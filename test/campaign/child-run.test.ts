/** One run as a child process, with a stand-in for capgrind whose outcome is known. */
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runChild } from '../../src/campaign/child-run.js';
import { hashOfOutput } from '../../src/campaign/evidence.js';
import type { ShardResult } from '../../src/campaign/queue.js';
import { SCRATCH, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { FAKE, shard } from './runs.js';

const turns = new Turns(2);
const never = new AbortController().signal;
const settings = () => ({
  command: [process.execPath, FAKE] as [string, string],
  scratch: mkdtempSync(join(SCRATCH, 'run-')),
});

async function result(t: ExecutionContext, behaviour: string, timeoutMs = 30_000): Promise<ShardResult> {
  const own = settings();
  const answer = await turns.take(() => runChild(shard(7, behaviour, [], timeoutMs), own, never));
  t.deepEqual(readdirSync(own.scratch), [], 'nothing is left behind');
  if (answer.kind !== 'result') throw new Error(answer.message);
  return answer;
}

usual('status, signal and findings are what the run says', async (t) => {
  t.like((await result(t, 'exit:3')).outcome, { end: 'exit', status: 3, findings: [] });
  const { outcome } = await result(t, 'findings:31');
  t.deepEqual(
    outcome.findings.map((f) => f.context),
    ['00000001', '00000003'],
    'ordered, so that sets can be compared',
  );
});

usual('the output is hashed, the report kept apart', async (t) => {
  const { outcome, evidence } = await result(t, 'print:hello');
  t.is(evidence.stdout.toString(), 'hello');
  t.is(evidence.report.toString(), 'report of 7\n');
  t.is(outcome.output, hashOfOutput(Buffer.from('hello')));
  t.not((await result(t, 'print:hallo')).outcome.output, outcome.output);
});

usual('of endless output a part is kept and all of it hashed', async (t) => {
  const { outcome, evidence } = await result(t, 'flood');
  t.is(evidence.stdout.length, 1 << 20);
  t.is(outcome.output, hashOfOutput(Buffer.alloc(64 * 65536, 'x')));
});

usual('a run beyond its time is asked to end, and its report still counts', async (t) => {
  const { outcome, milliseconds } = await result(t, 'hang', 1500);
  t.like(outcome, { end: 'timeout', signal: 15 });
  t.true(milliseconds >= 1500 && milliseconds < 20_000, `${milliseconds}`);
});

more('a run that does not listen is ended all the same', async (t) => {
  t.like((await result(t, 'hang:hard', 1500)).outcome, { end: 'timeout' });
});

more('time in which the machine stands still does not count', async (t) => {
  const own = settings();
  const run = runChild(shard(7, 'hang:hard', [], 4000), own, never);
  await new Promise((go) => setTimeout(go, 100));
  const began = performance.now();
  for (let n = 0; n < 3; n++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    await new Promise((go) => setTimeout(go, 10));
  }
  const stood = performance.now() - began;
  const answer = await run;
  if (answer.kind !== 'result') throw new Error(answer.message);
  t.like(answer.outcome, { end: 'timeout' });
  // Few of the eight ticks of half a second went by in the time the process stood still; 3 seconds of grace follow.
  t.true(answer.milliseconds >= stood + 4500, `${answer.milliseconds} ms, of which it stood ${stood}`);
});

usual('a run without a result is a crash: by its last words, or its signal', async (t) => {
  t.like((await result(t, 'crash')).outcome, {
    end: 'crash',
    status: 70,
    message: 'Cannot read properties of undefined',
  });
  t.like((await result(t, 'die')).outcome, { end: 'crash', signal: 9, message: 'SIGKILL' });
});

usual('a mistake in the command is a refusal', async (t) => {
  const answer = await turns.take(() => runChild(shard(1, 'refuse'), settings(), never));
  t.like(answer, { kind: 'refusal', message: 'Unknown option: --x' });
});

usual('abort ends the child and rejects', async (t) => {
  const abort = new AbortController();
  const log = join(mkdtempSync(join(SCRATCH, 'log-')), 'log');
  const run = runChild(shard(1, 'hang:hard', [log]), settings(), abort.signal);
  while (!existsSync(log)) await new Promise((go) => setTimeout(go, 20));
  abort.abort();
  await t.throwsAsync(run);
});

usual('what cannot be started at all is an error', async (t) => {
  const own = { ...settings(), command: ['/no/such/node'] as [string] };
  await t.throwsAsync(runChild(shard(1), own, never), { message: /^cannot start a run: .*\/no\/such\/node/ });
});
