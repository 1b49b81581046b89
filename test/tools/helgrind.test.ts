/** Helgrind on whole programs whose races, or lack of them, are known from their sources. */
import { join } from 'node:path';
import { BIN, capgrind, type Outcome, story, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

const turns = new Turns(2);
const helgrind = (guest: string, ...options: string[]): Promise<Outcome> =>
  turns.take(() => capgrind(['--tool=helgrind', ...options, join(BIN, guest)]));

/** The reports of races, each as its lines without the `==PID== `. */
function races(stderr: string): string[][] {
  const lines = stderr.split('\n').map((l) => l.replace(/^==\d+== ?/, ''));
  const starts = lines.flatMap((l, i) => (l.startsWith('Possible data race') ? [i] : []));
  return starts.map((at, k) => lines.slice(at, starts[k + 1] ?? lines.length));
}

// Line 11 counts `racy` without protection, lines 12 to 14 `locked` with it. Neither thread learns of the other
// before its first `racy++`, so one of the two is always unordered with what the other did.
for (const policy of ['parallel', 'serial']) {
  (policy === 'serial' ? more : usual)(`race-counter: the race, and nothing else (${policy})`, async (t) => {
    const o = await helgrind('race-counter', `--atomicity=${policy}`, '--error-exitcode=9');
    t.is(o.status, 9, story(o));
    t.is(o.stdout, 'race-counter: locked = 2000, racy is between 2 and 2000\n');
    const found = races(o.stderr);
    t.true(found.length > 0, story(o));
    for (const r of found) {
      t.regex(r[0]!, /^Possible data race during (read|write) of size 8 at 0x[0-9A-F]+ by thread #[23]$/);
      t.is(r[1], 'Locks held: none');
      t.regex(r[2]!, /^ {3}at 0x[0-9A-F]+: count \(race-counter\.c:11\)$/, story(o));
      const other = r.findIndex((l) => l.startsWith('This conflicts with a previous '));
      t.regex(r[other + 2]!, /: count \(race-counter\.c:11\)$/, story(o));
      t.true(
        r.some((l) => l.endsWith('is 0 bytes inside data symbol "racy"')),
        story(o),
      );
    }
    t.regex(o.stderr, new RegExp(`ERROR SUMMARY: \\d+ errors? from ${found.length} contexts? `), story(o));
    t.regex(
      o.stderr,
      new RegExp(`== 3 guest threads ran on \\d workers?, at most [23] at once \\(${policy}\\)`),
    );
  });
}

for (const guest of ['mutex-counter', 'join-handoff', 'atomic-counter']) {
  (guest === 'mutex-counter' ? usual : more)(`${guest}: no race`, async (t) => {
    const o = await helgrind(guest, '--error-exitcode=9');
    t.is(o.status, 0, story(o));
    t.regex(o.stderr, /ERROR SUMMARY: 0 errors from 0 contexts/, story(o));
  });
}
