/**
 * Dataspaces that capgrind serves: contiguous frames, kept as a shared segment of the core, so that the same memory
 * may be attached anywhere and lives as long as it is attached (fact sheet 11.1, 11.2).
 */
import { PAGE_SIZE } from '../../core/layout.js';
import { Segments } from '../../core/segments.js';
import type { FileReader } from '../../core/space.js';
import * as A from '../abi.js';
import { type Call, failed, type Outcome, reply } from '../call.js';
import { readFlexpage } from '../fpage.js';
import * as L from '../layout.js';
import type { Memory } from '../memory.js';
import type { HostedObject } from '../objects.js';
import type { L4State } from '../state.js';
import { meta } from './meta.js';
import { PROTO } from './protocols.js';

/** Flags of a dataspace: readable, writable, executable. */
export const DS_R = 4;
export const DS_W = 2;
export const DS_X = 1;
/** Largest dataspace, in pages: all of the machine's memory. */
const PAGES_MAX = 1 << 20;

/** Reader of every dataspace's segment: its pages are there from the beginning. */
export const DATASPACE_READER: FileReader = { size: PAGES_MAX * PAGE_SIZE, read: () => 0 };

export class Dataspaces implements HostedObject {
  private readonly segments: Segments;

  constructor(
    private readonly state: L4State,
    private readonly memory: Memory,
  ) {
    this.segments = new Segments(state.machine, state.frames);
  }

  /** A fresh zeroed dataspace without a slot; 0 when there is no memory. Size in bytes. */
  make(size: number, flags: number): number {
    const { state } = this;
    const pages = Math.ceil(size / PAGE_SIZE);
    if (!(pages >= 1 && pages <= PAGES_MAX) || !state.frames.commit(pages)) return 0;
    const file = this.segments.anonymousId();
    const pieces = this.segments.acquire(file, 0, pages);
    const obj = pieces === null ? 0 : state.alloc(L.KIND_DATASPACE, 0, 0);
    if (pieces === null || obj === 0) {
      for (const p of pieces ?? []) this.segments.drop(p.segment, p.pages);
      state.frames.commit(-pages);
      return 0;
    }
    const { segment, host } = pieces[0]!;
    this.segments.load(segment, host, pages, null);
    state.i32[(obj + L.D_FILE) >>> 2] = file;
    state.setW(obj + L.D_HOST, host);
    state.setW(obj + L.D_PAGES, pages);
    state.setW(obj + L.D_FLAGS, flags);
    state.setW(obj + L.D_SEGMENT, segment + 1);
    state.f64[(obj + L.D_SIZE) >>> 3] = pages * PAGE_SIZE;
    return obj;
  }

  /** The memory stays as long as it is attached somewhere. */
  dismantle(obj: number): void {
    const { state } = this;
    const pages = state.w(obj + L.D_PAGES);
    this.segments.drop(state.w(obj + L.D_SEGMENT) - 1, pages);
    state.frames.commit(-pages);
  }

  invoke(call: Call): Outcome {
    const { state } = this;
    if (call.label === A.PROTO_META) return meta(call, [{ proto: PROTO.dataspace, name: 'L4Re::Dataspace' }]);
    if (call.label !== PROTO.dataspace) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0)) {
      case 0:
        return this.map(call);
      case 1:
        return this.clear(call);
      case 2:
        call.setMr(0, state.f64[(call.obj + L.D_SIZE) >>> 3]!);
        call.setMr(1, this.flags(call));
        return reply(0, 2);
      case 3:
        return this.copyIn(call);
      case 4:
        return reply(0);
      default:
        return reply(-A.ENOSYS);
    }
  }

  /** What the capability allows of what the dataspace is. */
  private flags(call: Call): number {
    const flags = this.state.w(call.obj + L.D_FLAGS);
    return (call.rights & A.CAP_W) !== 0 ? flags : flags & ~DS_W;
  }

  /** Maps the naturally aligned piece around an offset into the caller's window. */
  private map(call: Call): Outcome {
    const { state } = this;
    if (call.words < 4) return reply(-A.EMSGTOOSHORT);
    const offset = call.mru(1);
    const size = state.f64[(call.obj + L.D_SIZE) >>> 3]!;
    if (!(offset < size)) return reply(-A.ERANGE);
    const wanted = call.low(3) & (DS_R | DS_W | DS_X);
    if ((wanted & ~this.flags(call)) !== 0) return reply(-A.EACCES);
    const head = state.words.low(call.buffer(0));
    const window = readFlexpage(state.words, call.buffer(1));
    if ((head & A.ITEM_MAP) === 0 || window.type !== A.FP_MEMORY || window.order < 12)
      return failed(A.IPC_OVERFLOW | A.IPC_RECEIVE);
    // A window larger than the dataspace gets the page alone, at the hot spot.
    let order = Math.min(window.order, 30);
    while (order > 12 && offset - (offset % 2 ** order) + 2 ** order > size) order--;
    const bytes = 2 ** order;
    const from = offset - (offset % bytes);
    const spot = call.mru(2) % 2 ** window.order;
    const to = window.base - (window.base % 2 ** window.order) + (spot - (spot % bytes));
    const host = state.w(call.obj + L.D_HOST) + from;
    if (!this.memory.mapFrames(call.task, to, host, bytes / PAGE_SIZE, wanted))
      return failed(A.IPC_MAP_FAILED);
    call.setMr(0, spot - (spot % bytes) + (A.ITEM_MAP | (order << 6) | (A.FP_MEMORY << 4)));
    return reply(0, 0, 1);
  }

  private clear(call: Call): Outcome {
    if (call.words < 3) return reply(-A.EMSGTOOSHORT);
    if ((this.flags(call) & DS_W) === 0) return reply(-A.EACCES);
    const { state } = this;
    const size = state.f64[(call.obj + L.D_SIZE) >>> 3]!;
    const from = call.mru(1);
    if (!(from < size)) return reply(-A.ERANGE);
    const end = Math.min(size, from + call.mru(2));
    const host = state.w(call.obj + L.D_HOST);
    state.machine.u8.fill(0, host + from, host + end);
    const scale = state.machine.shadowScale;
    if (scale > 0) {
      const shadow = state.machine.shadowOf(host);
      state.machine.u8.fill(0, shadow + from * scale, shadow + end * scale);
    }
    return reply(0);
  }

  private copyIn(call: Call): Outcome {
    const { state } = this;
    if (call.words < 4) return reply(-A.EMSGTOOSHORT);
    if ((this.flags(call) & DS_W) === 0) return reply(-A.EACCES);
    const source = call.itemOf(0, L.KIND_DATASPACE);
    if (typeof source !== 'number') return source;
    const to = call.mru(1);
    const from = call.mru(2);
    const sizeOf = (obj: number): number => state.f64[(obj + L.D_SIZE) >>> 3]!;
    if (!(to < sizeOf(call.obj)) || !(from < sizeOf(source))) return reply(-A.ERANGE);
    const bytes = Math.min(call.mru(3), sizeOf(call.obj) - to, sizeOf(source) - from);
    const a = state.w(call.obj + L.D_HOST) + to;
    const b = state.w(source + L.D_HOST) + from;
    const { machine } = state;
    machine.u8.copyWithin(a, b, b + bytes);
    const scale = machine.shadowScale;
    if (scale > 0) {
      const at = machine.shadowOf(b);
      machine.u8.copyWithin(machine.shadowOf(a), at, at + bytes * scale);
    }
    return reply(0);
  }

  /** What `AddressSpace.map` needs to attach a dataspace from `offset` on. */
  file(obj: number, offset: number): FileReader & { id: number; offset: number } {
    const { state } = this;
    const host = state.w(obj + L.D_HOST);
    const size = state.f64[(obj + L.D_SIZE) >>> 3]!;
    return {
      id: state.i32[(obj + L.D_FILE) >>> 2]!,
      offset,
      size,
      read(at, into) {
        const bytes = Math.min(into.length, size - at);
        into.set(state.machine.u8.subarray(host + at, host + at + bytes));
        return bytes;
      },
    };
  }
}
