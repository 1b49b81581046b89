/** Who resolves faults of a thread whose pager is guest code, and what the kernel learns from the region manager's protocol. */
import test from 'ava';
import { ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../../../kernel/core/layout.js';
import { entryHost } from '../../../kernel/core/pagemap.js';
import * as A from '../../../kernel/l4/abi.js';
import * as L from '../../../kernel/l4/layout.js';
import { CREATOR_RIGHTS } from '../../../kernel/l4/obj-factory.js';
import { Shadow } from '../../../kernel/l4/shadow.js';
import { tagOf } from '../../../kernel/l4/words.js';
import { L4Rig, object, type Party, slot } from '../../support/l4-rig.js';

const RM = 0x10;
const DS = 0x30;
const PROTO_RM = 0x4005;
const ANONYMOUS = 0x2006;
const AT = 0x40000;
const RW = 6;

for (const manager of ['virtual', 'guest'] as const) {
  test(`${manager}: memory that capgrind attached, of a thread whose pager is guest code`, (t) => {
    const rig = new L4Rig(manager);
    const p = rig.party();
    const { state, caps } = rig.kernel;
    caps.fill(p.task, RM, state.alloc(L.KIND_RM, 0, 0), CREATOR_RIGHTS, 'create');
    const pager = (index: number): void => state.words.set(p.thread + L.H_PAGER, slot(index));
    const attach = [0, AT, 2 * PAGE_SIZE, ANONYMOUS, 0, 12, -2048, 1, 0, 0];
    t.is(rig.call(p, RM, PROTO_RM, attach).label, 0);
    const loaded = { addr: 0x80000, length: PAGE_SIZE, prot: 3, noReplace: true, kind: 'anon' } as const;
    p.space.map({ ...loaded, name: '[stack]' });
    const served = (addr: number): boolean => rig.kernel.peek(p.ts, addr, ACCESS_WRITE) === 0;
    pager(A.CAP_THREAD);
    t.is(served(AT), manager === 'virtual');
    t.true(served(0x80000), 'what the program was loaded with');
    pager(RM);
    t.true(served(AT + PAGE_SIZE));
    pager(A.CAP_THREAD);
    t.true(served(AT + PAGE_SIZE), 'what is there already');
  });
}

interface Scene {
  rig: L4Rig;
  p: Party;
  /** Thread that is region manager and pager. */
  server: Party;
  shadow: Shadow;
  source: number;
  host: number;
  /** A call of the party to its region manager, and the manager's answer. */
  call(mrs: readonly number[], answer: readonly number[], label?: number): void;
  attach(at: number, pages: number, flags?: number, offset?: number): void;
  resolves(addr: number, access?: number): boolean;
}

function scene(rights = CREATOR_RIGHTS): Scene {
  const rig = new L4Rig();
  const { state, caps, memory, ipc, dataspaces } = rig.kernel;
  const [p, server] = [rig.party(), rig.party()];
  const shadow = new Shadow(state, caps, memory, ipc);
  const source = dataspaces.make(8 * PAGE_SIZE, 7);
  caps.fill(p.task, DS, source, rights, 'create');
  const call = (mrs: readonly number[], answer: readonly number[], label = 0): void => {
    rig.setMr(p, 0, [...mrs, 8, object(DS)]);
    state.words.set(p.thread + L.H_TAG, tagOf(PROTO_RM, mrs.length, 1));
    const asked = shadow.request(p.thread, p.task, server.thread, PROTO_RM);
    rig.setMr(p, 0, answer);
    state.words.set(p.thread + L.H_RTAG, tagOf(label, answer.length));
    if (asked !== null) shadow.answer(p.thread, asked);
  };
  return {
    rig,
    p,
    server,
    shadow,
    source,
    host: state.w(source + L.D_HOST),
    call,
    attach: (at, pages, flags = RW, offset = 0) =>
      call([0, at, pages * PAGE_SIZE, flags, offset, 12, slot(DS), 1, 0, 0], [at]),
    resolves: (addr, access = ACCESS_READ) => shadow.resolve(p.task, server.thread, addr, access),
  };
}

test('an attached dataspace is where it was attached, with its rights', (t) => {
  const s = scene();
  t.false(s.resolves(AT));
  s.attach(AT, 4, RW, 2 * PAGE_SIZE);
  t.false(s.resolves(AT, ACCESS_EXEC));
  t.true(s.resolves(AT + PAGE_SIZE + 5, ACCESS_WRITE));
  t.is(entryHost(s.p.space.space.map.lookup(AT + PAGE_SIZE)), s.host + 3 * PAGE_SIZE);
  t.false(s.resolves(AT - 1));
  t.false(s.resolves(AT + 4 * PAGE_SIZE));
  t.false(s.shadow.resolve(s.p.task, s.p.thread, AT, ACCESS_READ), 'another pager');
  t.false(s.shadow.resolve(s.server.task, s.server.thread, AT, ACCESS_READ), 'another task');
});

test('what the region manager refuses, and what only it can know, is not attached', (t) => {
  const s = scene();
  s.call([0, AT, PAGE_SIZE, RW, 0, 12, slot(DS), 1, 0, 0], [AT], -A.EINVAL);
  for (const flag of [0x400, 0x800, 0x1000, 0x2000]) s.attach(AT, 1, RW | flag);
  s.attach(AT, 9);
  t.false(s.resolves(AT));
});

test('a capability without W gives no right to write', (t) => {
  const s = scene(CREATOR_RIGHTS & ~A.CAP_W);
  s.attach(AT, 1);
  t.false(s.resolves(AT, ACCESS_WRITE));
  t.true(s.resolves(AT));
});

test('detach takes the pages away, and may leave the ends', (t) => {
  const s = scene();
  s.attach(AT, 4);
  for (let k = 0; k < 4; k++) t.true(s.resolves(AT + k * PAGE_SIZE));
  s.call([1, AT + PAGE_SIZE, 2 * PAGE_SIZE, 1], [AT + PAGE_SIZE, 2 * PAGE_SIZE, slot(DS)], 2);
  const { map } = s.p.space.space;
  t.is(map.lookup(AT + PAGE_SIZE), 0);
  t.is(map.lookup(AT + 2 * PAGE_SIZE), 0);
  t.false(s.resolves(AT + PAGE_SIZE));
  t.not(map.lookup(AT), 0);
  s.p.space.space.map.clearRange(AT + 3 * PAGE_SIZE, 1);
  t.true(s.resolves(AT + 3 * PAGE_SIZE));
  t.is(entryHost(map.lookup(AT + 3 * PAGE_SIZE)), s.host + 3 * PAGE_SIZE);
});

test('nothing is attached by the dead', (t) => {
  const s = scene();
  s.attach(AT, 1);
  s.rig.kernel.caps.empty(s.rig.kernel.caps.slot(s.p.task, DS), true, 'unmap');
  s.rig.kernel.caps.reap();
  t.false(s.resolves(AT));
});
