/** test/guests/guests.json as typed runs, with what each must give. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, GUESTS, SCRATCH } from './capgrind.js';

interface RunEntry {
  args: string[];
  env?: Record<string, string>;
  stdin?: string;
  exit?: number;
  signal?: NodeJS.Signals;
  stdout?: string;
  stdoutFile?: string;
  stdoutUnderTool?: string;
  skipUnderQemu?: string;
}

interface GuestEntry {
  name: string;
  link: 'freestanding' | 'static-pie' | 'static' | 'dynamic' | 'shared';
  sources: string[];
  output?: string;
  runs: RunEntry[];
}

export interface GuestRun {
  /** Guest and arguments, unique in the list. */
  readonly title: string;
  readonly guest: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Exit status; null when a signal ends it. */
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  /** On capgrind, and on a machine without tools. */
  readonly stdout: string;
  readonly stdoutBare: string;
  readonly dynamic: boolean;
  /** Whether it makes threads, as far as the folder of its source tells. */
  readonly threaded: boolean;
  readonly skipUnderQemu: string | undefined;
}

/** Every run of every guest, in the order of the file. Throws for an entry that says nothing about its outcome. */
export function guestRuns(): GuestRun[] {
  const { guests } = JSON.parse(readFileSync(join(GUESTS, 'guests.json'), 'utf8')) as {
    guests: GuestEntry[];
  };
  const titles = new Map<string, number>();
  return guests.flatMap((g) => g.runs.map((r) => guestRun(g, r, titles)));
}

function guestRun(g: GuestEntry, r: RunEntry, titles: Map<string, number>): GuestRun {
  const words = [g.name, ...r.args].join(' ');
  const times = (titles.get(words) ?? 0) + 1;
  titles.set(words, times);
  const title = times === 1 ? words : `${words} #${times}`;
  if ((r.exit === undefined) === (r.signal === undefined)) {
    throw new Error(`guests.json: ${title}: either exit or signal, please`);
  }
  const stdout = r.stdoutFile === undefined ? r.stdout : readFileSync(join(GUESTS, r.stdoutFile), 'utf8');
  if (stdout === undefined && r.signal === undefined) throw new Error(`guests.json: ${title}: no stdout`);
  return {
    title,
    guest: g.name,
    program: join(BIN, g.output ?? g.name),
    args: r.args,
    env: r.env ?? {},
    stdin: r.stdin ?? '',
    exit: r.exit ?? null,
    signal: r.signal ?? null,
    stdout: r.stdoutUnderTool ?? stdout ?? '',
    stdoutBare: stdout ?? '',
    dynamic: g.link === 'dynamic',
    threaded: g.sources.some((s) => /^(threads|litmus)\/|^race/.test(s)),
    skipUnderQemu: r.skipUnderQemu,
  };
}

/** The arguments with `{bin}` and `{tmp}` filled in; the latter is a new empty folder each time. */
export function guestArgs(run: GuestRun): string[] {
  return run.args.map((word) =>
    word.replace(/\{(bin|tmp)\}/g, (_, what) =>
      what === 'bin' ? BIN : mkdtempSync(join(SCRATCH, 'guest-')),
    ),
  );
}
