/**
 * The guests of helgrind.json: small programs with one bug or one correct idiom each, what must be found in them, and
 * what Valgrind finds. Every error reported has to be one of the expected ones, and every expected one has to come.
 * scripts/repeat-helgrind.ts runs them many times.
 */
import test from 'ava';
import { HAS_SYSROOT, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';
import { helgrindCases, POLICIES, problemsOf, runCase, titleOf } from '../support/helgrind-cases.js';

const cases = helgrindCases();
/** In npm test: one for each kind of object and of finding. test:more has the other cases, each under one policy. */
const FEW =
  /^(hg-(cond|order-two|unlock-wrong|annotate-forget|deadlock-two)|races-(publish|publish-relaxed))$/;
const turns = new Turns(2);

cases.forEach((c, index) => {
  if (!HAS_SYSROOT) return;
  for (const policy of POLICIES) {
    if (!TEST_ALL && policy !== (c.usual ?? POLICIES[index % 2])) continue;
    if (!runsNow(FEW.test(c.guest))) continue;
    const title = `${titleOf(c)} (${policy})`;
    test(title, async (t) => {
      t.timeout(1_200_000);
      const o = await turns.take(() => runCase(c, policy));
      t.deepEqual(problemsOf(c, o), [], story(o));
    });
  }
});

test('every difference to Valgrind is explained', (t) => {
  for (const c of cases) {
    const ours = c.findings.length;
    t.true(
      c.valgrind.length === 0 ? ours === 0 || c.difference !== undefined : true,
      `${c.guest}: ours only, unexplained`,
    );
    t.true(
      ours === 0 ? c.valgrind.length === 0 || c.difference !== undefined : true,
      `${c.guest}: theirs only, unexplained`,
    );
    t.is(c.difference === undefined, c.right === undefined, c.guest);
  }
});
