/** What a seeded schedule is asked to do, and what came of it: plain data. */

export type ScheduleKind = 'fair' | 'random' | 'pct';

export interface ScheduleConfig {
  kind: ScheduleKind;
  /** 0 .. 2^32 - 1. */
  seed: number;
  /**
   * Of a turn: steps (fair), points at most (random), steps until a thread that others wait for has to yield (pct).
   * Steps and points are those of jit/steps.ts.
   */
  quantum: number;
  /** pct: ordering constraints of the bugs looked for; one less than that many priority changes. */
  pctDepth: number;
  /** pct: points among which the changes are spread; 0 lets the seed choose. */
  pctPoints: number;
  /** Steps after which the run is ended as a livelock; Infinity for none. */
  maxBlocks: number;
}

export const QUANTUM: Readonly<Record<ScheduleKind, number>> = { fair: 1000, random: 32, pct: 20_000 };

/** How a scheduled run ended: by itself, with no thread able to go on, or out of its budget of blocks. */
export type ScheduleEnd = 'exit' | 'deadlock' | 'livelock';

/** Exit statuses of capgrind for the ends that the guest did not choose. */
export const STATUS_DEADLOCK = 121;
export const STATUS_LIVELOCK = 122;
/** A replay whose guest asked for something else than the recorded one. */
export const STATUS_DIVERGED = 123;

export interface ScheduleOutcome {
  kind: ScheduleKind;
  seed: number;
  /** Hash of the interleaving: threads in order, with the addresses their steps ended at; 16 hex digits. */
  hash: string;
  switches: number;
  /** Steps, counted from the creation of the second thread where there is one. */
  blocks: number;
  end: ScheduleEnd;
}
