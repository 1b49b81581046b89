/** Every committed guest through the whole program: what it prints, how it ends, and that the framework keeps quiet. */
import test, { type ExecutionContext } from 'ava';
import {
  capgrind,
  run as execute,
  HAS_QEMU,
  HAS_SYSROOT,
  type Outcome,
  SYSROOT,
  story,
  TEST_ALL,
  Turns,
} from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';
import { type GuestRun, guestArgs, guestRuns } from '../support/guest-list.js';

const POLICIES = ['parallel', 'serial', 'restart'] as const;
const turns = new Turns(2);

/**
 * Runs without CAPGRIND_TEST_ALL: the first of each guest, and these. Policies take turns from run to run, except that
 * guests about several threads at once go through all; restart is for these alone.
 */
const ALSO =
  /^(pthread-suite (cond|main-exits)$|exit-code 300|exit-code 7 thread|cat #3|faults (null-write( catch)?|exec-data|illegal|ebreak|page-cross-store)$|exit-group (waiting|main-exits)|aba stores|stack 2)/;
const ALL_POLICIES = /^(mixed|block-faults|atomic-counter|mini-sync|futex|counters|self-modify)$/;
/** Of those, what npm test leaves to test:more: other tests run these guests too, under a tool or across workers. */
const FURTHER =
  /^(races-|rare-|many|coherence|counters|store-buffering|message-passing|rel-acq|clone-flags|race-counter|mutex-counter|aba alone|stack 1 |faults (null-write|ebreak)|exit-group running|auxv-static|multiply|robust|dlopen|cplusplus|echo|touch|clone-basic|exit-group waiting|cat #3|exit-code 7 thread|auxv|pthread-suite main-exits|atomic-counter)/;
/** Dynamically linked twins repeat the static suites; linkage is what they add, and others show that. */
const LONG_ONLY =
  /^(hg-|pthread-suite-dynamic (?!cond)|pthread-suite create-join|libc-suite-dynamic|auxv-dynamic|libm|malloc-churn|join-handoff)/;
/** A handful is enough to see that the expected texts are right on another implementation too. */
const QEMU_USUAL = /^(hello-mini|integer|memory-map|mini-sync|hello-dynamic|exit-code 300)$/;

const FRAMEWORK_LINE = /^((==|--|\*\*)\d+\2|capgrind:|\s+at .*:\d+:\d+\)?$|.*Error:)/;

/** What the framework itself said on standard error although -q was given and nothing went wrong. */
function unasked(run: GuestRun, stderr: string): string[] {
  // A fatal signal and what the guest asks to have printed are reported even with -q.
  const allowed =
    run.signal !== null ? /^==\d+== / : run.guest === 'client-requests' ? /^\*\*\d+\*\* / : /^$/;
  const lines = stderr.split('\n').filter((line) => !allowed.test(line) && line !== '');
  // A guest that fails on purpose may say why.
  return run.exit === 0 ? lines : lines.filter((line) => FRAMEWORK_LINE.test(line));
}

function check(t: ExecutionContext, run: GuestRun, o: Outcome, stdout = run.stdout): void {
  const asked = !o.timedOut && o.status === run.exit && o.signal === run.signal && o.stdout === stdout;
  if (asked && unasked(run, o.stderr).length === 0) {
    t.pass();
    return;
  }
  const wanted = `wanted ${run.signal ?? run.exit}, nothing of the framework on stderr, and stdout:`;
  t.fail(`${story(o)}\n${wanted}\n${stdout.replace(/^/gm, '  ')}`);
}

const all = guestRuns();

/** Whether the run belongs to npm test, to test:more, or to the long form only. */
function extent(run: GuestRun): 'usual' | 'more' | 'long' {
  if (/ catch$/.test(run.title) || LONG_ONLY.test(run.title)) return 'long';
  if (run !== all.find((r) => r.guest === run.guest) && !ALSO.test(run.title)) return 'long';
  return FURTHER.test(run.title) ? 'more' : 'usual';
}

all.forEach((run, index) => {
  if (run.dynamic && !HAS_SYSROOT) return;
  for (const policy of POLICIES) {
    if (policy === 'restart' && !run.threaded) continue;
    const first = POLICIES[index % 2] === policy;
    const much = extent(run);
    if (!TEST_ALL && (much === 'long' || !(first || ALL_POLICIES.test(run.title)))) continue;
    const always = first || (policy === 'restart' && /^(mixed|block-faults)/.test(run.title));
    if (!runsNow(much === 'usual' && always)) continue;
    test(`${run.title} (${policy})`, async (t) => {
      t.timeout(1_200_000);
      const options = ['--tool=none', '-q', `--atomicity=${policy}`];
      if (run.dynamic) options.push(`--sysroot=${SYSROOT}`);
      const outcome = await turns.take(() =>
        capgrind([...options, run.program, ...guestArgs(run)], {
          env: run.env,
          stdin: run.stdin,
        }),
      );
      check(t, run, outcome);
    });
  }
  if (!HAS_QEMU || run.skipUnderQemu !== undefined) return;
  if (!TEST_ALL && !QEMU_USUAL.test(run.title)) return;
  if (!runsNow(true)) return;
  test(`${run.title} (qemu-riscv64)`, async (t) => {
    t.timeout(1_200_000);
    const options = run.dynamic ? ['-L', SYSROOT] : [];
    const outcome = await turns.take(() =>
      execute('qemu-riscv64', [...options, run.program, ...guestArgs(run)], {
        env: run.env,
        stdin: run.stdin,
      }),
    );
    // qemu itself reports a fatal signal.
    const stderr = run.signal === null ? outcome.stderr : '';
    check(t, run, { ...outcome, stderr }, run.stdoutBare);
  });
});

test('the list of guests is complete enough to mean something', (t) => {
  t.true(all.length >= 100);
  t.true(all.filter((r) => r.threaded).length >= 30);
});
