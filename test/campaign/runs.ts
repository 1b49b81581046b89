/** Outcomes and runs for tests. */
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../../src/campaign/outcome.js';
import type { Shard } from '../../src/campaign/queue.js';
import type { StoredRun } from '../../src/campaign/store.js';

export const FAKE = fileURLToPath(new URL('./fake-capgrind.js', import.meta.url));

export function outcome(part: Partial<Outcome> = {}): Outcome {
  return {
    end: 'exit',
    status: 0,
    signal: 0,
    output: 'aaaa',
    findings: [],
    interleaving: null,
    blocks: null,
    message: '',
    ...part,
  };
}

export function run(seed: number, part: Partial<Outcome> = {}): StoredRun {
  return { seed, outcome: outcome(part), milliseconds: 1 };
}

export function shard(seed: number, program = 'exit', args: string[] = [], timeoutMs = 30_000): Shard {
  return { campaign: 'test', seed, options: [`--seed=${seed}`], program, args, timeoutMs };
}
