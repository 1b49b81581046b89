/** The table of rare bugs in docs/stress.md, which bench/rare.ts prints and checks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './contestants.js';

export interface KnownSeed {
  readonly guest: string;
  readonly schedule: string;
  /** The first seed from 1 on that fails. */
  readonly seed: number;
  /** How it fails, in the words of a campaign. */
  readonly fails: string;
}

/** What all runs of these guests are given: ends the one that spins for ever, and the others stay far below. */
export const BUDGET = '--max-blocks=200000';

export function knownSeeds(): KnownSeed[] {
  return readFileSync(join(ROOT, 'docs/stress.md'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, guest = '', schedule = '', seed, fails = ''] = line.split('|').map((cell) => cell.trim());
      return guest.startsWith('rare-') ? [{ guest, schedule, seed: Number(seed), fails }] : [];
    });
}
