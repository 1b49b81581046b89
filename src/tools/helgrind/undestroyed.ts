/** Notes of --track-destroy: locks that begin anew without having been destroyed, and those that never are. */
import { hex } from './misuse.js';
import { O_B, O_SEEN, type Objects } from './objects.js';

/** O_B of a lock that an init function made; a static initialiser asks for no destruction. */
const MADE = 1;

export interface UndestroyedEnv {
  readonly objects: Objects;
  /** Value of the option: no, yes or all. */
  readonly option: string;
  user(line: string): void;
  /** Lines of the stack trace with this number. */
  traceLines(trace: number): readonly string[];
}

export class Undestroyed {
  constructor(private readonly env: UndestroyedEnv) {}

  /** An init function made the lock. */
  made(o: number): void {
    this.env.objects.set(o, O_B, MADE);
  }

  /** An init function is about to make a lock where this one is. */
  madeOver(o: number): void {
    const { objects, option } = this.env;
    const kind = objects.kind(o);
    if (option === 'no' || kind === 'spinlock') return;
    const where = `pthread_${kind}_init called on address ${hex(objects.addr(o))}`;
    this.say(`${where} which already has a live lock record`, o);
  }

  /** The program has ended. */
  finish(): void {
    const { objects, option } = this.env;
    if (option !== 'all') return;
    const left = objects
      .within(0, Infinity)
      .filter((o) => ['mutex', 'rwlock'].includes(objects.kind(o)) && objects.get(o, O_B) === MADE);
    if (left.length === 0) return;
    this.env.user(`${left.length} lock(s) were not destroyed before exit.`);
    for (const o of left)
      this.say(`Undestroyed ${objects.kind(o)} at address ${hex(objects.addr(o))}, first observed at:`, o);
  }

  private say(text: string, o: number): void {
    this.env.user([text, ...this.env.traceLines(this.env.objects.get(o, O_SEEN))].join('\n'));
  }
}
