/** Services that capgrind has in place of moe's, one caller: expectations from the fact sheet's section 11. */
import test from 'ava';
import { PAGE_SIZE, T_PC, T_UNWIND, UNWIND_RESTART } from '../../../kernel/core/layout.js';
import * as A from '../../../kernel/l4/abi.js';
import * as L from '../../../kernel/l4/layout.js';
import { buffer, L4Rig, memory, type Party, slot } from '../../support/l4-rig.js';

const RM = 0x10;
const ROM = 0x11;
const PROTO_RM = 0x4005;
const ANONYMOUS = 0x3006;
const SEARCH = 0x20000;

function ready(): { rig: L4Rig; p: Party; rom: number } {
  const rig = new L4Rig();
  const p = rig.party();
  const { state, caps } = rig.kernel;
  const give = (index: number, kind: number): number => {
    const obj = state.alloc(kind, 0, 0);
    caps.fill(p.task, index, obj, 7 | L.SLOT_COUNTED, 'create');
    return obj;
  };
  give(RM, L.KIND_RM);
  state.words.set(p.thread + L.H_PAGER, slot(RM));
  return { rig, p, rom: give(ROM, L.KIND_NAMESPACE) };
}

const attach = (rig: L4Rig, p: Party, start: number, size: number, flags: number): number => {
  const r = rig.call(p, RM, PROTO_RM, [0, start, size, flags, 0, 12, -2048, 1, 0, 0]);
  return r.label < 0 ? r.label : rig.mr(p, 0);
};

test('regions begin above the null page; places that are taken are refused', (t) => {
  const { rig, p } = ready();
  t.is(attach(rig, p, PAGE_SIZE, PAGE_SIZE, ANONYMOUS), PAGE_SIZE);
  t.is(attach(rig, p, 0, PAGE_SIZE, ANONYMOUS), -A.EADDRNOTAVAIL);
  t.is(attach(rig, p, PAGE_SIZE, PAGE_SIZE, ANONYMOUS), -A.EADDRNOTAVAIL);
  t.is(attach(rig, p, 0, 2 * PAGE_SIZE, ANONYMOUS | SEARCH), 2 * PAGE_SIZE);
  t.is(attach(rig, p, 0, 0, ANONYMOUS | SEARCH), -A.EINVAL);
  const list = rig.call(p, RM, PROTO_RM, [5, 0]);
  t.is(list.label, 2);
  t.deepEqual(
    [0, 1, 3, 4].map((i) => rig.mr(p, i)),
    [0x1000, 0x1fff, 0x2000, 0x3fff],
  );
});

test('detach of a part splits a region', (t) => {
  const { rig, p } = ready();
  attach(rig, p, 0x10000, 4 * PAGE_SIZE, ANONYMOUS);
  const r = rig.call(p, RM, PROTO_RM, [1, 0x11000, PAGE_SIZE, 1]);
  t.is(r.label & 3, 2);
  t.deepEqual([rig.mr(p, 0), rig.mr(p, 1)], [0x11000, PAGE_SIZE]);
  t.is(rig.call(p, RM, PROTO_RM, [5, 0]).label, 2);
  t.is(rig.call(p, RM, PROTO_RM, [1, 0x11000, 1, 2]).label, -A.ENOENT);
});

test('a rescue jump takes a thread out of a fault that nobody resolves', (t) => {
  const { rig, p } = ready();
  const { words } = rig.kernel.state;
  t.is(rig.call(p, RM, PROTO_RM, [8, 0x40000, 0x40010, 0x50000]).label, 0);
  words.set(p.ts + T_PC, 0x40010);
  t.not(rig.kernel.fault(p.ts, 0x123456, 1), 0, 'the pc is behind it');
  words.set(p.ts + T_PC, 0x40008);
  t.is(rig.kernel.fault(p.ts, 0x123456, 1), 0);
  t.is(words.get(p.ts + T_PC), 0x50000);
  t.is(rig.machine.i32[(p.ts + T_UNWIND) >> 2], UNWIND_RESTART);
  t.is(rig.call(p, RM, PROTO_RM, [9, 0x40000]).label, 0);
  t.is(rig.call(p, RM, PROTO_RM, [9, 0x40000]).label, -A.ENOENT);
});

test('name space: a file is a dataspace that can be mapped, and lives on without a client', (t) => {
  const { rig, p, rom } = ready();
  rig.kernel.namespaces.add(rom, 'hello', new TextEncoder().encode('contents'));
  const query = (name: number): number => {
    rig.setBr(p, [buffer(0x30), 0]);
    return rig.call(p, ROM, 0x4001, [0, 6, name]).label;
  };
  t.is(query(0x6f6c6c6578), -A.ENOENT);
  t.is(query(0x6f6c6c6568), 0);
  rig.setBr(p, [8, memory(0x200000, 12), 0]);
  const mapped = rig.call(p, 0x30, 0x4000, [0, 0, 0, 4]);
  t.like(mapped, { label: 0, items: 1, words: 0 });
  t.is(rig.mr(p, 0), 0x318);
  t.is(rig.call(p, 0x30, 0x4000, [0, 0, 0, 2]).label, -A.EACCES, 'not to be written');
  rig.call(p, A.CAP_TASK, A.PROTO_TASK, [1, 0xc0000000, slot(0x30) + 0x3f]);
  t.is(query(0x6f6c6c6568), 0);
});
