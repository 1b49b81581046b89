/** Several watchers of one kernel. */
import test from 'ava';
import { fanOut, type L4Events } from '../../../kernel/l4/events.js';

test('each watcher hears what it listens to, in order, as itself', (t) => {
  const heard: string[] = [];
  class Named implements L4Events {
    constructor(private readonly name: string) {}
    taskGone(task: number): void {
      heard.push(`${this.name} ${task}`);
    }
  }
  const all = fanOut([new Named('a'), { objectGone: (o, by) => heard.push(`b ${o} ${by}`) }, new Named('c')]);
  all.taskGone?.(3);
  all.objectGone?.(4, 5);
  t.deepEqual(heard, ['a 3', 'c 3', 'b 4 5']);
  t.is(all.filled, undefined, 'nobody listens');
  const one = new Named('x');
  t.is(fanOut([one]), one);
});
