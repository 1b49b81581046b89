/** `--trace-ipc`: from the records of a run to what the user asked for. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { decodeTrace } from './messages.js';
import { readIpcTrace } from './read.js';
import { sequencePage } from './sequence.js';

/**
 * Decodes the records in `records` and deletes them: a page for a file that ends in `.html`, lines for any other,
 * and lines to `write` where `file` is empty. Gives a line for the user when something cannot be read or written.
 */
export function writeIpcTrace(records: string, file: string, write: (line: string) => void): string | null {
  try {
    const trace = readIpcTrace(readFileSync(records));
    const { lines, messages } = decodeTrace(trace);
    if (file === '') for (const line of lines) write(line);
    else if (/\.html?$/.test(file)) writeFileSync(file, sequencePage(trace, messages));
    else writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return null;
  } catch (error) {
    return `cannot write the IPC trace: ${(error as Error).message}`;
  } finally {
    rmSync(records, { force: true });
  }
}
