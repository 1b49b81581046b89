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
import { type GuestRun, guestArgs, guestRuns } from '../support/guest-list.js';

const POLICIES = ['parallel', 'serial'] as const;
const turns = new Turns(2);

/**
 * Runs without CAPGRIND_TEST_ALL: the first of each guest, and these. Policies take turns from run to run, except that
 * guests about several threads at once go through both.
 */
const ALSO_USUAL =
  /^(pthread-suite (many|tls|cond|barrier|robust|exit-from-thread|main-exits|no-such-case)$|exit-code 300|exit-code 7 thread|cat #3|faults (null-write|exec-data|illegal|ebreak|page-cross-store)$|exit-group (waiting|main-exits)|many limit|aba stores|stack 2)/;
const BOTH_USUAL = /^(race-counter|atomic-counter|mini-sync|futex|counters|self-modify|pthread-suite cond)$/;
/** The dynamically linked twin repeats the static suite; linkage is what it adds, and one case shows that. */
const LONG_ONLY = /^pthread-suite-dynamic (?!cond)/;
/** A handful is enough to see that the expected texts are right on another implementation too. */
const QEMU_USUAL = /^(hello-mini|integer|memory-map|mini-sync|hello-dynamic|exit-code 300)$/;

/** Handlers are not run yet: these need one. As soon as one passes, `test.failing` says so, and it leaves this list. */
const NEEDS_HANDLERS = /^(faults \S+ catch|signals|libc-suite(-dynamic)?|pthread-suite(-dynamic)? cancel)$/;

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

function check(t: ExecutionContext, run: GuestRun, o: Outcome, stdout: string): void {
  const asked = !o.timedOut && o.status === run.exit && o.signal === run.signal && o.stdout === stdout;
  if (asked && unasked(run, o.stderr).length === 0) {
    t.pass();
    return;
  }
  const wanted = `wanted ${run.signal ?? run.exit}, nothing of the framework on stderr, and stdout:`;
  t.fail(`${story(o)}\n${wanted}\n${stdout.replace(/^/gm, '  ')}`);
}

const all = guestRuns();

function usual(run: GuestRun): boolean {
  if (NEEDS_HANDLERS.test(run.title) || LONG_ONLY.test(run.title)) return false;
  return run === all.find((r) => r.guest === run.guest) || ALSO_USUAL.test(run.title);
}

all.forEach((run, index) => {
  if (run.dynamic && !HAS_SYSROOT) return;
  const declare = NEEDS_HANDLERS.test(run.title) ? test.failing : test;
  for (const policy of POLICIES) {
    const turn = POLICIES[index % 2] === policy || BOTH_USUAL.test(run.title);
    if (!TEST_ALL && !(usual(run) && turn)) continue;
    declare(`${run.title} (${policy})`, async (t) => {
      t.timeout(1_200_000);
      const options = ['--tool=none', '-q', `--atomicity=${policy}`];
      if (run.dynamic) options.push(`--sysroot=${SYSROOT}`);
      const outcome = await turns.take(() =>
        capgrind([...options, run.program, ...guestArgs(run)], {
          env: run.env,
          stdin: run.stdin,
          timeoutMs: NEEDS_HANDLERS.test(run.title) ? 10_000 : 60_000,
        }),
      );
      check(t, run, outcome, run.stdout);
    });
  }
  if (!HAS_QEMU || run.skipUnderQemu !== undefined) return;
  if (!TEST_ALL && !QEMU_USUAL.test(run.title)) return;
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
