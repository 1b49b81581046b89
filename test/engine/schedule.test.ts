/** Seeded schedules as one thread of the test plays all guest threads: whose turn it is, what time, how it ends. */
import test from 'ava';
import {
  G_EXITING,
  T_POINTS,
  T_STEP_HASH,
  T_STEPS,
  T_TURN,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import type { ScheduleConfig, ScheduleEnd } from '../../src/engine/schedule/config.js';
import { Schedule } from '../../src/engine/schedule/schedule.js';
import { S_CONTESTED, S_CURRENT } from '../../src/engine/schedule/state.js';

const WORD = 0x10;
const thread = (n: number): number => THREADS + n * THREAD_STRIDE;

/** Where a thread gives its turn away. */
class Parked extends Error {}

/** Threads that pass points and steps as they are granted; a turn that is given away ends the call at once. */
class Play {
  readonly machine = Machine.create(0);
  readonly schedule: Schedule;
  readonly order: string[] = [];
  readonly config: ScheduleConfig;
  ended: ScheduleEnd | null = null;

  constructor(config: Partial<ScheduleConfig>, threads: number) {
    const whole: ScheduleConfig = {
      kind: 'fair',
      seed: 1,
      quantum: 10,
      pctDepth: 3,
      pctPoints: 0,
      maxBlocks: Number.MAX_SAFE_INTEGER,
      ...config,
    };
    this.config = whole;
    Schedule.prepare(this.machine, whole);
    this.schedule = new Schedule(this.machine, whole, (end) => {
      this.ended = end;
      Atomics.store(this.machine.i32, G_EXITING >> 2, 1);
    });
    // This one host thread plays all guest threads: whoever would wait for the turn is left where it is.
    this.schedule.acquire = () => {
      if (!this.ended) throw new Parked();
    };
    for (let n = 0; n < threads; n++) this.schedule.add(thread(n));
  }

  /** Runs one call of the schedule; 'parked' when the thread now waits for its turn. */
  call<R>(fn: () => R): R | 'parked' {
    try {
      return fn();
    } catch (error) {
      if (error instanceof Parked) return 'parked';
      throw error;
    }
  }

  get current(): number {
    return (this.machine.i32[S_CURRENT >> 2]! - THREADS) / THREAD_STRIDE;
  }

  /** The current thread passes `count` points, one step each, asking the schedule whenever it has to. */
  pass(count: number): void {
    const { i32 } = this.machine;
    for (let i = 0; i < count; i++) {
      while (
        i32[(thread(this.current) + T_STEPS) >> 2]! <= 0 ||
        i32[(thread(this.current) + T_POINTS) >> 2]! <= 0
      ) {
        this.call(() => this.schedule.step(thread(this.current)));
        if (this.ended) return;
      }
      const ts = thread(this.current);
      i32[(ts + T_STEPS) >> 2]!--;
      i32[(ts + T_POINTS) >> 2]!--;
      i32[(ts + T_STEP_HASH) >> 2] = Math.imul(i32[(ts + T_STEP_HASH) >> 2]!, 31) + i;
      this.order.push(String(this.current));
    }
  }
}

test('fair: everybody in order of creation, as many steps each', (t) => {
  const play = new Play({ quantum: 4 }, 3);
  play.pass(24);
  t.is(play.order.join(''), '111122220000111122220000');
});

for (const kind of ['random', 'pct'] as const) {
  test(`${kind}: a seed gives one order, another seed another`, (t) => {
    const run = (seed: number): { order: string; hash: string } => {
      const play = new Play({ kind, seed, quantum: 32, pctPoints: 150 }, 3);
      play.pass(150);
      return { order: play.order.join(''), hash: play.schedule.outcome().hash };
    };
    t.deepEqual(run(7), run(7));
    const orders = new Set<string>();
    const hashes = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      orders.add(run(seed).order);
      hashes.add(run(seed).hash);
    }
    t.true(orders.size >= 15, `${orders.size} orders of 20 seeds`);
    t.is(hashes.size, orders.size);
  });
}

test('pct: at most d-1 switches while nobody waits, at points spread over the whole run', (t) => {
  const points = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const play = new Play({ kind: 'pct', seed, quantum: 1000, pctDepth: 3, pctPoints: 50 }, 2);
    play.pass(60);
    const switches = play.order.flatMap((who, i) => (i > 0 && who !== play.order[i - 1] ? [i] : []));
    t.true(switches.length <= 2, play.order.join(''));
    for (const at of switches) points.add(at);
  }
  t.true(points.size > 35, `${points.size} of 50 points`);
});

test('a wait ends when its word changes, or at its time, which comes at once when nobody can run', (t) => {
  const play = new Play({ quantum: 1000 }, 2);
  const { schedule, machine } = play;
  play.pass(1);
  t.is(play.current, 1);
  const before = schedule.now();
  play.call(() => schedule.wait(thread(1), WORD, 0, Infinity));
  t.is(play.current, 0);
  Atomics.store(machine.i32, WORD >> 2, 5);
  const late = (before + 3e6) / 1e6;
  play.call(() => schedule.wait(thread(0), 0, 0, late));
  t.is(play.current, 1, 'its word has changed');
  t.true(schedule.now() < before + 3e6);
  play.call(() => schedule.wait(thread(1), WORD, 5, late + 4));
  t.is(play.current, 0, 'its time comes first');
  t.is(schedule.now(), before + 3e6);
  t.is(play.ended, null);
});

test('nobody can run and nobody will: a deadlock, with everybody listed', (t) => {
  const play = new Play({}, 2);
  play.pass(1);
  play.call(() => play.schedule.wait(thread(1), WORD, 0, Infinity));
  t.is(play.ended, null);
  t.is(
    play.call(() => play.schedule.wait(thread(0), WORD + 4, 0, Infinity)),
    'exit',
  );
  t.is(play.ended, 'deadlock');
  t.is(play.schedule.outcome().end, 'deadlock');
  t.deepEqual(
    play.schedule.waiting().map((w) => w.at),
    [WORD + 4, WORD],
  );
});

test('the budget of blocks ends a run exactly there', (t) => {
  const play = new Play({ kind: 'random', maxBlocks: 77 }, 2);
  play.pass(500);
  t.is(play.ended, 'livelock');
  t.is(play.schedule.outcome().blocks, 77);
  t.is(play.order.length, 77);
});

test('random: turns of 1 to quantum points, short ones as often as long ones', (t) => {
  const turns: number[] = [];
  for (let seed = 0; seed < 60; seed++) {
    const play = new Play({ kind: 'random', seed, quantum: 10 }, 20);
    play.pass(300);
    let from = 0;
    play.order.forEach((who, i) => {
      if (i === 0 || who === play.order[i - 1]) return;
      // Short turns of one thread on end would look like one long turn; of twenty threads it is rare.
      turns.push(i - from);
      from = i;
    });
  }
  const share = (lo: number, hi: number): number =>
    turns.filter((n) => n >= lo && n <= hi).length / turns.length;
  for (const [lo, hi] of [
    [1, 1],
    [2, 3],
    [4, 7],
    [8, 10],
  ] as const) {
    t.true(Math.abs(share(lo, hi) - 0.25) < 0.06, `${lo} to ${hi}: ${share(lo, hi)}`);
  }
});

for (const kind of ['random', 'pct'] as const) {
  test(`${kind}: a call that lets somebody else go on may be the last of its turn`, (t) => {
    let first = 0;
    const seeds = 200;
    for (let seed = 0; seed < seeds; seed++) {
      const play = new Play({ kind, seed, quantum: 32, pctDepth: 2, pctPoints: 4 }, 1);
      play.pass(10);
      play.call(() => play.schedule.add(thread(1)));
      play.call(() => play.schedule.called(thread(0)));
      play.order.length = 0;
      play.pass(1);
      if (play.order[0] === '1') first++;
    }
    // random: turns of one point are one in six, and the next turn is anybody's. pct: a priority that is lower half
    // the time, and else a change at the first of four points.
    const least = kind === 'random' ? 1 / 12 : 1 / 2 + 1 / 8;
    t.true(Math.abs(first / seeds - least) < 0.06, `${first} of ${seeds}`);
  });
}

test('random: how long the first thread runs alone does not matter for what comes later', (t) => {
  const later = (alone: number): string => {
    const play = new Play({ kind: 'random', seed: 5, quantum: 4 }, 1);
    play.pass(alone);
    play.schedule.add(thread(1));
    play.order.length = 0;
    play.pass(100);
    return play.order.join('');
  };
  t.is(later(1), later(5000));
});

test('a timer ends the turn of whoever runs, also when another worker has set it', (t) => {
  const play = new Play({ kind: 'pct', quantum: 1e6, pctDepth: 1 }, 2);
  const { machine, schedule } = play;
  play.pass(1);
  const due = schedule.now() / 1e6 + 0.01;
  schedule.alarms = () => due;
  play.call(() => schedule.alarmsChanged(thread(play.current)));
  play.pass(1);
  // The other worker, whose own call finds that there is a choice again.
  const other = new Schedule(machine, play.config, () => undefined);
  other.alarms = () => due;
  machine.i32[S_CONTESTED >> 2] = 0;
  other.called(thread(play.current));
  const steps = machine.i32[(thread(play.current) + T_STEPS) >> 2]!;
  t.true(steps <= 100, `${steps} steps of 100 ns, and the timer runs out in 10 us`);
});

test('who leaves is not chosen again', (t) => {
  const play = new Play({ quantum: 2 }, 2);
  play.pass(1);
  t.is(play.current, 1);
  play.schedule.leave(thread(1));
  play.schedule.release(thread(1));
  t.is(play.machine.i32[(thread(0) + T_TURN) >> 2], 1);
  play.pass(6);
  t.is(play.order.join(''), '1000000');
});

test('random numbers for the guest come from the seed', (t) => {
  const bytes = (seed: number): string => {
    const into = new Uint8Array(16);
    new Play({ seed }, 1).schedule.random(into);
    return Buffer.from(into).toString('hex');
  };
  t.is(bytes(3), bytes(3));
  t.not(bytes(3), bytes(4));
});
