/** A worker that dies takes the run with it: one line with the cause, a status that is not 0, and never a hang. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, capgrind, SCRATCH, story, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

const turns = new Turns(2);

/**
 * A tool that kills a worker: that of the second thread at its start, or one that maps memory while there are two
 * threads, with the region lock held.
 */
const TOOL = `
const TOTAL_THREADS = 0x10018;
const FIRST_THREAD = 0x100000;
function die(how) {
  if (how === 'throws') throw new Error('the tool gave up');
  if (how === 'exits') process.exit(3);
  if (how === 'recurses') {
    const deeper = () => deeper() + 1;
    deeper();
  }
  for (const hoard = []; ; ) hoard.push(new Array(100_000).fill(hoard.length + 0.5));
}
export default {
  name: 'dies', title: 'Dies', copyright: 'nobody', atomicity: 'access', shadowScale: 0, findsErrors: false,
  options: { how: { default: '', describe: '' }, where: { default: '', describe: '' } },
  create({ options, machine }) {
    const { how, where } = options;
    let started = false;
    return {
      threadStarts(ts) {
        started = true;
        if (where === 'start' && ts !== FIRST_THREAD) die(how);
      },
      mapped() {
        if (where === 'map' && started && machine.i32[TOTAL_THREADS >> 2] > 1) die(how);
      },
    };
  },
};
`;
const file = join(mkdtempSync(join(SCRATCH, 'tool-')), 'dies.mjs');
writeFileSync(file, TOOL);

const CAUSES = {
  throws: 'the tool gave up',
  exits: 'worker exited with code: 3',
  recurses: 'Maximum call stack size exceeded',
  hoards: 'Worker terminated due to reaching memory limit: JS heap out of memory',
} as const;

for (const where of ['start', 'map'] as const) {
  for (const [how, cause] of Object.entries(CAUSES)) {
    for (const policy of ['parallel', 'serial', 'restart'] as const) {
      // The two ways of dying that run no finally clause leave locks behind; under the big lock, that one too.
      if (policy === 'serial' && !(how === 'exits' || how === 'throws')) continue;
      const long = how === 'hoards' ? where === 'map' : (where === 'map') !== (policy === 'serial');
      (long ? more : usual)(`a worker that ${how} (${where}, ${policy}) ends the run`, async (t) => {
        t.timeout(600_000);
        const options = ['-q', `--tool=${file}`, `--how=${how}`, `--where=${where}`, `--atomicity=${policy}`];
        const o = await turns.take(() =>
          capgrind([...options, join(BIN, 'race-counter')], { timeoutMs: 240_000 }),
        );
        t.is(o.status, 70, story(o));
        t.is(o.stderr, `capgrind: a worker died: ${cause}\n`);
      });
    }
  }
}
