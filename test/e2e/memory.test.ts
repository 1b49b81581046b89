/** Host memory that a run takes: bounded for the framework itself, and given back when the guest gives memory back. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HOST_MEMORY } from '../../src/engine/paths.js';
import { BIN, capgrind, story, Turns } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';

const turns = new Turns(1);

interface Resident {
  /** MB that were resident at most, and that are still, when the guest has printed its line. */
  peak: number;
  now: number;
}

async function resident(
  t: ExecutionContext,
  native: 'yes' | 'no',
  ...words: readonly string[]
): Promise<Resident> {
  let status = '';
  const [name, ...args] = words;
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-q', join(BIN, name!), ...args], {
      env: { CAPGRIND_NATIVE: native },
      timeoutMs: 240_000,
      started: (child) =>
        child.stdout.once('data', () => {
          status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
          child.kill('SIGTERM');
        }),
    }),
  );
  t.is(o.stdout, 'fresh memory is zero: ok\n', story(o));
  const mb = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)![1]) / 1024;
  return { peak: mb('VmHWM'), now: mb('VmRSS') };
}

const onLinux = process.platform === 'linux' ? test : test.skip;

if (runsNow(true))
  onLinux('the framework takes at most 150 MB besides what the guest touched', async (t) => {
    t.timeout(600_000);
    const { peak } = await resident(t, 'yes', 'touch', '1', '1', 'wait');
    t.log(`${peak.toFixed(0)} MB`);
    t.true(peak > 30 && peak < 150, `${peak} MB`);
  });

for (const native of existsSync(HOST_MEMORY) ? (['yes', 'no'] as const) : (['no'] as const)) {
  if (!runsNow(native === 'yes')) continue;
  onLinux(`memory that the guest unmaps serves its next mapping (native code: ${native})`, async (t) => {
    t.timeout(900_000);
    const once = await resident(t, native, 'touch', '1', '192', 'wait');
    const often = await resident(t, native, 'touch', '4', '192', 'wait');
    t.log(once, often);
    t.true(once.peak > 192 && often.peak < once.peak + 64);
    // And the host has it back, where there is a way.
    if (native === 'yes') t.true(often.now < often.peak - 170);
    else t.true(often.now > often.peak - 32);
  });
}
