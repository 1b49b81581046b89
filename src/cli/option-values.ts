/** Values of options as yargs gives them, turned into what they mean. Everything wrong is a UsageError. */
import { resolve } from 'node:path';

/** A mistake on the command line: one line for the user. */
export class UsageError extends Error {}

export class OptionValues {
  /** @param parsed by option name; an option given more than once has a list */
  constructor(private readonly parsed: Readonly<Record<string, unknown>>) {}

  /** The last value given, undefined for none. */
  last(name: string): unknown {
    const x = this.parsed[name];
    return Array.isArray(x) ? x[x.length - 1] : x;
  }

  /** How often a switch was given. */
  count(name: string): number {
    return Number(this.parsed[name] ?? 0);
  }

  text(name: string): string | undefined {
    const v = this.last(name);
    return v === undefined ? undefined : String(v);
  }

  /** All values, in their order. */
  list(name: string): string[] {
    const v = this.parsed[name];
    return v === undefined ? [] : (Array.isArray(v) ? v : [v]).map(String);
  }

  /** yes or no; the option alone means yes. */
  flag(name: string, otherwise: boolean): boolean {
    const v = this.last(name);
    if (v === undefined) return otherwise;
    if (v === true || v === '' || v === 'yes' || v === 'true') return true;
    if (v === false || v === 'no' || v === 'false') return false;
    throw new UsageError(`Bad option: --${name}=${String(v)} (yes or no)`);
  }

  whole<D>(name: string, otherwise: D, lo: number, hi: number): number | D {
    const v = this.last(name);
    if (v === undefined) return otherwise;
    const n = typeof v === 'number' ? v : Number(v);
    if (!Number.isInteger(n) || n < lo || n > hi) {
      throw new UsageError(`Bad option: --${name}=${String(v)} (a whole number from ${lo} to ${hi})`);
    }
    return n;
  }

  /** One of the words; the first when nothing is said. */
  choice<W extends string>(name: string, words: readonly W[]): W {
    const v = this.last(name);
    if (v === undefined) return words[0]!;
    const found = words.find((w) => w === v);
    if (found === undefined) throw new UsageError(`Bad option: --${name}=${String(v)} (${words.join(', ')})`);
    return found;
  }

  /** The name of a file, made absolute. */
  path(name: string): string | undefined {
    const v = this.fileName(name);
    return v === undefined ? undefined : resolve(v);
  }

  /** The name of a file as it stands. */
  fileName(name: string): string | undefined {
    const v = this.text(name);
    // Without a value the option would name a file called yes.
    if (v === '' || v === 'yes') throw new UsageError(`Bad option: --${name} (needs a file: --${name}=FILE)`);
    return v;
  }
}
