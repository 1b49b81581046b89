/**
 * Runs guests of helgrind.json many times and prints what was wrong, to see whether their findings are stable.
 *
 *     node dist/scripts/repeat-helgrind.js [--runs=20] [--jobs=2] [--policy=parallel|serial] [PATTERN...]
 *
 * Each PATTERN is a regular expression for names of cases. Ends with status 1 when a run was wrong.
 */
import { Turns } from '../test/support/capgrind.js';
import {
  type HelgrindCase,
  helgrindCases,
  POLICIES,
  problemsOf,
  runCase,
  titleOf,
} from '../test/support/helgrind-cases.js';

const args = process.argv.slice(2);
const value = (name: string): string | undefined =>
  args.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3);
const runs = Number(value('runs') ?? 20);
const turns = new Turns(Number(value('jobs') ?? 2));
const policies = POLICIES.filter((p) => p === (value('policy') ?? p));
const patterns = args.filter((a) => !a.startsWith('--')).map((a) => new RegExp(a));

/** Runs one case under one policy; gives a line about it. */
async function repeat(
  c: HelgrindCase,
  policy: (typeof POLICIES)[number],
): Promise<{ line: string; wrong: number }> {
  const problems = new Map<string, number>();
  let wrong = 0;
  let longest = 0;
  await Promise.all(
    Array.from({ length: runs }, () =>
      turns.take(async () => {
        const o = await runCase(c, policy);
        longest = Math.max(longest, o.milliseconds);
        const found = problemsOf(c, o);
        if (found.length > 0) wrong++;
        for (const p of found) problems.set(p, (problems.get(p) ?? 0) + 1);
      }),
    ),
  );
  const counts = `${runs - wrong}/${runs} right, longest ${(longest / 1000).toFixed(1)} s`;
  const details = [...problems].map(([p, n]) => `\n    ${n} × ${p}`).join('');
  return { line: `${titleOf(c)} (${policy}): ${counts}${details}`, wrong };
}

let wrong = 0;
for (const c of helgrindCases()) {
  if (patterns.length > 0 && !patterns.some((p) => p.test(titleOf(c)))) continue;
  for (const policy of policies) {
    const done = await repeat(c, policy);
    wrong += done.wrong;
    console.log(done.line);
  }
}
process.exitCode = wrong > 0 ? 1 : 0;
