/**
 * What a schedule keeps in shared memory, at G_SCHEDULE and in the thread states.
 *
 * Owner: whoever has the turn, which is exactly one thread from the first one's start to the end of the run. The
 * turn passes through T_TURN of the next thread (stored and waited on with Atomics), which orders everything else
 * here, so all other words are plain. Not in the lock order: whoever waits for the turn holds no lock.
 */
import { G_SCHEDULE, G_SCHEDULE_SIZE, MAX_THREADS, T_SCHEDULE } from '../../../kernel/core/layout.js';

/** Thread state of whoever has the turn, 0 before the start. */
export const S_CURRENT = G_SCHEDULE;
/** Threads known, and how many there ever were. */
export const S_COUNT = G_SCHEDULE + 4;
export const S_ORDINALS = G_SCHEDULE + 8;
export const S_SWITCHES = G_SCHEDULE + 12;
/** END_*. */
export const S_END = G_SCHEDULE + 16;
/** Steps since the last switch to or demotion of the current thread. */
export const S_STREAK = G_SCHEDULE + 20;
/** Hash of the interleaving: two words. */
export const S_HASH = G_SCHEDULE + 24;
/** Generators: the schedule's own choices, and the guest's random numbers. Four words each. */
export const S_RANDOM = G_SCHEDULE + 32;
export const S_GUEST_RANDOM = G_SCHEDULE + 48;
/** Virtual time in ns, and steps made, both up to the start of the current turn (f64). */
export const S_NOW = G_SCHEDULE + 64;
export const S_BLOCKS = G_SCHEDULE + 72;
/** Points passed while somebody else could have run (f64), and whether that is so in this turn (i32). */
export const S_POINTS = G_SCHEDULE + 96;
export const S_CONTESTED = G_SCHEDULE + 104;
/** Steps of the current thread that are not in the hash yet (f64). */
export const S_UNHASHED = G_SCHEDULE + 112;
/** Virtual ns at which the next of the guest's timers runs out, Infinity for none (f64). */
export const S_ALARM = G_SCHEDULE + 120;
/** pct: the lowest priority in use (f64). */
export const S_LOWEST = G_SCHEDULE + 80;
/** A replay's place in the recording: bytes (i32). */
export const S_REPLAYED = G_SCHEDULE + 88;
/** pct: points (S_POINTS) at which priorities change, Infinity when done (f64 each). */
export const S_CHANGES = G_SCHEDULE + 0x100;
export const MAX_CHANGES = 99;
/** Thread states in order of creation: MAX_THREADS words. */
export const S_THREADS = G_SCHEDULE + 0x1000;

if (S_THREADS + MAX_THREADS * 4 > G_SCHEDULE + G_SCHEDULE_SIZE) throw new Error('the schedule does not fit');

export const END_EXIT = 0;
export const END_DEADLOCK = 1;
export const END_LIVELOCK = 2;

/** Steps and points handed out with the turn. */
export const T_GRANTED = T_SCHEDULE;
export const T_GRANTED_POINTS = T_SCHEDULE + 48;
/** Number of the thread in order of creation, from 0. */
export const T_ORDINAL = T_SCHEDULE + 4;
/** While waiting: host address of the word waited on (0 = none) and the value it has to lose. */
export const T_WAIT_AT = T_SCHEDULE + 8;
export const T_WAIT_VALUE = T_SCHEDULE + 12;
/** 1 while waiting. */
export const T_WAITING = T_SCHEDULE + 16;
/** While waiting: virtual time in ns at which the wait ends, Infinity for never (f64). */
export const T_WAIT_UNTIL = T_SCHEDULE + 24;
/** pct: larger runs first (f64). */
export const T_PRIORITY = T_SCHEDULE + 32;
/** Steps made by the thread (f64). */
export const T_STEPS_MADE = T_SCHEDULE + 40;
