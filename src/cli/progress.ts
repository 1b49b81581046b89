/** Progress on standard error: a bar with an estimate on a terminal, now and then a line elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

/** Milliseconds between two lines where there is no terminal. */
const LINE_MS = 10_000;

export interface Progress {
  /** Total and what is there before it begins. */
  begin(total: number, done: number): void;
  /** So many are done; `note` says what else there is to say in a word or two. */
  step(done: number, note: string): void;
  /** A line that stays. */
  say(line: string): void;
  end(): void;
}

/** @param name what lines begin with; @param what the things counted, such as `runs` */
export function progressOn(stream: NodeJS.WriteStream, name: string, what: string): Progress {
  return stream.isTTY ? new BarProgress(stream, what) : new LineProgress(stream, name, what);
}

/** How long the rest will take, going by what was done since the beginning. */
class Estimate {
  private began = 0;
  private before = 0;
  total = 0;

  begin(total: number, done: number): void {
    this.total = total;
    this.before = done;
    this.began = performance.now();
  }

  left(done: number): string {
    if (done === this.before) return '?';
    return duration(((performance.now() - this.began) / (done - this.before)) * (this.total - done));
  }
}

class BarProgress implements Progress {
  private readonly bar: SingleBar;
  private readonly estimate = new Estimate();
  private done = 0;
  private shown = { note: '', left: '?' };

  constructor(
    private readonly stream: NodeJS.WriteStream,
    what: string,
  ) {
    this.bar = new SingleBar(
      {
        format: `{bar} {value}/{total} ${what}{note}, {left} left`,
        stream,
        barsize: 24,
        clearOnComplete: true,
        // Signals are the command's business.
        gracefulExit: false,
        linewrap: true,
      },
      Presets.shades_classic,
    );
  }

  begin(total: number, done: number): void {
    this.estimate.begin(total, done);
    this.done = done;
    this.bar.start(total, done, this.shown);
  }

  step(done: number, note: string): void {
    this.done = done;
    this.shown = { note: note === '' ? '' : `, ${note}`, left: this.estimate.left(done) };
    this.bar.update(done, this.shown);
  }

  say(line: string): void {
    // The bar goes back to where it began when it ends: it has to begin again below the line.
    const active = this.bar.isActive;
    this.bar.stop();
    this.stream.write(`${line}\n`);
    if (active) this.bar.start(this.estimate.total, this.done, this.shown);
  }

  end(): void {
    this.bar.stop();
  }
}

class LineProgress implements Progress {
  private readonly estimate = new Estimate();
  private last = 0;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly name: string,
    private readonly what: string,
  ) {}

  begin(total: number, done: number): void {
    this.estimate.begin(total, done);
    this.last = performance.now();
  }

  step(done: number, note: string): void {
    const now = performance.now();
    const { total } = this.estimate;
    if (now - this.last < LINE_MS || done === total) return;
    this.last = now;
    const rest = note === '' ? '' : `, ${note}`;
    this.say(`${done} of ${total} ${this.what}${rest}, about ${this.estimate.left(done)} left`);
  }

  say(line: string): void {
    this.stream.write(`${this.name}: ${line}\n`);
  }

  end(): void {}
}

/** A span of time as people say it. @param ms milliseconds */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  return m < 60 ? `${m} min ${s % 60} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}
