/** Host memory that a run takes: bounded for the framework itself, and used again when the guest gives memory back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, capgrind, story, Turns } from '../support/capgrind.js';

const turns = new Turns(1);

/** The most host memory, in MB, that a run had in use by the time the guest printed its first line. */
async function peak(t: ExecutionContext, ...guest: readonly string[]): Promise<number> {
  let kb = 0;
  const [name, ...args] = guest;
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-q', join(BIN, name!), ...args], {
      timeoutMs: 240_000,
      started: (child) =>
        child.stdout.once('data', () => {
          const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
          kb = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]);
          child.kill('SIGTERM');
        }),
    }),
  );
  t.is(o.stdout, 'fresh memory is zero: ok\n', story(o));
  return kb / 1024;
}

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('the framework takes at most 150 MB besides what the guest touched', async (t) => {
  t.timeout(600_000);
  const used = await peak(t, 'touch', '1', '1', 'wait');
  t.log(`${used.toFixed(0)} MB`);
  t.true(used > 30 && used < 150, `${used} MB`);
});

onLinux('memory that the guest unmaps serves its next mapping', async (t) => {
  t.timeout(900_000);
  const once = await peak(t, 'touch', '1', '256', 'wait');
  const often = await peak(t, 'touch', '6', '256', 'wait');
  t.log(`${once.toFixed(0)} MB after one round, ${often.toFixed(0)} MB after six`);
  t.true(once > 256 && often < once + 64, `${once} MB, then ${often} MB`);
});
