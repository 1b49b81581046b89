/** Every committed L4 guest on the simulated Fiasco.OC: what it prints, how it ends, and that the framework keeps quiet. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BIN, capgrind, GUESTS, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';

interface L4Run {
  args: string[];
  exit: number;
  stdout: string;
}

const { guests } = JSON.parse(readFileSync(join(GUESTS, 'l4/guests.json'), 'utf8')) as {
  guests: { name: string; runs: L4Run[] }[];
};
const turns = new Turns(2);
/** In npm test: one of each kind of object and of service; CapCheck's guests have tests of their own. */
const USUAL =
  /^(hello|client-server|dataspace|exception|fault-pager|gate-delete|gate-label|ipc-errors|ipc-server|irq|map-rights|map-windows|mem-unmap|overmap|rm|services|task-other|unmap-delete|ping-pong)$/;
let count = 0;

for (const guest of guests) {
  for (const run of guest.runs) {
    // Policies take turns from run to run.
    const usual = count++ % 2 === 0 ? 'parallel' : 'serial';
    for (const policy of TEST_ALL ? ['parallel', 'serial'] : [usual]) {
      if (!runsNow(USUAL.test(guest.name))) continue;
      test([guest.name, ...run.args, policy].join(' '), async (t) => {
        const options = ['-q', '--tool=none', `--atomicity=${policy}`];
        const program = join(BIN, 'l4', guest.name);
        const o = await turns.take(() =>
          capgrind([...options, program, ...run.args], {
            env: { CAPGRIND_LOCK_CHECK: '1' },
            timeoutMs: 150_000,
          }),
        );
        t.is(o.status, run.exit, story(o));
        t.is(o.stdout, run.stdout, story(o));
        t.is(o.stderr, '', story(o));
      });
    }
  }
}

test('an L4 program under --os=linux ends as a Linux program would', async (t) => {
  const o = await capgrind(['-q', '--tool=none', '--os=linux', join(BIN, 'l4/hello')]);
  t.not(o.status, 7, story(o));
});
