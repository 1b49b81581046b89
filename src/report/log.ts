/** Report lines in Valgrind's form: every line with its prefix, written at once so that lines never mix. */
import { writeSync } from 'node:fs';

export class Log {
  constructor(
    private readonly fd: number,
    private readonly pid: number,
    readonly verbosity: number,
  ) {}

  /** A user message: `==PID== text`, line by line. */
  user(text = ''): void {
    this.lines('==', text);
  }

  /** A debug message: `--PID-- text`. */
  debug(text: string): void {
    this.lines('--', text);
  }

  /** A message of the guest itself: `**PID** text`. */
  client(text: string): void {
    this.lines('**', text);
  }

  /** Text without prefix. */
  raw(text: string): void {
    this.write(text);
  }

  private lines(mark: string, text: string): void {
    const prefix = `${mark}${this.pid}${mark} `;
    this.write(
      text
        .split('\n')
        .map((l) => `${prefix}${l}\n`)
        .join(''),
    );
  }

  private write(text: string): void {
    if (this.fd < 0) return;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.fd, bytes, at);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EAGAIN') continue;
        // The reader of the report is gone: the guest goes on without it.
        return;
      }
    }
  }
}
