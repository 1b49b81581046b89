/** Calls of wrapped functions that do not simply return: opaque ones, signal handlers, unwinding. */
import test from 'ava';
import { T_PC, T_X, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { WrappedCalls } from '../../src/engine/wrapped-calls.js';
import { TRAMPOLINE } from '../../src/jit/region.js';
import type { Wrap } from '../../src/tools/api.js';

class Rig {
  readonly machine = Machine.create(0);
  readonly stack = new Map<number, number>();
  readonly log: string[] = [];
  readonly calls = new WrappedCalls(this.machine, {
    word: (a) => this.stack.get(a) ?? null,
    write: (a, v) => void this.stack.set(a, v),
  });

  wrap(name: string, more: Partial<Wrap> = {}): Wrap {
    return {
      names: [name],
      pre: () => void this.log.push(`${name} entered`),
      post: () => {
        this.log.push(`${name} left`);
        return undefined;
      },
      ...more,
    };
  }

  set(reg: number, v: number): void {
    this.machine.i64[(THREADS + T_X + reg * 8) >> 3] = BigInt(v);
  }

  enter(w: Wrap, sp: number, ra = 0x500): void {
    this.machine.i64[(THREADS + T_PC) >> 3] = 0x1000n;
    this.set(1, ra);
    this.set(2, sp);
    this.calls.enter(THREADS, w);
  }

  returns(sp: number): number {
    this.set(2, sp);
    return this.calls.returned(THREADS);
  }
}

test('what an opaque function calls is part of it, until it has returned', (t) => {
  const r = new Rig();
  const wait = r.wrap('wait', { opaque: true });
  const lock = r.wrap('lock');
  r.enter(wait, 0x8000);
  r.enter(lock, 0x7f00);
  t.is(r.returns(0x8000), 0x500);
  r.enter(lock, 0x8000);
  t.deepEqual(r.log, ['wait entered', 'wait left', 'lock entered']);
});

test('an opaque function that was left by longjmp hides nothing any more', (t) => {
  const r = new Rig();
  r.enter(r.wrap('wait', { opaque: true }), 0x7000);
  r.enter(r.wrap('lock'), 0x7000);
  t.deepEqual(r.log, ['wait entered', 'lock entered']);
});

test('a function that an opaque one ends by jumping to is part of it', (t) => {
  const r = new Rig();
  r.enter(r.wrap('wait', { opaque: true }), 0x7000);
  r.enter(r.wrap('lock'), 0x7000, TRAMPOLINE);
  t.deepEqual(r.log, ['wait entered']);
});

test('a signal handler is no part of what it interrupts, on whatever stack', (t) => {
  for (const handlerStack of [0x6000, 0x20000]) {
    const r = new Rig();
    const wait = r.wrap('wait', { opaque: true });
    const post = r.wrap('post', { opaque: true });
    r.enter(wait, 0x8000);
    r.set(2, 0x7f00);
    r.calls.handlerBegins(THREADS);
    r.enter(post, handlerStack, 0x900);
    t.is(r.returns(handlerStack), 0x900);
    r.calls.handlerEnds();
    t.is(r.returns(0x8000), 0x500);
    t.deepEqual(r.log, ['wait entered', 'post entered', 'post left', 'wait left']);
  }
});

test('a handler that leaves by longjmp takes its own calls along, and no others', (t) => {
  const r = new Rig();
  r.enter(r.wrap('outer'), 0x8000);
  r.set(2, 0x7f00);
  r.calls.handlerBegins(THREADS);
  r.enter(r.wrap('lost'), 0x7000);
  t.is(r.returns(0x8000), 0x500);
  t.deepEqual(r.log, ['outer entered', 'lost entered', 'outer left']);
});

test('before unwinding every return address is put back where the trampoline stood for it', (t) => {
  const r = new Rig();
  r.enter(r.wrap('outer', { cancelled: () => void r.log.push('outer cancelled') }), 0x8000, 0x500);
  r.enter(r.wrap('inner', { cancelled: () => void r.log.push('inner cancelled') }), 0x7f00, 0x600);
  r.stack.set(0x7ff8, TRAMPOLINE).set(0x7ef8, TRAMPOLINE).set(0x7ee0, 7);
  r.set(2, 0x7e00);
  r.calls.unwinds(THREADS);
  t.deepEqual([...r.stack.values()], [0x500, 0x600, 7]);
  t.deepEqual(r.log.slice(2), ['inner cancelled', 'outer cancelled']);
  t.deepEqual(r.calls.hiddenReturns(), []);
});

test('unwinding from a handler with a stack of its own', (t) => {
  const r = new Rig();
  r.enter(r.wrap('wait', { opaque: true }), 0x8000, 0x500);
  r.stack.set(0x7ff8, TRAMPOLINE);
  r.set(2, 0x7f00);
  r.calls.handlerBegins(THREADS);
  r.set(2, 0x20000);
  r.calls.unwinds(THREADS);
  t.is(r.stack.get(0x7ff8), 0x500);
});
