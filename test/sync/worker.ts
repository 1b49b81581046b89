/** The worker side of the lock tests: one function per role. */
import { parentPort, workerData } from 'node:worker_threads';
import { Event } from '../../sync/event.js';
import { FairLock } from '../../sync/fairlock.js';
import { Mutex } from '../../sync/mutex.js';
import { Ring } from '../../sync/ring.js';
import { RwLock } from '../../sync/rwlock.js';
import { SeqLock } from '../../sync/seqlock.js';
import { Stripes } from '../../sync/stripes.js';
import { DATA, FLAG, LOCK, PARKED, READY, STOP } from './crew.js';

export interface Job {
  role: Role;
  buffer: SharedArrayBuffer;
  /** Owner id, 1 .. crew. */
  self: number;
  crew: number;
  rounds: number;
}

export type Role = keyof typeof roles;

const LETTERS = 8;
const { role, buffer, self, crew, rounds } = workerData as Job;
const mem = new Int32Array(buffer);

const roles = {
  /** Adds to plain words under the mutex; returns how often somebody else was inside. */
  mutexCount(): number[] {
    const mutex = new Mutex(mem, LOCK);
    let intruders = 0;
    meet();
    for (let i = 0; i < rounds; i++) {
      mutex.lock(self);
      if (mem[DATA + 1] !== 0) intruders++;
      mem[DATA + 1] = self;
      const seen = mem[DATA]!;
      for (let k = 0; k < 20; k++) if (mem[DATA + 1] !== self) intruders++;
      mem[DATA] = seen + 1;
      mem[DATA + 1] = 0;
      mutex.unlock(self);
    }
    return [intruders];
  },

  mutexHold(): number[] {
    new Mutex(mem, LOCK).lock(self);
    return hang();
  },

  /** Sleeps for the mutex; returns whether it was told of a death. */
  mutexTake(): number[] {
    const mutex = new Mutex(mem, LOCK);
    const result = mutex.lock(self);
    mutex.unlock(self);
    return [result === 'poisoned' ? 1 : 0];
  },

  /** Takes and releases; inside, it waits until everybody else is queued, and logs its id. */
  fairRotate(): number[] {
    const lock = new FairLock(mem, LOCK);
    meet();
    for (let mine = 0; ; mine++) {
      lock.acquire(self);
      const total = mem[DATA]!;
      if (total === rounds) {
        lock.release(self);
        return [mine];
      }
      while (lock.waiters() < crew - 1) pause();
      mem[DATA + 1 + total] = self;
      mem[DATA] = total + 1;
      lock.release(self);
    }
  },

  /** Stays in the queue all the time: yields instead of releasing. */
  fairYield(): number[] {
    const lock = new FairLock(mem, LOCK);
    meet();
    lock.acquire(self);
    let mine = 0;
    if (mem[DATA] === 0) while (lock.waiters() < crew - 1) pause();
    for (; mem[DATA] !== rounds; mine++) {
      mem[DATA + 1 + mem[DATA]!] = self;
      mem[DATA]!++;
      lock.yieldTo(self);
    }
    lock.release(self);
    return [mine];
  },

  /** Many more threads than tickets, which a sleep inside makes sure of; adds to plain words. */
  fairCrowd(): number[] {
    const lock = new FairLock(mem, LOCK, undefined, 2);
    meet();
    for (let i = 0; i < rounds; i++) {
      lock.acquire(self);
      mem[DATA]!++;
      if (i % 3 === 0) {
        pause();
        lock.yieldTo(self);
      }
      mem[DATA + 1]!++;
      lock.release(self);
    }
    return [];
  },

  /** Queues up once, logs its id inside. */
  fairOnce(): number[] {
    const lock = new FairLock(mem, LOCK);
    const result = lock.acquire(self);
    mem[DATA + 1 + mem[DATA]!] = self;
    mem[DATA]!++;
    lock.release(self);
    return [result === 'poisoned' ? 1 : 0];
  },

  fairHold(): number[] {
    new FairLock(mem, LOCK).acquire(self);
    return hang();
  },

  /** Ids 1 and 2 write, the others read at least once; returns how often an invariant was broken. */
  readWrite(): number[] {
    const lock = new RwLock(mem, LOCK);
    let broken = 0;
    let reads = 0;
    meet();
    if (self <= 2) {
      for (let i = 0; i < rounds; i++) {
        lock.writeLock(self);
        if (Atomics.add(mem, DATA + 2, 1) !== 0 || Atomics.load(mem, DATA + 3) !== 0) broken++;
        mem[DATA]!++;
        for (let k = 0; k < 50; k++) Atomics.load(mem, DATA + 3);
        mem[DATA + 1]!++;
        Atomics.sub(mem, DATA + 2, 1);
        lock.writeUnlock(self);
      }
      Atomics.add(mem, STOP, 1);
      return [broken];
    }
    for (; reads === 0 || Atomics.load(mem, STOP) < 2; reads++) {
      lock.readLock();
      Atomics.add(mem, DATA + 3, 1);
      if (Atomics.load(mem, DATA + 2) !== 0 || mem[DATA] !== mem[DATA + 1]) broken++;
      Atomics.sub(mem, DATA + 3, 1);
      lock.readUnlock();
    }
    return [broken];
  },

  rwWrite(): number[] {
    const lock = new RwLock(mem, LOCK);
    const result = lock.writeLock(self);
    lock.writeUnlock(self);
    return [result === 'poisoned' ? 1 : 0];
  },

  rwReadAndHold(): number[] {
    new RwLock(mem, LOCK).readLock();
    return hang();
  },

  rwWriteAndHold(): number[] {
    new RwLock(mem, LOCK).writeLock(self);
    return hang();
  },

  /** Writes payloads whose words all follow from the first, until told to stop. */
  seqWrite(): number[] {
    const lock = new SeqLock(mem, LOCK, LETTERS);
    const payload = new Int32Array(LETTERS);
    meet();
    let n = 0;
    while (Atomics.load(mem, STOP) === 0) {
      n++;
      for (let i = 0; i < LETTERS; i++) payload[i] = Math.imul(n, i + 1);
      lock.write(self, payload);
    }
    return [n];
  },

  seqHold(): number[] {
    const lock = new SeqLock(mem, LOCK, LETTERS);
    lock.writeBegin(self);
    lock.set(0, 77);
    return hang();
  },

  /** Moves tokens between two of 64 slots, each guarded by its stripe. */
  stripeMoves(): number[] {
    const stripes = new Stripes(mem, LOCK, 8, { lineShift: 2 });
    let seed = self;
    const random = () => {
      seed = Math.imul(seed, 1103515245) + 12345;
      return (seed >>> 16) & 63;
    };
    meet();
    for (let i = 0; i < rounds; i++) {
      const [from, to] = [random(), random()];
      const [a, b] = [stripes.of(from * 4), stripes.of(to * 4)];
      stripes.lockPair(a, b, self);
      mem[DATA + from]! -= 1;
      mem[DATA + to]! += 1;
      stripes.unlockPair(a, b, self);
    }
    return [];
  },

  stripeHold(): number[] {
    const stripes = new Stripes(mem, LOCK, 8);
    stripes.lock(3, self);
    stripes.lock(5, self);
    return hang();
  },

  /** Pushes records [id, number, check], waiting for space when refused; returns how often it was. */
  ringPush(): number[] {
    const ring = new Ring(mem, LOCK, 16, 3);
    const record = new Int32Array(3);
    let refusals = 0;
    meet();
    for (let i = 0; i < rounds; i++) {
      record[0] = self;
      record[1] = i;
      record[2] = Math.imul(self, 7919) ^ i;
      while (!ring.push(self, record)) {
        refusals++;
        ring.waitSpace();
      }
    }
    return [refusals];
  },

  /** Waits for an event to change from 0. */
  eventWait(): number[] {
    const event = new Event(mem, LOCK);
    Atomics.add(mem, FLAG, 1);
    const result = event.waitChange(0);
    return [result === 'changed' ? mem[DATA]! : -1];
  },

  /** Takes two ranked mutexes in the wrong order, with the checker on. */
  wrongOrder(): number[] {
    const frames = new Mutex(mem, LOCK, 'frames');
    const region = new Mutex(mem, LOCK + 8, 'region');
    region.lock(self);
    frames.lock(self);
    frames.unlock(self);
    region.unlock(self);
    frames.lock(self);
    try {
      region.lock(self);
      return [0];
    } catch (error) {
      return [/region.* while holding frames/.test((error as Error).message) ? 1 : 2];
    }
  },
};

/** Waits until the whole crew has come here, so that they contend from the first round on. */
function meet(): void {
  Atomics.add(mem, READY, 1);
  Atomics.notify(mem, READY);
  for (let seen = Atomics.load(mem, READY); seen < crew; seen = Atomics.load(mem, READY)) {
    Atomics.wait(mem, READY, seen);
  }
}

function pause(): void {
  Atomics.wait(mem, PARKED, 0, 0.05);
}

/** Says that it has what it wanted, and stays until it is terminated. */
function hang(): number[] {
  Atomics.add(mem, FLAG, 1);
  Atomics.wait(mem, PARKED, 0);
  return [];
}

parentPort!.postMessage(roles[role]());
