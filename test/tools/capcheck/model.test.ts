/** CapCheck's state machine from sequences of events: each finding, and silence for each correct sequence. */
import test from 'ava';
import type { DrainCause, FillCause, ObjectKind } from '../../../kernel/l4/events.js';
import { ERROR, LABEL } from '../../../kernel/l4/protocols/labels.js';
import type { Finding } from '../../../src/tools/capcheck/findings.js';
import { leakCheck } from '../../../src/tools/capcheck/leaks.js';
import { CapModel, ThreadView } from '../../../src/tools/capcheck/model.js';
import { CapTables, H_DROPPED, SLOTS_MAX, TABLE_WORDS } from '../../../src/tools/capcheck/tables.js';

const W = 1;
const S = 2;
const R = 4;
const D = 8;

/** A program that does things to its slots; every event happens at the next trace number, from 100. */
class Script {
  readonly model = new CapModel(new CapTables(new Int32Array(TABLE_WORDS + 8), 8));
  readonly found: Finding[] = [];
  readonly thread = new ThreadView(1);
  at = 99;

  constructor() {
    this.model.threadBound(1, 1);
  }

  private note(found: readonly Finding[]): this {
    this.found.push(...found);
    return this;
  }

  alloc(slot: number): this {
    this.model.allocated(this.thread, 1, slot, ++this.at);
    return this;
  }

  /** Allocation from the same place each time. */
  allocAt(trace: number, slot: number): this {
    this.model.allocated(this.thread, 1, slot, trace);
    return this;
  }

  free(slot: number): this {
    this.note(this.model.freeing(1, slot, ++this.at));
    return this.note(this.model.freed(1, slot, this.at));
  }

  create(slot: number, object: number, kind: ObjectKind = 'semaphore'): this {
    this.model.objectCreated(object, kind, ++this.at);
    return this.fill(slot, object, 'create', kind, W | S | R | D, this.at);
  }

  fill(
    slot: number,
    object: number,
    cause: FillCause,
    kind: ObjectKind = 'semaphore',
    rights = W | S | R,
    at = ++this.at,
  ): this {
    const fill = { by: 1, receiver: 1, task: 1, slot, object, kind, rights, cause, weak: false };
    return this.note(this.model.filled(fill, 1, at));
  }

  drain(slot: number, object: number, cause: DrainCause): this {
    this.model.drained({ by: 1, task: 1, slot, object, cause }, ++this.at);
    return this;
  }

  gone(object: number): this {
    this.model.objectGone(object, this.at);
    return this;
  }

  call(slot: number, object: number, label: number, kind: ObjectKind = 'semaphore', result = 0): this {
    const target = { slot, object, kind, rights: W | S | R };
    this.at++;
    if (!this.model.used(1, target))
      return this.note(this.model.misused(1, target, label, 'Test.call', this.at));
    return this.note(this.model.answered(1, target, label, result, 'Test.call', this.at));
  }

  request(): this {
    this.model.received(this.thread);
    return this;
  }

  wait(): this {
    return this.note(this.model.waits(this.thread));
  }

  kinds(): string[] {
    return this.found.map((f) => f.kind);
  }

  leaks(): Finding[] {
    return [...leakCheck(this.model).findings];
  }
}

const traces = (f: Finding): number[] => [f.what, ...f.notes].map((n) => n.trace).filter((n) => n !== 0);

test('a slot used as it should be', (t) => {
  const s = new Script()
    .alloc(32)
    .create(32, 7)
    .call(32, 7, LABEL.SEMAPHORE)
    .drain(32, 7, 'unmap')
    .gone(7)
    .free(32);
  s.alloc(32).create(32, 8).drain(32, 8, 'delete').gone(8).free(32);
  t.deepEqual(s.kinds(), []);
  const l = leakCheck(s.model);
  t.deepEqual([l.findings.length, l.allocs, l.frees, l.inUse], [0, 2, 2, 0]);
});

test('full, empty and emptied slots at the end', (t) => {
  const s = new Script()
    .alloc(32)
    .create(32, 7)
    .alloc(33)
    .alloc(34)
    .create(34, 8)
    .drain(34, 8, 'delete')
    .gone(8);
  t.deepEqual(s.kinds(), []);
  const by = new Map(s.leaks().map((f) => [f.kind, f]));
  t.deepEqual([...by.keys()].sort(), ['EmptySlot', 'Leak', 'NotFreed']);
  const leak = by.get('Leak')!;
  t.is(
    leak.what.text,
    '1 capability slot (0x20) allocated here was never freed and still holds a capability',
  );
  t.deepEqual(traces(leak), [100, 101]);
  t.is(leak.notes[0]!.text, 'Semaphore #7 was created there');
  t.is(
    by.get('EmptySlot')!.what.text,
    '1 capability slot (0x21) allocated here was never filled and never freed',
  );
  t.deepEqual(traces(by.get('NotFreed')!), [103, 105]);
  t.is(by.get('NotFreed')!.notes[0]!.text, 'It held semaphore #8, which was deleted');
});

test('leaks from one place are one finding', (t) => {
  const s = new Script();
  for (let i = 0; i < 6; i++) s.allocAt(50, 40 + i);
  const [leak, ...others] = s.leaks();
  t.is(others.length, 0);
  t.is(
    leak!.what.text,
    '6 capability slots (0x28, 0x29, 0x2A, 0x2B, ...) allocated here were never filled and never freed',
  );
  t.is(leak!.what.trace, 50);
});

test('freed but still mapped', (t) => {
  const s = new Script().alloc(32).create(32, 7).free(32);
  t.deepEqual(s.kinds(), ['FreedFull']);
  t.is(s.found[0]!.what.text, 'Capability slot 0x20 is freed although it still holds semaphore #7');
  t.deepEqual(traces(s.found[0]!), [102, 101, 102, 100]);
});

test('another thread gets the slot before free returns', (t) => {
  const s = new Script().alloc(32).create(32, 7);
  t.deepEqual(s.model.freeing(1, 32, 5), []);
  s.drain(32, 7, 'unmap').gone(7).alloc(32).create(32, 8);
  t.deepEqual(s.model.freed(1, 32, 5), []);
  t.is(leakCheck(s.model).inUse, 1);
});

test('overmap: destroyed or released, allocated or not', (t) => {
  const s = new Script().alloc(32).create(32, 7);
  s.drain(32, 7, 'overmap').gone(7).create(32, 8);
  t.deepEqual(s.kinds(), ['Overmap']);
  const f = s.found[0]!;
  t.is(f.what.text, 'Capability slot 0x20 is overmapped');
  t.deepEqual(
    f.notes.map((n) => n.text),
    [
      'The old capability, semaphore #7, which this destroyed, was put there',
      'The new one is semaphore #8',
      'The slot was allocated',
    ],
  );
  t.deepEqual(traces(f), [103, 101, 100]);
});

test('no overmap: the same object again, an emptied slot, an allowed place', (t) => {
  const s = new Script().alloc(32).fill(32, 7, 'ipc').drain(32, 7, 'overmap').fill(32, 7, 'ipc');
  s.drain(32, 7, 'unmap').fill(32, 8, 'ipc').drain(32, 8, 'destroyed').fill(32, 9, 'ipc');
  t.deepEqual(s.kinds(), []);
  s.drain(32, 9, 'overmap');
  const fill = {
    by: 1,
    receiver: 1,
    task: 1,
    slot: 32,
    object: 10,
    kind: 'gate',
    rights: R,
    cause: 'ipc',
    weak: false,
  };
  t.deepEqual(s.model.filled({ ...fill, kind: 'gate', cause: 'ipc' }, 1, 5, true), []);
});

test('a receive buffer left armed', (t) => {
  const s = new Script().alloc(32).wait().fill(32, 7, 'ipc').request();
  s.wait().drain(32, 7, 'overmap').fill(32, 8, 'ipc').request();
  t.deepEqual(s.kinds(), ['Armed']);
  t.is(
    s.found[0]!.what.text,
    'A second capability arrives in receive buffer slot 0x20, which was not replaced',
  );
  // A client that receives twice into one slot does not wait for requests.
  const c = new Script().alloc(32).fill(32, 7, 'ipc').drain(32, 7, 'overmap').fill(32, 8, 'ipc');
  t.deepEqual(c.kinds(), ['Overmap']);
});

test('filled without being allocated', (t) => {
  const s = new Script().alloc(32).fill(40, 7, 'map');
  t.deepEqual(s.kinds(), ['Unallocated']);
  t.is(s.found[0]!.what.text, 'Capability slot 0x28 is filled although it was never allocated');
  const again = new Script().alloc(32).free(32).fill(32, 7, 'map');
  t.deepEqual(again.kinds(), ['Unallocated']);
  t.is(again.found[0]!.what.text, 'Capability slot 0x20 is filled after it was freed');
  t.deepEqual(traces(again.found[0]!), [102, 101, 100]);
  // Slots below the allocator's belong to the system, and those filled at boot to nobody.
  t.deepEqual(new Script().alloc(32).fill(5, 7, 'map').kinds(), []);
  t.deepEqual(new Script().alloc(32).fill(40, 7, 'boot').kinds(), []);
  // Without an allocator nothing is known about slots.
  t.deepEqual(new Script().fill(40, 7, 'map').kinds(), []);
});

test('double free', (t) => {
  const s = new Script().alloc(32).free(32).free(32);
  t.deepEqual(s.kinds(), ['DoubleFree']);
  t.deepEqual(traces(s.found[0]!), [102, 101, 100]);
  t.deepEqual(new Script().alloc(32).free(33).kinds(), ['DoubleFree']);
  t.deepEqual(new Script().alloc(32).free(3).kinds(), [], 'not a slot of the allocator');
});

test('references of a counting allocator', (t) => {
  const s = new Script().alloc(32);
  s.model.taken(1, 32);
  t.deepEqual(s.model.releasing(1, 32, 5), []);
  t.is(leakCheck(s.model).frees, 0);
  t.deepEqual(s.model.releasing(1, 32, 6), []);
  t.is(leakCheck(s.model).frees, 1);
  t.deepEqual(
    s.model.releasing(1, 32, 7).map((f) => f.kind),
    ['DoubleFree'],
  );
});

test('a C function around the allocator counts once', (t) => {
  const s = new Script().alloc(32).alloc(32);
  t.deepEqual(s.model.freeing(1, 32, 5), []);
  t.deepEqual(s.model.freeing(1, 32, 6, true), []);
  t.is(leakCheck(s.model).allocs, 1);
  t.is(leakCheck(s.model).frees, 1);
  t.deepEqual(s.kinds(), []);
});

test('use after free, and of an empty slot', (t) => {
  const s = new Script().alloc(32).free(32).call(32, 0, LABEL.SEMAPHORE);
  t.deepEqual(s.kinds(), ['UseAfterFree']);
  t.is(s.found[0]!.what.text, 'Test.call is sent to capability slot 0x20, which was freed');
  const e = new Script()
    .alloc(32)
    .create(32, 7)
    .drain(32, 7, 'destroyed')
    .gone(7)
    .call(32, 0, LABEL.SEMAPHORE);
  t.deepEqual(e.kinds(), ['Empty']);
  t.is(e.found[0]!.notes[0]!.text, 'It held semaphore #7, which was destroyed elsewhere');
  t.deepEqual(traces(e.found[0]!), [103, 102, 100]);
  t.deepEqual(new Script().call(10, 0, LABEL.DEBUGGER).kinds(), [], 'no debugger is normal');
});

test('wrong protocol, wrong operation', (t) => {
  const s = new Script().alloc(32).create(32, 7);
  s.call(32, 7, LABEL.TASK, 'semaphore', -ERROR.EBADPROTO).call(
    32,
    7,
    LABEL.SEMAPHORE,
    'semaphore',
    -ERROR.ENOSYS,
  );
  s.call(32, 7, LABEL.META, 'semaphore', -ERROR.EBADPROTO).call(
    32,
    7,
    LABEL.SEMAPHORE,
    'semaphore',
    -ERROR.EINVAL,
  );
  t.deepEqual(s.kinds(), ['Protocol', 'Operation']);
  t.is(s.found[0]!.what.text, 'Test.call: semaphore #7 does not know the protocol');
});

test('nothing arrived; not to be deleted', (t) => {
  const s = new Script().alloc(32).create(32, 7);
  const [lost] = s.model.itemLost({ by: 1, task: 1, slot: 32, reason: 'rights' }, 5);
  t.is(lost!.what.text, 'Nothing arrives: capability slot 0x20 was sent without the right R');
  const [refused] = s.model.deleteRefused(1, 32, 7, 6);
  t.regex(refused!.what.text, /^Semaphore #7 is to be deleted through slot 0x20, which may not delete it/);
});

test('a copy that keeps an object alive', (t) => {
  const s = new Script().alloc(32).create(32, 7).alloc(33).fill(33, 7, 'map').drain(32, 7, 'unmap').free(32);
  const found = s.leaks().filter((f) => f.kind === 'Forgotten');
  t.is(found.length, 1);
  t.is(found[0]!.what.text, 'Semaphore #7, let go of here, is kept alive only by a copy in slot 0x21');
  t.deepEqual(traces(found[0]!), [104, 103, 101]);
  // In use, it is not forgotten.
  s.call(33, 7, LABEL.SEMAPHORE);
  t.deepEqual(
    s.leaks().filter((f) => f.kind === 'Forgotten'),
    [],
  );
});

test('a server that keeps one slot for every request', (t) => {
  const s = new Script();
  for (let i = 0; i < 3; i++)
    s.wait()
      .request()
      .allocAt(50, 40 + i);
  t.deepEqual(s.kinds(), []);
  s.wait();
  t.deepEqual(s.kinds(), ['Growth']);
  t.is(
    s.found[0]!.what.text,
    '3 requests in a row each left a capability slot allocated here, the last one slot 0x2A',
  );
  for (let i = 0; i < 5; i++)
    s.request()
      .allocAt(50, 50 + i)
      .wait();
  t.deepEqual(s.kinds(), ['Growth'], 'said once');
});

test('a server whose requests leave what is used later, or threads', (t) => {
  const s = new Script();
  for (let i = 0; i < 6; i++) {
    s.wait()
      .request()
      .allocAt(50, 40 + i)
      .create(40 + i, 20 + i);
    if (i > 0) s.call(39 + i, 19 + i, LABEL.SEMAPHORE);
  }
  for (let i = 0; i < 6; i++)
    s.wait()
      .request()
      .allocAt(51, 60 + i)
      .create(60 + i, 40 + i, 'thread');
  s.wait();
  t.deepEqual(s.kinds(), []);
});

test('a server that gives slots back, in the request or later', (t) => {
  const s = new Script();
  for (let i = 0; i < 9; i++) s.wait().request().allocAt(50, 40).free(40);
  for (let i = 0; i < 9; i++) {
    s.wait()
      .request()
      .allocAt(51, 60 + i);
    if (i > 1) s.free(58 + i);
  }
  s.wait();
  t.deepEqual(s.kinds(), []);
});

test('names, tasks that are gone, more slots than there is room for', (t) => {
  const s = new Script().alloc(32).create(32, 7);
  s.model.objectNamed(7, 'read lock');
  t.is(s.model.objectText(7), 'semaphore "read lock" #7');
  s.model.taskGone(1);
  t.deepEqual(s.leaks(), []);
  for (let i = 0; i < 70000; i++) s.model.allocated(s.thread, 2, i, 1);
  s.model.allocated(s.thread, 2, 5, 1);
  t.true(s.model.tables.header(H_DROPPED) > 0);
  t.true(leakCheck(s.model).inUse <= SLOTS_MAX);
});

test('slots whose allocation was inlined: known by the counter at their first fill', (t) => {
  const s = new Script().alloc(32);
  s.model.adopted(s.thread, 1, 33, 50);
  s.fill(33, 7, 'ipc');
  t.deepEqual(s.kinds(), [], 'not one that nobody allocated');
  const leak = s.leaks().find((f) => f.kind === 'Leak')!;
  t.is(leak.what.trace, 50);
  // Emptied and given back unseen, and handed out again: the newer place counts.
  s.drain(33, 7, 'unmap');
  s.model.adopted(s.thread, 1, 33, 60);
  s.fill(33, 8, 'ipc');
  t.is(s.leaks().find((f) => f.kind === 'Leak')!.what.trace, 60);
  // A slot whose call was seen keeps its place.
  s.model.adopted(s.thread, 1, 32, 70);
  t.is(s.leaks().find((f) => f.kind === 'EmptySlot')!.what.trace, 100);
  s.drain(33, 8, 'unmap');
  t.deepEqual(
    leakCheck(s.model, { isFree: (slot) => slot === 33, isSystems: () => false }).findings.map((f) => f.kind),
    ['EmptySlot'],
  );
  t.deepEqual(leakCheck(s.model, { isFree: () => false, isSystems: () => true }).findings, []);
});
