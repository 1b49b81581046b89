/** The command itself, for the processes it starts and the command lines it shows. */
import { basename } from 'node:path';
import { shellWord } from './own-options.js';

/** Node and this command's script. */
export function selfCommand(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1]!];
}

/** How people called this command: by name, or node with its script. */
export function shownSelf(): string {
  const script = process.argv[1]!;
  return basename(script) === 'capgrind' ? 'capgrind' : `node ${shellWord(script)}`;
}
