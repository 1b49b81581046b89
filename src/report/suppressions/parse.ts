/**
 * Suppression files in Valgrind's syntax (valgrind-facts 5):
 *
 *     {
 *        a name
 *        Helgrind,Memcheck:Race
 *        fun:f*
 *        ...
 *        obj:*libc.so*
 *        src:file.c:12
 *     }
 */
import { readFileSync, statSync } from 'node:fs';
import type { SuppressionKinds } from '../../tools/errors.js';

/** One suppression, as plain data. */
export interface Suppression {
  readonly name: string;
  /** Where its name stands: the file as given, and the line from 1. */
  readonly file: string;
  readonly line: number;
  /** Name of a kind of the tool's. */
  readonly kind: string;
  /** The line behind the kind, for kinds that have one. */
  readonly extra: string | null;
  readonly locations: readonly Location[];
}

/** What a frame must be; `...` stands for any number of frames. */
export type Location =
  | { readonly by: 'fun' | 'obj' | 'src'; readonly pattern: string }
  | { readonly by: '...' };

/** A mistake in a suppression file: one line for the user, exit status 1. */
export class SuppressionError extends Error {}

/** Frames in a suppression at most, as in Valgrind. */
const MOST_FRAMES = 500;

/**
 * Reads suppression files; later entries come first, as that is the order in which they are tried.
 * @param numCallers frames of a stack at most: further lines of a suppression cannot matter
 */
export function readSuppressions(
  files: readonly string[],
  kinds: SuppressionKinds,
  numCallers: number,
): Suppression[] {
  return files.flatMap((file) => parseSuppressions(readText(file), file, kinds, numCallers)).reverse();
}

function readText(file: string): string {
  try {
    if (statSync(file).isDirectory())
      throw new SuppressionError(`FATAL: suppressions file "${file}" is a directory`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof SuppressionError) throw error;
    throw new SuppressionError(`FATAL: can't open suppressions file "${file}"`);
  }
}

/** The entries of one file that are for the tool, in the file's order. Throws SuppressionError. */
export function parseSuppressions(
  text: string,
  file: string,
  kinds: SuppressionKinds,
  numCallers = MOST_FRAMES,
): Suppression[] {
  const r = new Lines(text, file);
  const out: Suppression[] = [];
  for (let at = r.next(); at !== null; at = r.next()) {
    if (at !== '{') r.bomb("expected '{' or end-of-file");
    const name = r.next();
    if (name === null || name === '}') return r.bomb("unexpected '}'");
    const { number } = r;
    const head = r.next();
    if (head === null) return r.bomb('unexpected end-of-file (expecting tool:suppr)');
    const colon = head.indexOf(':');
    if (colon < 0) r.bomb("malformed 'tool1,tool2,...:supp' line");
    if (!head.slice(0, colon).split(',').includes(kinds.tool)) {
      r.skip();
      continue;
    }
    const kind = head.slice(colon + 1);
    const shape = Object.hasOwn(kinds.kinds, kind)
      ? kinds.kinds[kind]!
      : r.bomb('unknown tool suppression type');
    const extra = shape === 'plain' ? null : r.extra(shape === 'optional');
    out.push({ name, file, line: number, kind, extra, locations: r.locations(numCallers) });
  }
  return out;
}

/** The lines that count, trimmed; knows where it is. */
class Lines {
  /** Line number of the last line given out. */
  number = 0;
  private readonly lines: string[];

  constructor(
    text: string,
    private readonly file: string,
  ) {
    this.lines = text.split('\n');
    // What follows the last newline is no line of its own.
    if (this.lines.at(-1) === '') this.lines.pop();
  }

  /** The next line that is neither blank nor a comment, null at the end. */
  next(): string | null {
    while (this.number < this.lines.length) {
      const line = this.lines[this.number++]!.trim();
      if (line !== '' && !line.startsWith('#')) return line;
    }
    return null;
  }

  bomb(reason: string): never {
    throw new SuppressionError(
      `FATAL: in suppressions file "${this.file}" near line ${this.number}: ${reason}`,
    );
  }

  /** Passes over the rest of an entry. */
  skip(): void {
    for (let l = this.next(); l !== '}'; l = this.next()) {
      if (l === null) this.bomb('unexpected end-of-file (when skipping suppression)');
    }
  }

  /** The extra line of a kind that has one. An optional one is told from a location by its form. */
  extra(optional: boolean): string | null {
    const before = this.number;
    const line = this.next();
    if (line === null || line === '}') this.bomb('bad or missing extra suppression info');
    if (optional && locationOf(line) !== null) {
      this.number = before;
      return null;
    }
    return line;
  }

  locations(most: number): Location[] {
    const out: Location[] = [];
    for (let count = 0; ; count++) {
      const line = this.next();
      if (line === null) return this.bomb('unexpected end-of-file (when reading stack trace)');
      if (line === '}') {
        if (count === 0) this.bomb('missing stack trace');
        break;
      }
      if (count === MOST_FRAMES) this.bomb('too many callers in stack trace');
      const location = locationOf(line);
      if (location === null)
        return this.bomb('location should be "...", or should start with "fun:", "obj:", or "src:"');
      out.push(location);
    }
    if (out.every((l) => l.by === '...')) {
      this.bomb('suppression must contain at least one location line which is not "..."');
    }
    return out.slice(0, most);
  }
}

function locationOf(line: string): Location | null {
  if (line === '...') return { by: '...' };
  const m = /^(fun|obj|src):(.*)$/.exec(line);
  return m && { by: m[1] as 'fun' | 'obj' | 'src', pattern: m[2]! };
}
