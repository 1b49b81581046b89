/** Capability tables and kernel objects, one caller: expectations from the fact sheet's sections 4 and 6. */
import test from 'ava';
import { STOP_EXIT, T_PC, T_STOP, T_X } from '../../../kernel/core/layout.js';
import * as A from '../../../kernel/l4/abi.js';
import { L4Rig, memory, object, slot } from '../../support/l4-rig.js';

const MAP = 8;
const SELF = 0x80000000;
const DELETE = 0xc0000000;

test('factory: what it makes, and errors', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const made = rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  t.like(made, { label: 0, words: 0, items: 1, error: 0 });
  t.is(rig.mr(p, 0), 0x38);
  t.true(rig.full(p, 0x20));
  t.like(rig.create(p, 0x21, -99), { label: -A.ENODEV, items: 0 });
  t.false(rig.full(p, 0x21));
  t.is(rig.call(p, A.CAP_FACTORY, A.PROTO_FACTORY, []).label, -A.EMSGTOOSHORT);
  t.is(rig.call(p, A.CAP_FACTORY, A.PROTO_TASK, [0]).label, -A.EBADPROTO);
  rig.setBr(p, [0]);
  t.is(rig.call(p, A.CAP_FACTORY, A.PROTO_FACTORY, [A.PROTO_SEMAPHORE]).error, 9);
  t.like(rig.create(p, 0x22, A.PROTO_TASK, [0x80003, memory(0x100000, 12)]), {
    label: 0,
    words: 1,
    items: 1,
  });
});

test('factory: quota of a child comes out of the parent and goes back', (t) => {
  const rig = new L4Rig();
  const p = rig.party(100_000);
  t.is(rig.create(p, 0x20, A.PROTO_FACTORY, [0x80001, 200_000]).label, -A.ENOMEM);
  t.is(rig.create(p, 0x20, A.PROTO_FACTORY, [0x80001, 60_000]).label, 0);
  t.is(rig.create(p, 0x21, A.PROTO_FACTORY, [0x80001, 60_000]).label, -A.ENOMEM);
  rig.call(p, A.CAP_TASK, A.PROTO_TASK, [1, SELF, object(0x20)]);
  t.is(rig.create(p, 0x21, A.PROTO_FACTORY, [0x80001, 60_000]).label, 0);
  t.is(rig.create(p, 0x22, A.PROTO_FACTORY, [0x80001]).label, -A.EMSGTOOSHORT);
});

test('an empty slot, and special selectors, as the kernel answers them', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  t.like(rig.syscall(p, slot(0x30) | 3, 0x123), { error: 4, label: 0, words: 0 });
  t.like(rig.syscall(p, slot(0x30) | 1, 0), { error: 4 });
  t.like(rig.syscall(p, 2 ** 45 + 3, 0), { error: 4 });
  // A wait with nothing there and no time, as observed.
  t.like(rig.syscall(p, -1024 + 6, 0, 0x400), { error: 3, label: 0 });
  t.like(rig.syscall(p, -2048 + 2, 0, 0x7e8 - 0x400 + 1), { error: 3 });
  // A reply to nobody.
  t.like(rig.syscall(p, -1024 + 0xf, 0, 0x4000400), { error: 4 });
});

test('bit 0 of an instruction pointer set by ex_regs does not count', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const { words } = rig.kernel.state;
  t.is(rig.call(p, A.CAP_THREAD, A.PROTO_THREAD, [1, 0x2001, 0x3001]).label, 0);
  rig.kernel.apply(p.ts);
  t.is(words.unsigned(p.ts + T_PC), 0x2000);
  t.is(words.unsigned(p.ts + T_X + 2 * 8), 0x3001);
});

test('task: validity and equality of capabilities', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  const info = (...s: number[]): number => rig.call(p, A.CAP_TASK, A.PROTO_TASK, [2, ...s]).label;
  t.is(info(slot(0x20)), 1);
  t.is(info(slot(0x21)), 0);
  t.is(info(-2048), 0);
  t.is(info(slot(0x21), slot(0x21)), 1);
  t.is(info(slot(0x20), slot(0x21)), 0);
  t.is(info(), -A.EINVAL);
  const map = (rights: number, to: number): number =>
    rig.call(p, A.CAP_TASK, A.PROTO_TASK, [0, slot(to) + MAP, object(0x20, rights)], [[MAP, object(1)]])
      .label;
  t.is(map(7, 0x21), 0);
  t.is(info(slot(0x20), slot(0x21)), 1);
  t.is(map(5, 0x22), 0);
  t.is(info(slot(0x20), slot(0x22)), 0, 'other rights are another capability');
  t.is(map(3, 0x23), 0);
  t.is(info(slot(0x23)), 0, 'without R nothing is sent');
});

test('overmap: with D the old object is destroyed everywhere, otherwise released', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const map = (from: number, to: number, rights: number): number =>
    rig.call(p, A.CAP_TASK, A.PROTO_TASK, [0, slot(to) + MAP, object(from, rights)], [[MAP, object(1)]])
      .label;
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  map(0x20, 0x21, 7);
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  t.true(rig.full(p, 0x20));
  t.false(rig.full(p, 0x21), 'the creator slot held D');
  map(0x20, 0x21, 7);
  map(0x20, 0x22, 7);
  rig.create(p, 0x21, A.PROTO_SEMAPHORE);
  t.true(rig.full(p, 0x20) && rig.full(p, 0x22), 'no D in the slot that was overwritten');
  map(0x20, 0x20, 7);
  t.false(rig.full(p, 0x20), 'a slot onto itself');
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  map(0x20, 0x23, 0xf);
  t.is(map(0x20, 0x23, 0xf), 0);
  t.false(rig.full(p, 0x20) || rig.full(p, 0x23), 'the same object in both, with D: it dies');
});

test('unmap: release, delete with and without D, counts', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const map = (from: number, to: number, rights: number, attributes = 0): number =>
    rig.call(
      p,
      A.CAP_TASK,
      A.PROTO_TASK,
      [0, slot(to) + MAP + attributes, object(from, rights)],
      [[MAP, object(1)]],
    ).label;
  const unmap = (mask: number, index: number, rights = 0xf): number =>
    rig.call(p, A.CAP_TASK, A.PROTO_TASK, [1, mask, object(index, rights)]).words;
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  map(0x20, 0x21, 7);
  t.is(unmap(SELF, 0x20), 3);
  t.is(rig.mr(p, 2), object(0x20, 0), 'access flags come back');
  t.true(rig.full(p, 0x21), 'a copy outlives the slot it was made from');
  unmap(DELETE, 0x21, 7);
  t.false(rig.full(p, 0x21));
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  map(0x20, 0x21, 7);
  map(0x20, 0x22, 0xf, A.ATTR_WEAK);
  unmap(0x40000000, 0x20);
  t.true(rig.full(p, 0x20), 'without the self bit nothing happens');
  unmap(DELETE, 0x21);
  t.true(rig.full(p, 0x20), 'no D: a plain release');
  unmap(SELF, 0x20);
  t.false(rig.full(p, 0x22), 'only a weak copy was left');
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  map(0x20, 0x21, 7);
  unmap(DELETE, 0x20);
  t.false(rig.full(p, 0x21), 'deleted through D');
});

test('semaphore and IRQ', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  rig.create(p, 0x20, A.PROTO_SEMAPHORE);
  const down = (timeout: number): number => {
    rig.setMr(p, 0, [0]);
    const r = rig.syscall(p, slot(0x20) | 3, A.PROTO_SEMAPHORE * 65536 + 1, timeout);
    return r.error === 0 ? r.label : 1000 + r.error;
  };
  t.is(down(0x400), 1003);
  rig.syscall(p, slot(0x20) | 1, A.PROTO_IRQ * 65536);
  rig.syscall(p, slot(0x20) | 1, A.PROTO_IRQ * 65536);
  t.is(down(0x400), 0);
  t.is(down(0x400), 0);
  t.is(down(0x400), 1003);
  t.is(down(0x7d0), 1003, 'with a time limit');

  rig.create(p, 0x21, A.PROTO_IRQ_SENDER);
  const detach = (): number => rig.call(p, 0x21, A.PROTO_IRQ_SENDER, [1]).label;
  t.is(detach(), -A.ENOENT);
  rig.syscall(p, slot(0x21) | 1, A.PROTO_IRQ * 65536);
  t.is(rig.call(p, 0x21, A.PROTO_KOBJECT, [0x10, 0xabcd0], [[MAP, object(3)]]).label, 0);
  const got = rig.syscall(p, -1024 + 6, 0, 0x400);
  t.like(got, { error: 0, label: 0, words: 0, from: 0xabcd0 }, 'a hit from before the bind is kept');
  rig.syscall(p, slot(0x21) | 1, A.PROTO_IRQ * 65536);
  rig.syscall(p, slot(0x21) | 1, A.PROTO_IRQ * 65536);
  t.is(rig.syscall(p, slot(0x21) | 2, 0, 0x400).from, 0xabcd0);
  t.is(rig.syscall(p, slot(0x21) | 2, 0, 0x400).error, 3, 'hits are merged');
  rig.syscall(p, slot(0x21) | 1, A.PROTO_IRQ * 65536);
  t.is(detach(), 1);
  t.is(rig.syscall(p, -1024 + 6, 0, 0x400).error, 3);
});

test('scheduler, ICU, log, debugger', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  t.like(rig.call(p, A.CAP_SCHEDULER, A.PROTO_SCHEDULER, [0, 0]), { label: 0, words: 3 });
  t.deepEqual([0, 1, 2].map((i) => rig.mr(p, i)).slice(2), [2]);
  rig.create(p, 0x20, A.PROTO_THREAD);
  const run = (prio: number): number =>
    rig.call(p, A.CAP_SCHEDULER, A.PROTO_SCHEDULER, [1, 0xff000000, 1, prio, 0], [[MAP, object(0x20)]]).label;
  t.is(run(0), -A.EINVAL);
  t.is(run(2), 0);
  t.like(rig.call(p, A.CAP_ICU, A.PROTO_IRQ, [2]), { label: 0, words: 3 });
  t.is(rig.call(p, A.CAP_LOG, A.PROTO_FACTORY, [0]).label, -A.EBADPROTO);
  rig.setMr(p, 0, [0, 5, 0x6f6c6c6568]);
  t.is(rig.syscall(p, slot(A.CAP_LOG) | 1, A.PROTO_LOG * 65536 + 3).label, A.PROTO_LOG);
  t.is(rig.output, 'hello');
  rig.setMr(p, 0, [0, 1000, 0x41]);
  rig.syscall(p, slot(A.CAP_LOG) | 1, A.PROTO_LOG * 65536 + 3);
  t.is(rig.output.length, 5 + 8, 'no more than the message holds');
  t.is(rig.call(p, A.CAP_DEBUGGER, A.PROTO_DEBUGGER, [0x100, 0x636261], [[MAP, object(0x20)]]).label, 0);
  t.is(rig.kernel.state.name(rig.kernel.caps.lookup(p.task, 0x20)), 'abc');
});

test('thread: control, bind once, start when it has all it needs', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  rig.create(p, 0x20, A.PROTO_THREAD);
  const control = (flags: number, utcb: number): number =>
    rig.call(p, 0x20, A.PROTO_THREAD, [flags, slot(0x10), slot(0x11), 0, 0, utcb], [[MAP, object(1)]]).label;
  t.is(control(0x1210000, 0x5000), -A.EINVAL, 'no kernel-user memory there');
  t.is(control(0x1210000, 0xb3000404), -A.EINVAL, 'not aligned');
  t.is(control(0x1210000, 0xb3000f00), -A.EINVAL, 'beyond the end');
  t.is(control(0x1210000, 0xb3000400), 0);
  t.is(rig.mr(p, 1), -4096, 'no pager before');
  t.is(control(0x1210000, 0xb3000400), -A.EINVAL, 'a second time');
  t.is(control(0, 0), 0);
  t.deepEqual([rig.mr(p, 1), rig.mr(p, 2)], [slot(0x10), slot(0x11)]);
  const started = rig.spawned.length;
  t.is(rig.call(p, 0x20, A.PROTO_THREAD, [1, 0x1000]).label, -A.EINVAL, 'three words');
  t.is(rig.call(p, 0x20, A.PROTO_THREAD, [1, 0x10000, 0x20000]).label, 0);
  t.is(rig.spawned.length, started);
  rig.call(p, A.CAP_SCHEDULER, A.PROTO_SCHEDULER, [1, 0xff000000, 1, 2, 0], [[MAP, object(0x20)]]);
  t.is(rig.spawned.length, started + 1);
  t.is(rig.call(p, 0x20, A.PROTO_THREAD, [4]).label, -A.EINVAL);
  t.is(rig.call(p, 0x20, A.PROTO_THREAD, [77]).label, -A.ENOSYS);
});

test('kernel-user memory: once per address', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const add = (page: number): number => rig.call(p, A.CAP_TASK, A.PROTO_TASK, [3, page]).label;
  t.is(add(memory(0xc0000000, 12)), 0);
  t.is(rig.mr(p, 0), memory(0xc0000000, 12));
  t.is(add(memory(0xc0000000, 12)), -A.EEXIST);
  t.is(add(memory(0x7000, 12)), 0, 'low addresses too');
  t.is(add(memory(0xc0000000, 11)), -A.EINVAL);
  t.is(add(object(0x20)), -A.EINVAL);
});

test('gate: label, reference count, and what its server alone may ask', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  t.is(
    rig.create(p, 0x20, 0, [0x80001, 0x1232], [[MAP, object(3)]]).label,
    -A.EINVAL,
    'low bits of the label',
  );
  t.is(rig.create(p, 0x20, 0, [0x80001], [[MAP, object(3)]]).label, -A.EMSGTOOSHORT);
  t.is(rig.create(p, 0x20, 0, [0x80001, 0x1230], [[MAP, object(3)]]).label, 0);
  t.is(rig.call(p, 0x20, A.PROTO_KOBJECT, [0x11]).words, 1);
  t.is(rig.mr(p, 0), 0x1230);
  t.is(rig.call(p, 0x20, A.PROTO_KOBJECT, [0, 1]).label, 0);
  t.is(rig.mr(p, 0), 0);
  // A client's view: an ordinary message, to oneself.
  rig.call(p, A.CAP_TASK, A.PROTO_TASK, [0, slot(0x21) + MAP, object(0x20, 7)], [[MAP, object(1)]]);
  t.is(rig.call(p, 0x21, A.PROTO_KOBJECT, [0x11]).error, 4);
  // Unbound: the sender waits.
  rig.create(p, 0x22, 0);
  t.is(rig.syscall(p, slot(0x22) | 1, 0, 0x400 * 65536).error, 2);
});

test('destroying a task empties its table and kills its threads', (t) => {
  const rig = new L4Rig();
  const p = rig.party();
  const q = rig.party();
  rig.kernel.caps.fill(p.task, 0x20, q.task, 0xf, 'map');
  rig.create(q, 0x30, A.PROTO_SEMAPHORE);
  rig.kernel.transfer.objects(
    q.task,
    { type: 3, rights: 7, order: 0, base: 0x30 },
    p.task,
    { base: 0x21, order: 0 },
    0,
    8,
    true,
    'map',
  );
  t.true(rig.full(p, 0x21));
  rig.call(p, A.CAP_TASK, A.PROTO_TASK, [1, DELETE, object(0x20)]);
  t.false(rig.full(p, 0x20));
  t.true(rig.full(p, 0x21), 'a copy elsewhere keeps the object');
  t.is(rig.syscall(q, slot(A.CAP_LOG) | 1, 0x1230000).label, 0x123, 'nothing was done');
  t.not(rig.machine.i32[(q.ts + T_STOP) >> 2]! & STOP_EXIT, 0);
});
