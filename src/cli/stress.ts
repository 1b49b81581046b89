/** `capgrind stress`: many runs of one program, what failed, and how to see it again. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Campaign, type Ended, type Plan } from '../campaign/campaign.js';
import { runChild } from '../campaign/child-run.js';
import { EvidenceFolder } from '../campaign/evidence.js';
import { campaignJson, type Presentation } from '../campaign/json.js';
import { campaignJunit } from '../campaign/junit.js';
import { campaignKey, hashOfFiles } from '../campaign/key.js';
import { LocalQueue } from '../campaign/local-queue.js';
import { Store, StoreError } from '../campaign/store.js';
import { BUILD_FILES, VERSION } from '../engine/paths.js';
import { UsageError } from './options.js';
import { shellWord } from './own-options.js';
import { duration, type Progress, progressOn } from './progress.js';
import { selfCommand, shownSelf } from './self.js';
import { parseStress, type StressOptions, stressHelp } from './stress-options.js';

const NAME = 'capgrind stress';

/** Runs the command; the exit status. @param argv words behind `stress` */
export async function stress(argv: readonly string[]): Promise<number> {
  try {
    const o = parseStress(argv);
    if (o) return await runCampaign(o);
    process.stdout.write(`${stressHelp()}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof StoreError)) throw error;
    process.stderr.write(`capgrind: ${error.message}\n`);
    if (error instanceof UsageError)
      process.stderr.write('capgrind: Use stress --help for more information.\n');
    return 2;
  }
}

async function runCampaign(o: StressOptions): Promise<number> {
  const began = new Date();
  const plan = planOf(o);
  const store = await Store.open(o.db);
  const scratch = mkdtempSync(join(tmpdir(), 'capgrind-stress-'));
  const folder = o.out === undefined ? null : join(o.out, `${basename(o.program)}-${plan.key.slice(0, 8)}`);
  const evidence = folder === null ? null : asUsage(() => new EvidenceFolder(folder));
  const progress = progressOn(process.stderr, NAME, 'runs');
  const child = { command: selfCommand(), scratch };
  const queue = new LocalQueue((shard, abort) => runChild(shard, child, abort), o.jobs);
  const interrupt = onInterrupt(() => queue.abort());
  try {
    const campaign = new Campaign(plan, queue, store, evidence, observer(o, plan, progress));
    const ended = await campaign.run();
    progress.end();
    if (ended.refusal !== null) throw new UsageError(ended.refusal);
    const show: Presentation = {
      replay: (seed) => replay(o, seed),
      evidence: (seed) => (evidence && existsSync(evidence.path(seed)) ? evidence.path(seed) : null),
      version: VERSION,
      program: basename(o.program),
    };
    writeFiles(o, plan, ended, show, began);
    process.stdout.write(report(o, plan, ended, show, Date.now() - began.getTime()));
    if (interrupt.signal !== null) return 128 + interrupt.signal;
    return ended.summary.failed > 0 ? 1 : 0;
  } finally {
    progress.end();
    interrupt.off();
    store.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function planOf(o: StressOptions): Plan {
  const version = `${VERSION} ${hashOfFiles(BUILD_FILES)}`;
  const { program, args, timeoutMs } = o;
  const key = asUsage(() => campaignKey({ version, program, args, options: o.run, timeoutMs }));
  return {
    key,
    title: ['capgrind', 'stress', ...o.passed, program, ...args].map(shellWord).join(' '),
    firstSeed: o.firstSeed,
    runs: o.runs,
    afresh: o.fresh,
    expected: o.expected,
    stopAfter: o.stopAfter,
    shardOf: (seed) => ({ campaign: key, seed, timeoutMs, ...wordsFor(o, seed) }),
  };
}

/** Options, program and arguments of one run. */
function wordsFor(o: StressOptions, seed: number): { options: string[]; program: string; args: string[] } {
  return {
    options: [...o.passed, ...(o.seeded ? [`--seed=${seed}`] : [])],
    program: o.program,
    args: o.args.map((word) => word.replaceAll('{seed}', String(seed))),
  };
}

function replay(o: StressOptions, seed: number): string {
  const { options, program, args } = wordsFor(o, seed);
  return [shownSelf(), ...[...options, program, ...args].map(shellWord)].join(' ');
}

function observer(o: StressOptions, plan: Plan, progress: Progress) {
  return {
    begins(resumed: number): void {
      if (resumed > 0) progress.say(`${resumed} of ${plan.runs} results are in ${o.db} already`);
      progress.begin(plan.runs, resumed);
    },
    ran(
      { done, failed }: { done: number; failed: number },
      { seed }: { seed: number },
      news: string | null,
    ): void {
      progress.step(done, failed > 0 ? `${failed} failed` : '');
      if (news !== null) progress.say(`seed ${seed}: ${news}`);
    },
  };
}

/** Calls `stop` for the first SIGINT or SIGTERM; the next one ends the process as ever. */
function onInterrupt(stop: () => Promise<void>): { signal: number | null; off(): void } {
  const state = {
    signal: null as number | null,
    off(): void {
      process.off('SIGINT', handle).off('SIGTERM', handle);
    },
  };
  const handle = (name: NodeJS.Signals): void => {
    state.signal = name === 'SIGINT' ? 2 : 15;
    state.off();
    void stop();
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return state;
}

function writeFiles(o: StressOptions, plan: Plan, ended: Ended, show: Presentation, began: Date): void {
  asUsage(() => {
    if (o.json !== undefined) writeFileSync(o.json, campaignJson(plan, ended, show));
    if (o.junit !== undefined) writeFileSync(o.junit, campaignJunit(plan, ended, show, began));
  });
}

function report(o: StressOptions, plan: Plan, ended: Ended, show: Presentation, ms: number): string {
  const { summary, resumed } = ended;
  const before = resumed > 0 ? `, ${resumed} of them earlier` : '';
  const lines = [
    `${NAME}: ${summary.done} of ${plan.runs} runs${before}, ${o.jobs} at a time, ${duration(ms)}`,
    `  seeds ${plan.firstSeed} to ${plan.firstSeed + plan.runs - 1}: ${verdict(summary.failed, summary.failures.length)}`,
  ];
  const different = [`${count(summary.outputs, 'output')}`];
  if (summary.interleavings > 0) different.push(count(summary.interleavings, 'interleaving'));
  if (summary.done > 0) lines.push(`  different among them: ${different.join(', ')}`);
  summary.failures.forEach((f, i) => {
    const { seed } = f.first;
    lines.push('', `${i + 1}. ${f.title}: ${count(f.runs, 'run')}, first with seed ${seed}`);
    lines.push(`   replay: ${show.replay(seed)}`);
    const kept = show.evidence(seed);
    if (kept !== null) lines.push(`   kept in: ${kept}`);
  });
  if (summary.findings.length > 1) {
    lines.push('', 'Findings, with the number of runs and the first seed that has them:');
    for (const f of summary.findings) lines.push(`  ${f.title}: ${f.runs}, ${f.firstSeed}`);
  }
  if (summary.failed > 0 && !o.seeded) {
    lines.push('', 'Without --schedule=random or pct a replay may end differently.');
  }
  return `${lines.join('\n')}\n`;
}

function verdict(failed: number, ways: number): string {
  return failed === 0 ? 'none failed' : `${failed} failed, in ${count(ways, 'way')}`;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** What goes wrong with files that the user named is the user's to mend: one line. */
function asUsage<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
