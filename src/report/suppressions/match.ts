/** Finds the suppression that hides an error (valgrind-facts 5). */

import { isBelowMain } from '../../image/frames.js';
import type { Frame } from '../../image/image-set.js';
import type { Location, Suppression } from './parse.js';

/** Text of a frame whose function or object is not known, as Valgrind has it: `fun:*` matches it too. */
const UNKNOWN = '???';

/** Suppressions of one tool, ready to be asked; each worker has its own. */
export class Matcher {
  private readonly byKind = new Map<string, number[]>();

  /** @param list in the order of trying */
  constructor(private readonly list: readonly Suppression[]) {
    list.forEach((s, i) => {
      const same = this.byKind.get(s.kind);
      if (same) same.push(i);
      else this.byKind.set(s.kind, [i]);
    });
  }

  /**
   * Number in the list of the suppression that hides an error, -1 for none.
   * @param frames the whole stack, innermost first, inlined calls as frames of their own; asked for only if needed
   */
  find(kind: string, extra: string | null, frames: () => readonly Frame[]): number {
    const candidates = this.byKind.get(kind);
    if (!candidates) return -1;
    const stack = frames();
    for (const i of candidates) {
      const s = this.list[i]!;
      if (s.extra !== null && !globMatch(s.extra, extra ?? '')) continue;
      if (matchesPrefix(s.locations, stack)) return i;
    }
    return -1;
  }
}

/** Whether the locations match a prefix of the stack; `...` stands for any number of frames. */
export function matchesPrefix(locations: readonly Location[], stack: readonly Frame[]): boolean {
  let p = 0;
  let f = 0;
  /** Where to go on when a frame does not match: behind the last `...`, one frame further than last time. */
  let retryP = -1;
  let retryF = 0;
  while (p < locations.length) {
    const l = locations[p]!;
    if (l.by === '...') {
      retryP = ++p;
      retryF = f;
    } else if (f < stack.length && matchesFrame(l, stack[f]!)) {
      p++;
      f++;
    } else if (retryP >= 0 && retryF < stack.length) {
      p = retryP;
      f = ++retryF;
    } else return false;
  }
  return true;
}

function matchesFrame(l: Exclude<Location, { by: '...' }>, frame: Frame): boolean {
  if (l.by === 'obj') return globMatch(l.pattern, frame.obj ?? UNKNOWN);
  if (l.by === 'fun') {
    const fn = frame.fn ?? UNKNOWN;
    return globMatch(l.pattern, fn) || (isBelowMain(fn) && globMatch(l.pattern, '(below main)'));
  }
  if (frame.file === null) return false;
  const dir = frame.dir === null ? '' : `${frame.dir.replace(/\/$/, '')}/`;
  return [frame.file, dir + frame.file].some(
    (file) => globMatch(l.pattern, file) || globMatch(l.pattern, `${file}:${frame.line}`),
  );
}

/** Whether a pattern with `*`, `?` and a backslash before characters that mean themselves covers a whole text. */
export function globMatch(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starP = -1;
  let starT = 0;
  while (t < text.length || p < pattern.length) {
    const c = pattern[p];
    if (c === '*') {
      starP = ++p;
      starT = t;
      continue;
    }
    if (t < text.length && c !== undefined) {
      const escaped = c === '\\' && p + 1 < pattern.length;
      const literal = escaped ? pattern[p + 1] : c;
      if ((c === '?' && !escaped) || literal === text[t]) {
        p += escaped ? 2 : 1;
        t++;
        continue;
      }
    }
    if (starP < 0 || starT >= text.length) return false;
    p = starP;
    t = ++starT;
  }
  return true;
}
