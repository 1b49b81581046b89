/** Signals from outside and from the guest itself: the process ends the way the guest would have, after its report. */
import { constants } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { BIN, capgrind, type Outcome, story, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { Tiny } from '../support/tiny-guest.js';

const turns = new Turns(2);

const ended = (o: Outcome, signal: NodeJS.Signals): boolean =>
  o.signal === signal || o.status === 128 + constants.signals[signal];

/** Runs a guest that prints "up" and goes on for ever; sends the signal then. */
async function interrupted(
  t: ExecutionContext,
  program: string,
  signal: 'SIGINT' | 'SIGTERM',
  args: readonly string[] = [],
): Promise<void> {
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-v', ...args, program], {
      timeoutMs: 30_000,
      started: (child) => child.stdout.once('data', () => child.kill(signal)),
    }),
  );
  t.false(o.timedOut, story(o));
  t.true(ended(o, signal), story(o));
  t.is(o.stdout, 'up\n');
  t.regex(o.stderr, /^==\d+== 1 guest thread ran on 1 worker/m, `the report has its end: ${story(o)}`);
  t.notRegex(o.stderr, /^\s+at .*:\d+:\d+|^capgrind:/m, story(o));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  usual(`${signal} ends a guest that spins`, async (t) => {
    t.timeout(300_000);
    await interrupted(t, new Tiny().print('up\n').spin().file(), signal);
  });
  (signal === 'SIGINT' ? usual : more)(`${signal} ends a guest that waits in a system call`, async (t) => {
    t.timeout(300_000);
    await interrupted(t, new Tiny().print('up\n').sleep().file(), signal);
  });
}

more('SIGINT ends a guest that spins under the serial policy', async (t) => {
  t.timeout(300_000);
  await interrupted(t, new Tiny().print('up\n').spin().file(), 'SIGINT', ['--atomicity=serial']);
});

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGKILL', 'SIGABRT', 'SIGUSR1'] as const) {
  (/SIG(TERM|KILL|ABRT)/.test(signal) ? usual : more)(
    `a guest that sends ${signal} to itself ends by it`,
    async (t) => {
      t.timeout(300_000);
      const program = new Tiny().print('up\n').raise(constants.signals[signal]).exit(3).file();
      const o = await turns.take(() => capgrind(['--tool=none', '-q', program], { timeoutMs: 30_000 }));
      // Node keeps SIGUSR1 for its debugger and does not die of it: the status a shell would give has to do.
      t.true(signal === 'SIGUSR1' ? ended(o, signal) : o.signal === signal, story(o));
      t.is(o.stdout, 'up\n');
    },
  );
}

usual('a guest that handles SIGINT is not ended by it', async (t) => {
  t.timeout(300_000);
  // The handler ends the program with status 9; the program spins until then.
  const program = new Tiny().handle(constants.signals.SIGINT, 9).print('up\n').spin().file();
  const o = await turns.take(() =>
    capgrind(['--tool=none', '-q', program], {
      timeoutMs: 30_000,
      started: (child) => child.stdout.once('data', () => child.kill('SIGINT')),
    }),
  );
  t.is(o.status, 9, story(o));
  t.is(o.stderr, '');
});

usual('a fault is reported with its signal, its reason and where it was', async (t) => {
  t.timeout(300_000);
  const o = await turns.take(() => capgrind(['--tool=none', join(BIN, 'faults'), 'null-read']));
  t.is(o.signal, 'SIGSEGV', story(o));
  t.regex(o.stderr, /^==\d+== Process terminating with default action of signal 11 \(SIGSEGV\)/m);
  t.regex(o.stderr, /^==\d+== +Access not within mapped region at address 0x8/m);
  t.regex(o.stderr, /^==\d+== +at 0x[0-9A-F]+: \w+ \(.*\)/m);
});
