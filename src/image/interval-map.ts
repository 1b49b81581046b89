/** A half-open range of addresses with a value. */
export interface Interval<T> {
  readonly start: number;
  readonly end: number;
  readonly value: T;
  /** Gives way to any interval that is not weak, wherever they overlap. */
  readonly weak?: boolean;
}

/** Index of the last element of a sorted array that is <= key, or -1. */
export function lastAtMost(sorted: ArrayLike<number>, key: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid] <= key) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

/** Nesting beyond this is damage: the outermost intervals are forgotten. */
const MAX_DEPTH = 64;

/**
 * Immutable map from address to the innermost of the intervals that contain it: the one that starts last. Built by
 * one sweep, O(n log n), into disjoint pieces; a look-up is one binary search and allocates nothing.
 */
export class IntervalMap<T> {
  private readonly starts: Float64Array;
  private readonly values: (T | null)[];

  constructor(intervals: readonly Interval<T>[]) {
    const sorted = intervals
      .filter((i) => i.end > i.start)
      .sort(
        (a, b) => a.start - b.start || b.end - a.end || Number(b.weak === true) - Number(a.weak === true),
      );
    const starts: number[] = [];
    const values: (T | null)[] = [];
    const open: Interval<T>[] = [];
    const put = (start: number, value: T | null): void => {
      const last = starts.length - 1;
      if (last >= 0 && starts[last] === start) values[last] = value;
      else if (last < 0 ? value !== null : values[last] !== value) {
        starts.push(start);
        values.push(value);
      }
    };
    const top = (): T | null => {
      for (let k = open.length - 1; k >= 0; k--) if (open[k].weak !== true) return open[k].value;
      return open.length > 0 ? open[open.length - 1].value : null;
    };
    /** Ends every open interval that ends at or before `until`, showing again what lay beneath it. */
    const close = (until: number): void => {
      while (open.length > 0) {
        let first = 0;
        for (let k = 1; k < open.length; k++) if (open[k].end <= open[first].end) first = k;
        const end = open[first].end;
        if (end > until) return;
        open.splice(first, 1);
        put(end, top());
      }
    };
    for (const interval of sorted) {
      close(interval.start);
      // An enclosing interval that has begun earlier is cut off when nesting gets absurd: bounded work per step.
      if (open.length >= MAX_DEPTH) open.shift();
      open.push(interval);
      put(interval.start, top());
    }
    close(Number.POSITIVE_INFINITY);
    this.starts = Float64Array.from(starts);
    this.values = values;
  }

  /** The value at an address, or null. */
  at(addr: number): T | null {
    const i = lastAtMost(this.starts, addr);
    return i < 0 ? null : this.values[i];
  }
}
