/** Options of helgrind, with the names, values and defaults that Valgrind's have (valgrind-facts 1.4). */
import { type ToolOption, YES_NO } from '../api.js';

/** Values of --history-level by the number that the run time knows them by. */
export const HISTORY = ['none', 'approx', 'full'] as const;

/** Longest time in ms that --exclusive-threshold and --shared-threshold take. */
const THRESHOLD: readonly [number, number] = [0, 1_000_000_000];

const flag = (describe: string, otherwise: 'no' | 'yes'): ToolOption => ({
  describe,
  default: otherwise,
  values: YES_NO,
});

export const OPTIONS = {
  'track-lockorders': flag('check that locks are taken in one order', 'yes'),
  'history-level': {
    describe:
      'of earlier accesses: their stacks (full), where their thread synchronised (approx), nothing (none)',
    default: 'full',
    values: HISTORY,
  },
  'history-backtrace-size': {
    describe: 'frames that are shown of an earlier access',
    default: '8',
    range: [2, 500],
  },
  'conflict-cache-size': {
    describe: 'stacks of accesses are kept until they have this many different frames (2000000 at most)',
    default: '2000000',
    range: [10_000, 150_000_000],
  },
  'delta-stacktrace': flag('accepted; has no effect, stacks are always kept that way', 'yes'),
  'check-stack-refs': flag('check accesses through the stack pointer', 'yes'),
  'free-is-write': flag('giving a block back is a write of it', 'no'),
  'ignore-thread-creation': flag('what a thread does in pthread_create is not looked at', 'no'),
  'cmp-race-err-addrs': flag('races at different addresses are different errors', 'no'),
  'check-cond-signal-mutex': flag('report signals without the mutex of the waiters held', 'no'),
  'track-destroy': {
    describe: 'notes about locks made anew without being destroyed (yes), and those left at the end (all)',
    default: 'no',
    values: ['no', 'yes', 'all'],
  },
  'vts-pruning': {
    describe: 'accepted; has no effect, clocks of ended threads are always used again',
    default: 'auto',
    values: ['never', 'auto', 'always'],
  },
  'exclusive-threshold': {
    describe: 'report locks held for writing for longer than this many ms',
    default: '',
    range: THRESHOLD,
  },
  'shared-threshold': {
    describe: 'report locks held for reading for longer than this many ms',
    default: '',
    range: THRESHOLD,
  },
} as const satisfies Record<string, ToolOption>;
