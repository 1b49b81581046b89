/**
 * Memory order across two workers at a million iterations each: message passing, store buffering with fences, coherence
 * of reads, LR/SC counters, AMOs, and a lock-free stack that breaks when LR/SC has ABA. Forbidden outcomes must be zero.
 * The guests' own short runs are in guests.test.ts.
 */
import { join } from 'node:path';
import { BIN, capgrind, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

/** Of each guest: its arguments, threads first where it takes them, and what it prints. */
const LONG: Readonly<Record<string, { args: readonly string[]; stdout: string }>> = {
  'message-passing': { args: ['1000000'], stdout: 'fences: ok\nacquire and release: ok\n' },
  'store-buffering': { args: ['1000000'], stdout: 'both zero never: ok\n' },
  coherence: { args: ['1000000'], stdout: 'read read: ok\nno tearing: ok\nown store: ok\n' },
  counters: { args: ['2', '1000000'], stdout: 'lr/sc: ok\namo: ok\nspin locks: ok\n' },
  stack: { args: ['2', '1000000'], stdout: 'held once: ok\nnone lost: ok\n' },
};
/** CAPGRIND_LITMUS=n divides the iterations, for a look at a busy machine. */
const PART = Number(process.env['CAPGRIND_LITMUS'] ?? (TEST_ALL ? 1 : 100));
const turns = new Turns(1);

for (const [guest, { args, stdout }] of Object.entries(LONG)) {
  (/^(message|stack)/.test(guest) ? usual : more)(`${guest} across two workers`, async (t) => {
    t.timeout(3_600_000);
    const scaled = args.map((n) => (Number(n) < 100 ? n : String(Number(n) / PART)));
    const o = await turns.take(() =>
      capgrind(['--tool=none', '-q', join(BIN, guest), ...scaled], { timeoutMs: 1_800_000 }),
    );
    t.is(o.stdout, stdout, story(o));
    t.is(o.status, 0, story(o));
    t.log(`${scaled.join(' ')}: ${(o.milliseconds / 1000).toFixed(1)} s`);
  });
}
