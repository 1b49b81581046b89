/** Prints errors where the command line wants them: the output side of src/engine/errors.ts. */
import type { Machine } from '../../kernel/core/machine.js';
import type { Frame } from '../image/image-set.js';
import type { ReportedError } from '../report/record.js';
import { announcementLines, errorLines } from '../report/text.js';
import type { Logger, Tool } from '../tools/api.js';
import type { FoundError } from '../tools/errors.js';
import type { RunConfig } from './config.js';
import { ErrorStore } from './error-store.js';
import { type ErrorOutput, Errors } from './errors.js';
import type { Symbols } from './symbols.js';

export class Reporter implements ErrorOutput {
  constructor(
    private readonly options: RunConfig['report'],
    private readonly symbols: Symbols,
    private readonly log: Logger,
  ) {}

  trace(pcs: readonly number[], most?: number): Frame[] {
    return this.symbols.trace(pcs, most);
  }

  suppressedBy(_error: FoundError): number {
    return -1;
  }

  error(error: ReportedError): void {
    this.message([...announcementLines(error, this.options), ...errorLines(error, this.options)]);
  }

  message(lines: readonly string[]): void {
    this.log.user(lines.join('\n'));
  }
}

/** Where a tool's errors go in this worker. */
export function toolErrors(
  config: RunConfig,
  tool: Tool,
  machine: Machine,
  buffer: SharedArrayBuffer,
  symbols: Symbols,
  log: Logger,
): Errors {
  const { errorLimit, numCallers } = config.report;
  const rules = {
    limit: errorLimit,
    numCallers,
    xml: false,
    tool: tool.suppressions?.tool ?? tool.name,
    showThreads: tool.showThreads ?? false,
  };
  return new Errors(machine, new ErrorStore(buffer), rules, new Reporter(config.report, symbols, log));
}
