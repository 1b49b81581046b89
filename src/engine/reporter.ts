/** Prints errors where the command line wants them: the output side of src/engine/errors.ts. */
import { readSync } from 'node:fs';
import type { Machine } from '../../kernel/core/machine.js';
import type { Frame } from '../image/image-set.js';
import { Log } from '../report/log.js';
import type { ReportedError } from '../report/record.js';
import { suppressionText } from '../report/suppressions/generate.js';
import { Matcher } from '../report/suppressions/match.js';
import { announcementLines, errorLines } from '../report/text.js';
import { xmlError } from '../report/xml.js';
import type { Logger, Tool } from '../tools/api.js';
import type { FoundError } from '../tools/errors.js';
import type { RunConfig } from './config.js';
import { ErrorStore, SAID_ENOUGH } from './error-store.js';
import { type ErrorOutput, Errors } from './errors.js';
import type { Symbols } from './symbols.js';

class Reporter implements ErrorOutput {
  private readonly matcher: Matcher;
  private readonly xml: Log | null;
  private readonly options: RunConfig['report'];

  constructor(
    private readonly config: RunConfig,
    private readonly symbols: Symbols,
    private readonly log: Logger,
    private readonly store: ErrorStore,
    readonly exit: () => void,
  ) {
    this.options = config.report;
    this.matcher = new Matcher(config.report.suppressions);
    this.xml = xmlLog(config);
  }

  trace(pcs: readonly number[], most?: number): Frame[] {
    return this.symbols.trace(pcs, most);
  }

  suppressedBy(error: FoundError): number {
    return this.matcher.find(error.kind, error.extra ?? null, () => this.symbols.frames(error.pcs));
  }

  error(error: ReportedError): void {
    const { options, xml, log } = this;
    if (xml) {
      xml.raw(xmlError(error, options, options.genSuppressions === 'all'));
      return;
    }
    const marks = options.errorMarkers;
    this.message([
      ...(marks ? [marks.begin] : []),
      ...announcementLines(error, options),
      ...errorLines(error, options),
      ...(marks ? [marks.end] : []),
    ]);
    if (this.wantsSuppression()) log.raw(suppressionText(error, options.showBelowMain));
    if (options.exitOnFirstError > 0) {
      this.message(['', 'Exit program on first error (--exit-on-first-error=yes)']);
    }
  }

  message(lines: readonly string[]): void {
    if (!this.xml) this.log.user(lines.join('\n'));
  }

  private wantsSuppression(): boolean {
    const { genSuppressions, inputFd } = this.options;
    if (genSuppressions !== 'yes') return genSuppressions === 'all';
    if (this.store.said(SAID_ENOUGH)) return false;
    this.message(['']);
    for (;;) {
      this.log.raw(`==${this.config.pid}== ---- Print suppression ? --- [Return/N/n/Y/y/C/c] ---- `);
      const answer = readAnswer(inputFd);
      if (answer === 'y') return true;
      if (answer === 'c') this.store.say(SAID_ENOUGH);
      if (answer !== '?') return false;
    }
  }
}

/** The XML form's output, null for the text form. */
export function xmlLog(config: RunConfig): Log | null {
  const { xmlFd, verbosity } = config.report;
  return xmlFd < 0 ? null : new Log(xmlFd, config.pid, verbosity);
}

/** One line from a descriptor: `y`, `n` (also for an empty line and at the end), `c`, or `?` for anything else. */
function readAnswer(fd: number): 'y' | 'n' | 'c' | '?' {
  let line = '';
  const byte = Buffer.alloc(1);
  for (;;) {
    let n = 0;
    try {
      n = readSync(fd, byte);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') continue;
    }
    if (n === 0) return 'n';
    if (byte[0] === 10) break;
    line += String.fromCharCode(byte[0]!);
  }
  if (/^[ycn]$/i.test(line)) return line.toLowerCase() as 'y' | 'n' | 'c';
  return line === '' ? 'n' : '?';
}

/** What errors need of the engine. */
export interface ErrorWorld {
  readonly machine: Machine;
  /** Of the error store. */
  readonly buffer: SharedArrayBuffer;
  readonly symbols: Symbols;
  readonly log: Logger;
  /** Ends the program with this status. */
  exit(status: number): void;
}

/** Where a tool's errors go in this worker. */
export function toolErrors(config: RunConfig, tool: Tool, world: ErrorWorld): Errors {
  const { report } = config;
  const store = new ErrorStore(world.buffer);
  const rules = {
    limit: report.errorLimit,
    numCallers: report.numCallers,
    xml: report.xmlFd >= 0,
    tool: tool.suppressions?.tool ?? tool.name,
    showThreads: tool.showThreads ?? false,
    exitOnFirst: report.exitOnFirstError > 0,
    keepSuppressed: report.keepSuppressed,
  };
  const exit = (): void => world.exit(report.exitOnFirstError);
  const output = new Reporter(config, world.symbols, world.log, store, exit);
  return new Errors(world.machine, store, rules, output);
}
