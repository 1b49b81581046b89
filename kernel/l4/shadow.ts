/**
 * What region managers that are guest code have attached (--region-manager=virtual): the kernel sees their protocol's
 * calls go by (fact sheet 11.3), remembers which dataspace of capgrind's own lies where, and resolves faults there itself,
 * so that no guest code runs in the middle of a block. What it does not know (anonymous regions, private copies,
 * dataspaces that guest code serves) goes the usual way, to the pager.
 *
 * A table of records at A_SHADOW, A_SHADOW_COUNT of them, in no order; the kernel lock. A record counts as long as task,
 * server and dataspace are the objects that had these ids.
 *
 * | offset | type | field                                                  |
 * | ------ | ---- | ------------------------------------------------------ |
 * | 0      | u32  | task, 4: its id                                        |
 * | 8      | u32  | thread that serves the region manager, 12: its id      |
 * | 16     | f64  | start, 24: end, guest addresses                        |
 * | 32     | f64  | offset of start in the dataspace                       |
 * | 40     | u32  | dataspace, 44: its id                                  |
 * | 48     | u32  | rights R W X (4 2 1) of the region and the capability  |
 */
import { ACCESS_EXEC, ACCESS_WRITE, PAGE_SIZE } from '../core/layout.js';
import * as A from './abi.js';
import { sentCap } from './call.js';
import type { Caps } from './caps.js';
import type { Ipc } from './ipc.js';
import * as L from './layout.js';
import type { Memory } from './memory.js';
import { PROTO } from './services/protocols.js';
import type { L4State } from './state.js';

const RECORD = 64;
const TABLE_PAGES = 16;
const RECORDS_MAX = (TABLE_PAGES * PAGE_SIZE) / RECORD;
const OP_ATTACH = 0;
const OP_DETACH = 1;
const ATTACH_WORDS = 7;
const RIGHTS = A.MEM_R | A.MEM_W | A.MEM_X;
/** Reserved, private, anonymous regions, and those that have a pager of their own (0x400). */
const UNKNOWN = 0x800 | 0x1000 | 0x2000 | 0x400;

interface Record {
  task: number;
  taskId: number;
  server: number;
  serverId: number;
  start: number;
  end: number;
  offset: number;
  source: number;
  sourceId: number;
  rights: number;
}

/** A call to a region manager that is under way. For a detach only the first four count. */
export type Asked = Record;

export class Shadow {
  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly memory: Memory,
    private readonly ipc: Ipc,
  ) {}

  /** Looks at a call before it is sent: null when its answer will not matter. */
  request(me: number, task: number, dest: number, label: number): Asked | null {
    if (label !== PROTO.rm) return null;
    const { state } = this;
    const { words } = state;
    const utcb = state.w(me + L.H_UTCB);
    const low = words.low(me + L.H_TAG);
    const tag = { words: low & 63, items: (low >>> 6) & 63 };
    const server = this.serverOf(dest);
    const op = words.low(utcb);
    if (server === 0 || tag.words < 2) return null;
    const by = { task, taskId: state.id(task), server, serverId: state.id(server) };
    const nothing = { start: 0, end: 0, offset: 0, source: 0, sourceId: 0, rights: 0 };
    if (op === OP_DETACH) return { ...by, ...nothing };
    if (op !== OP_ATTACH || tag.words < ATTACH_WORDS) return null;
    const flags = words.low(utcb + 24);
    const item = sentCap(state, this.caps, task, utcb, tag, 0);
    if ((flags & UNKNOWN) !== 0 || typeof item === 'number') return null;
    if (state.kind(item.obj) !== L.KIND_DATASPACE) return null;
    const offset = words.unsigned(utcb + 32);
    const granted = state.w(item.obj + L.D_FLAGS) & ((item.rights & A.CAP_W) !== 0 ? RIGHTS : ~A.MEM_W);
    return {
      ...by,
      start: 0,
      end: pageUp(words.unsigned(utcb + 16)),
      offset: offset - (offset % PAGE_SIZE),
      source: item.obj,
      sourceId: state.id(item.obj),
      rights: flags & granted & RIGHTS,
    };
  }

  /** The answer has come: message register 0 says where the region lies or lay. */
  answer(me: number, asked: Asked): void {
    const { state } = this;
    const utcb = state.w(me + L.H_UTCB);
    if (state.words.high(me + L.H_RTAG) < 0) return;
    const start = state.words.unsigned(utcb);
    if (asked.source === 0) {
      const size = state.words.unsigned(utcb + 8);
      this.take(asked, start, start + size);
      this.memory.unmap(asked.task, start, size, RIGHTS, true);
      return;
    }
    const end = start + asked.end;
    const size = state.f64[(asked.source + L.D_SIZE) >>> 3]!;
    this.take(asked, start, end);
    if (state.alive(asked.source, asked.sourceId) === 0 || !(asked.offset + asked.end <= size)) return;
    this.write([...this.records(), { ...asked, start, end }]);
  }

  /** Maps the page of `addr`, if the region manager that serves as `pager` has attached it with the right. */
  resolve(task: number, pager: number, addr: number, access: number): boolean {
    const { state } = this;
    if (state.w(L.A_SHADOW_COUNT) === 0 || pager === 0) return false;
    const server = this.serverOf(pager);
    const id = server === 0 ? 0 : state.id(server);
    const hit = this.records().find(
      (r) => r.task === task && r.server === server && r.serverId === id && r.start <= addr && addr < r.end,
    );
    const wanted = access === ACCESS_WRITE ? A.MEM_W : access === ACCESS_EXEC ? A.MEM_X : A.MEM_R;
    if (hit === undefined || (hit.rights & wanted) === 0 || hit.taskId !== state.id(task)) return false;
    if (state.alive(hit.source, hit.sourceId) === 0) return false;
    const page = addr - (addr % PAGE_SIZE);
    // A page that somebody has mapped with fewer rights is not ours to change.
    if (this.memory.space(task).space.map.lookup(page) !== 0) return false;
    const host = state.w(hit.source + L.D_HOST) + hit.offset + (page - hit.start);
    return this.memory.mapFrames(task, page, host, 1, hit.rights);
  }

  /** Thread that gets what is sent to a gate or thread. */
  private serverOf(dest: number): number {
    return this.state.kind(dest) === L.KIND_GATE ? this.ipc.bound(dest) : dest;
  }

  /** Takes [lo, hi) out of what the same server has attached in the same task. */
  private take(by: Asked, lo: number, hi: number): void {
    const rest = this.records().flatMap((r) => {
      const same = r.task === by.task && r.server === by.server && r.start < hi && lo < r.end;
      if (!same) return [r];
      const upper = { ...r, start: hi, offset: r.offset + (hi - r.start) };
      return [{ ...r, end: lo }, upper].filter((piece) => piece.start < piece.end);
    });
    this.write(rest);
  }

  private records(): Record[] {
    const { u32, f64 } = this.state;
    const base = this.state.w(L.A_SHADOW);
    return Array.from({ length: this.state.w(L.A_SHADOW_COUNT) }, (_, k) => {
      const w = (base + k * RECORD) >>> 2;
      const d = (base + k * RECORD) >>> 3;
      return {
        task: u32[w]!,
        taskId: u32[w + 1]!,
        server: u32[w + 2]!,
        serverId: u32[w + 3]!,
        start: f64[d + 2]!,
        end: f64[d + 3]!,
        offset: f64[d + 4]!,
        source: u32[w + 10]!,
        sourceId: u32[w + 11]!,
        rights: u32[w + 12]!,
      };
    });
  }

  /** Those of dead objects are left out; what does not fit is not known, and goes to the pager. */
  private write(all: readonly Record[]): void {
    const { state } = this;
    if (state.w(L.A_SHADOW) === 0) state.setW(L.A_SHADOW, state.pages(TABLE_PAGES));
    const base = state.w(L.A_SHADOW);
    if (base === 0) return;
    const alive = all.filter(
      (r) =>
        state.alive(r.task, r.taskId) !== 0 &&
        state.alive(r.server, r.serverId) !== 0 &&
        state.alive(r.source, r.sourceId) !== 0,
    );
    alive.slice(0, RECORDS_MAX).forEach((r, k) => {
      const w = (base + k * RECORD) >>> 2;
      state.u32.set([r.task, r.taskId, r.server, r.serverId], w);
      state.f64.set([r.start, r.end, r.offset], (w >>> 1) + 2);
      state.u32.set([r.source, r.sourceId, r.rights], w + 10);
    });
    state.setW(L.A_SHADOW_COUNT, Math.min(alive.length, RECORDS_MAX));
  }
}

function pageUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}
