/**
 * System calls full of random values: no exception, no hang, nothing outside the guest's memory, and afterwards the
 * kernel still works. Every thread of the rig is the one caller, so calls that would wait for ever get a time limit.
 */
import test from 'ava';
import { PAGE_SIZE } from '../../../kernel/core/layout.js';
import * as A from '../../../kernel/l4/abi.js';
import * as L from '../../../kernel/l4/layout.js';
import { TEST_ALL } from '../../support/capgrind.js';
import { L4Rig, object, type Party, slot } from '../../support/l4-rig.js';
import { Random } from '../../support/random.js';

const CALLS = TEST_ALL ? 1_000_000 : 30_000;
const LABELS = [
  0, -1, -2, -5, -6, -8, -10, -11, -12, -13, -14, -15, -16, -18, -20, -21, -23, 0x4000, 0x4001, 0x4002,
  0x4005,
];
const TYPES = [0, -10, -11, -12, -15, -18, -20, 0x4000, -99];

test('random registers and message words', (t) => {
  let rig = new L4Rig();
  let p = ready(rig);
  const random = new Random(20261126);
  for (let n = 0; n < CALLS; n++) {
    if (n % 2000 === 1999 || gone(rig, p)) {
      rig = new L4Rig();
      p = ready(rig);
    }
    fill(rig, p, random);
    const index = random.below(4) === 0 ? random.below(1 << 20) : random.below(0x30);
    const special = [0, 0, 0, 0, 0x400, 0x800, 0xc00, 0x10][random.below(8)]!;
    const op = random.below(16);
    const label = random.below(8) === 0 ? random.below(65536) - 32768 : LABELS[random.below(LABELS.length)]!;
    const words = random.below(5) === 0 ? random.below(64) : random.below(9);
    const items = random.below(3) === 0 ? random.below(4) : random.below(20) === 0 ? random.below(64) : 1;
    const flags = random.below(16) * 4096;
    const tag = label * 65536 + words + items * 64 + flags;
    // Poll, or a microsecond: the rig has nobody else who could answer.
    const timeouts = random.below(2) === 0 ? 0x4000400 : 0x4010401;
    rig.syscall(p, slot(index) + special + op, tag, timeouts, random.below(1 << 30));
    if (n % 100 === 0) {
      const broken = brokenSlot(rig, p);
      if (broken !== '') return t.fail(`after call ${n}: ${broken}`);
    }
  }
  const fresh = new L4Rig();
  const q = ready(fresh);
  t.is(fresh.create(q, 0x40, A.PROTO_SEMAPHORE).label, 0);
});

/** A party with one of each object, and copies with fewer rights. */
function ready(rig: L4Rig): Party {
  const p = rig.party(1 << 22);
  const { state, caps, dataspaces } = rig.kernel;
  for (const [i, kind] of [L.KIND_RM, L.KIND_MEM_ALLOC, L.KIND_NAMESPACE].entries()) {
    caps.fill(p.task, 0x10 + i, state.alloc(kind, 0, 0), 0x27 | L.SLOT_COUNTED, 'create');
  }
  caps.fill(p.task, 0x13, dataspaces.make(3 * PAGE_SIZE, 7), 0x27 | L.SLOT_COUNTED, 'create');
  rig.create(p, 0x20, A.PROTO_THREAD);
  rig.create(p, 0x21, A.PROTO_SEMAPHORE);
  rig.create(p, 0x22, A.PROTO_IRQ_SENDER);
  rig.create(p, 0x23, 0, [0x80001, 0x1000], [[8, object(3)]]);
  rig.create(p, 0x24, 0);
  rig.create(p, 0x25, A.PROTO_TASK, [0x80003, 0]);
  rig.create(p, 0x26, A.PROTO_FACTORY, [0x80001, 100_000]);
  rig.create(p, 0x27, A.PROTO_THREAD);
  return p;
}

/** Whether the table is sound: full slots name live objects, which list them and count no more than is there. */
function brokenSlot(rig: L4Rig, p: Party): string {
  const { state, caps } = rig.kernel;
  let broken = '';
  caps.each(p.task, 0, A.CAP_SLOTS, (at, index) => {
    const obj = state.w(at + L.S_OBJ);
    if (state.kind(obj) === L.KIND_NONE) broken = `slot ${index} names an object that is gone`;
    let listed = false;
    for (let s = state.w(obj + L.O_SLOTS); s !== 0; s = state.w(s + L.S_NEXT)) {
      listed ||= s === at;
      if (state.w(s + L.S_OBJ) !== obj) broken = `the list of slot ${index}'s object leads elsewhere`;
    }
    if (!listed) broken = `slot ${index} is not in its object's list`;
  });
  return broken;
}

function gone(rig: L4Rig, p: Party): boolean {
  const { state } = rig.kernel;
  return state.w(p.thread + L.H_TASK) !== p.task || (state.w(p.thread + L.H_FLAGS) & L.HF_KILLED) !== 0;
}

/** Words that mean something now and then. */
function fill(rig: L4Rig, p: Party, random: Random): void {
  const word = (): number => {
    switch (random.below(9)) {
      case 0:
        return random.below(20);
      case 1:
        return TYPES[random.below(TYPES.length)]!;
      case 2:
        return object(random.below(0x30), random.below(16), random.below(3) === 0 ? random.below(64) : 0);
      case 3:
        return random.below(1 << 20) * 4096 + random.below(4096);
      case 4:
        return 0xb3000000 + random.below(4096);
      case 5:
        return 8 + random.below(256);
      case 6:
        return [0x80001, 0x80003, 0x80081, 0x1210000, 0x10000, 0x20001][random.below(6)]!;
      case 7:
        return random.below(1 << 30) * 2 ** random.below(33);
      default:
        return -random.below(1 << 16);
    }
  };
  rig.setMr(p, 0, Array.from({ length: 12 }, word));
  rig.setBr(
    p,
    Array.from({ length: 6 }, () => (random.below(3) === 0 ? 0 : word())),
  );
  rig.kernel.state.words.set(p.utcb + A.UTCB_BDR, random.below(4) === 0 ? random.below(1 << 25) : 0);
}
