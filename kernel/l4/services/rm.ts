/**
 * The region manager of one application, served by capgrind: regions and reserved areas of its task, over the core's own
 * region manager, which resolves faults without running guest code (fact sheet 11.3).
 *
 * Tables in the object's own pages, under the kernel lock: regions {start f64, size f64, offset f64, client selector f64,
 * flags u32, pad}, areas {start f64, size f64}, rescue jumps {pc from f64, pc to f64, where to go on f64}. What the program was loaded with is known to the core only.
 */
import { type AddressSpace, USER_TOP } from '../../core/address-space.js';
import { ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../../core/layout.js';
import * as A from '../abi.js';
import { type Call, failed, type Outcome, reply } from '../call.js';
import * as L from '../layout.js';
import { ATTACHED, type Memory } from '../memory.js';
import type { HostedObject } from '../objects.js';
import { INVALID_CAP } from '../start.js';
import type { L4State } from '../state.js';
import type { Dataspaces } from './dataspace.js';
import { meta } from './meta.js';
import { PROTO } from './protocols.js';

const F_R = 4;
const F_W = 2;
const F_X = 1;
const F_RIGHTS = F_R | F_W | F_X;
const F_RESERVED = 0x800;
const F_PRIVATE = 0x1000;
const F_ANONYMOUS = 0x2000;
const F_REGION = 0xffff;
const F_SEARCH = 0x20000;
const F_IN_AREA = 0x40000;
const F_EAGER = 0x80000;
const DETACH_EXACT = 1;
const KEPT = 1;
const SPLIT = 2;
const AGAIN = 4;
/** The server has unmapped the pages itself. */
const UNMAPPED = 8;

const REGIONS = 48;
const REGION_COUNT = 52;
const AREAS = 56;
const AREA_COUNT = 60;
const JUMPS = 64;
const JUMP_COUNT = 68;
const JUMP_SIZE = 24;
const JUMP_MAX = Math.floor(PAGE_SIZE / JUMP_SIZE);
const REGION_SIZE = 40;
const REGION_PAGES = 16;
const REGION_MAX = Math.floor((REGION_PAGES * PAGE_SIZE) / REGION_SIZE);
const AREA_SIZE = 16;
const AREA_MAX = PAGE_SIZE / AREA_SIZE;
/** Records of 24 bytes that one answer carries. */
const LIST_MAX = 20;

interface Span {
  start: number;
  end: number;
}

interface Region extends Span {
  at: number;
  offset: number;
  cap: number;
  flags: number;
}

export class RegionManager implements HostedObject {
  constructor(
    private readonly state: L4State,
    private readonly memory: Memory,
    private readonly dataspaces: Dataspaces,
  ) {}

  invoke(call: Call): Outcome {
    if (call.label === A.PROTO_META) return meta(call, [{ proto: PROTO.rm, name: 'L4Re::Rm' }]);
    if (call.label === A.PROTO_PAGE_FAULT) return this.pageFault(call);
    if (call.label !== PROTO.rm) return reply(-A.EBADPROTO);
    if (call.words < 2) return reply(-A.EMSGTOOSHORT);
    if (!this.tables(call.obj)) return reply(-A.ENOMEM);
    switch (call.low(0)) {
      case 0:
        return this.attach(call);
      case 1:
        return this.detach(call);
      case 2:
        return this.find(call);
      case 3:
        return this.reserve(call);
      case 4:
        return this.freeArea(call);
      case 5:
        return this.list(call, this.regions(call.obj));
      case 6:
        return this.list(call, this.areas(call.obj));
      case 7:
        return this.info(call);
      case 8:
        return this.addJump(call);
      case 9:
        return this.removeJump(call);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private tables(obj: number): boolean {
    const { state } = this;
    if (state.w(obj + REGIONS) === 0) state.setW(obj + REGIONS, state.pages(REGION_PAGES));
    if (state.w(obj + AREAS) === 0) state.setW(obj + AREAS, state.pages(1));
    return state.w(obj + REGIONS) !== 0 && state.w(obj + AREAS) !== 0;
  }

  dismantle(obj: number): void {
    const { state } = this;
    if (state.w(obj + REGIONS) !== 0) state.freePages(state.w(obj + REGIONS), REGION_PAGES);
    if (state.w(obj + AREAS) !== 0) state.freePages(state.w(obj + AREAS), 1);
    if (state.w(obj + JUMPS) !== 0) state.freePages(state.w(obj + JUMPS), 1);
  }

  private regions(obj: number): Region[] {
    const { state } = this;
    return Array.from({ length: state.w(obj + REGION_COUNT) }, (_, k) => {
      const at = state.w(obj + REGIONS) + k * REGION_SIZE;
      const [start, size, offset, cap] = state.f64.subarray(at >>> 3, (at >>> 3) + 4) as unknown as number[];
      return { at, start: start!, end: start! + size!, offset: offset!, cap: cap!, flags: state.w(at + 32) };
    });
  }

  private addRegion(obj: number, r: Omit<Region, 'at'>): boolean {
    const { state } = this;
    const n = state.w(obj + REGION_COUNT);
    if (n >= REGION_MAX) return false;
    const at = state.w(obj + REGIONS) + n * REGION_SIZE;
    state.f64.set([r.start, r.end - r.start, r.offset, r.cap], at >>> 3);
    state.setW(at + 32, r.flags);
    state.setW(obj + REGION_COUNT, n + 1);
    return true;
  }

  private removeRegion(obj: number, r: Region): void {
    const { state } = this;
    const n = state.w(obj + REGION_COUNT) - 1;
    const last = state.w(obj + REGIONS) + n * REGION_SIZE;
    if (last !== r.at) state.words.copy(r.at, last, REGION_SIZE / 8);
    state.setW(obj + REGION_COUNT, n);
  }

  private areas(obj: number): (Span & { at: number; flags: number })[] {
    const { state } = this;
    return Array.from({ length: state.w(obj + AREA_COUNT) }, (_, k) => {
      const at = state.w(obj + AREAS) + k * AREA_SIZE;
      const start = state.f64[at >>> 3]!;
      return { at, start, end: start + state.f64[(at >>> 3) + 1]!, flags: 0 };
    });
  }

  /** All that is taken in the task, ascending: its mappings, reserved regions, and areas when asked for. */
  private taken(obj: number, space: AddressSpace, areas: boolean): Span[] {
    const spans: Span[] = [...space.regions(), ...this.regions(obj)];
    if (areas) spans.push(...this.areas(obj));
    return spans.sort((a, b) => a.start - b.start);
  }

  /** Where `size` bytes fit at or above `from`, inside [low, high); -1 for nowhere. */
  private place(
    spans: readonly Span[],
    from: number,
    size: number,
    align: number,
    low: number,
    high: number,
  ): number {
    const up = (a: number): number => Math.ceil(a / align) * align;
    let at = up(Math.max(from, low));
    for (const s of spans) {
      if (s.end <= at) continue;
      if (s.start >= at + size) break;
      at = up(s.end);
    }
    return at + size <= high ? at : -1;
  }

  /** A place for `size` bytes as the flags ask for it, or a negative error number. */
  private choose(call: Call, start: number, size: number, flags: number, order: number): number {
    const space = this.memory.space(call.task);
    const inArea = (flags & F_IN_AREA) !== 0;
    const spans = this.taken(call.obj, space, !inArea);
    // Only the null page is nobody's.
    let low = PAGE_SIZE;
    let high = USER_TOP;
    if (inArea) {
      const area = this.areas(call.obj).find((a) => a.start <= start && start < a.end);
      if (area === undefined) return -A.ENOENT;
      low = area.start;
      high = area.end;
    }
    if ((flags & F_SEARCH) !== 0) {
      const at = this.place(spans, start, size, 2 ** Math.min(Math.max(order, 12), 40), low, high);
      return at < 0 ? -A.EADDRNOTAVAIL : at;
    }
    if (start < low || start + size > high) return -A.EADDRNOTAVAIL;
    return spans.some((s) => s.start < start + size && start < s.end) ? -A.EADDRNOTAVAIL : start;
  }

  private attach(call: Call): Outcome {
    const { state } = this;
    if (call.words < 7) return reply(-A.EMSGTOOSHORT);
    const size = pageUp(call.mru(2));
    const flags = call.low(3);
    const offset = pageDown(call.mru(4));
    if (!(size > 0 && size < USER_TOP)) return reply(-A.EINVAL);
    let source = 0;
    if ((flags & (F_ANONYMOUS | F_RESERVED)) === 0) {
      const item = call.itemOf(0, L.KIND_DATASPACE);
      if (typeof item !== 'number') return item;
      source = item;
      const length = state.f64[(source + L.D_SIZE) >>> 3]!;
      if (!(offset + size <= length)) return reply(-A.ERANGE);
      const beyond = flags & F_RIGHTS & ~state.w(source + L.D_FLAGS);
      if (beyond !== 0 && (flags & F_PRIVATE) === 0) return reply(-A.EACCES);
    }
    const at = this.choose(call, pageDown(call.mru(1)), size, flags, call.low(5) & 0xff);
    if (at < 0) return reply(at);
    const cap = call.mr(6);
    const region = { start: at, end: at + size, offset, cap, flags: flags & F_REGION };
    if (!this.addRegion(call.obj, region)) return reply(-A.ENOMEM);
    if ((flags & F_RESERVED) === 0 && !this.mapRegion(call, region, source, flags)) {
      const added = this.regions(call.obj).find((r) => r.start === at);
      if (added !== undefined) this.removeRegion(call.obj, added);
      return reply(-A.ENOMEM);
    }
    call.setMr(0, at);
    return reply(0, 1);
  }

  private mapRegion(call: Call, r: Omit<Region, 'at'>, source: number, flags: number): boolean {
    const { dataspaces } = this;
    const space = this.memory.space(call.task);
    const prot =
      ((flags & F_R) !== 0 ? 1 : 0) | ((flags & F_W) !== 0 ? 2 : 0) | ((flags & F_X) !== 0 ? 4 : 0);
    const request = {
      addr: r.start,
      length: r.end - r.start,
      prot,
      noReplace: true,
      lowest: PAGE_SIZE,
      name: ATTACHED,
    } as const;
    if (source === 0) return space.map({ ...request, kind: 'anon', populate: (flags & F_EAGER) !== 0 }) >= 0;
    // A private copy is made at once: the dataspace may go before its pages are touched.
    const copy = (flags & F_PRIVATE) !== 0;
    const file = dataspaces.file(source, r.offset);
    return space.map({ ...request, kind: 'file', shared: !copy, populate: copy, file }) >= 0;
  }

  private detach(call: Call): Outcome {
    if (call.words < 4) return reply(-A.EMSGTOOSHORT);
    const addr = call.mru(1);
    const size = Math.max(1, call.mru(2));
    const exact = (call.low(3) & DETACH_EXACT) !== 0;
    const hits = this.regions(call.obj).filter((r) => r.start < addr + size && addr < r.end);
    const first = hits.sort((a, b) => a.start - b.start)[0];
    if (first === undefined) return reply(-A.ENOENT);
    const lo = exact ? Math.max(first.start, pageDown(addr)) : first.start;
    const hi = exact ? Math.min(first.end, pageUp(addr + size)) : first.end;
    this.memory.leaving(call.task, lo, hi);
    if (this.memory.space(call.task).unmap(lo, hi - lo) < 0) return reply(-A.ENOMEM);
    this.removeRegion(call.obj, first);
    const rest = [
      { start: first.start, end: lo },
      { start: hi, end: first.end },
    ].filter((s) => s.end > s.start);
    for (const s of rest)
      this.addRegion(call.obj, { ...first, ...s, offset: first.offset + (s.start - first.start) });
    call.setMr(0, lo);
    call.setMr(1, hi - lo);
    call.setMr(2, first.cap);
    const result = rest.length === 0 ? 0 : rest.length === 1 ? KEPT : SPLIT;
    return reply(result | UNMAPPED | (hits.length > 1 ? AGAIN : 0), 3);
  }

  private find(call: Call): Outcome {
    if (call.words < 3) return reply(-A.EMSGTOOSHORT);
    const addr = call.mru(1);
    const end = addr + Math.max(1, call.mru(2));
    const own = this.regions(call.obj).find((r) => r.start < end && addr < r.end);
    const found = own ?? this.loaded(call, addr);
    if (found === undefined) {
      const area = this.areas(call.obj).find((a) => a.start < end && addr < a.end);
      if (area === undefined) return reply(-A.ENOENT);
      call.setMr(0, area.start);
      call.setMr(1, area.end - area.start);
      return reply(1, 5);
    }
    call.setMr(0, found.start);
    call.setMr(1, found.end - found.start);
    call.setMr(2, found.flags);
    call.setMr(3, found.offset);
    call.setMr(4, found.cap);
    return reply(0, 5);
  }

  /** A region of what the program was loaded with. */
  private loaded(call: Call, addr: number): Omit<Region, 'at'> | undefined {
    const view = addr < USER_TOP ? this.memory.space(call.task).regionAt(addr) : undefined;
    if (view === undefined) return undefined;
    const { start, end, prot } = view;
    const flags = ((prot & 1) !== 0 ? F_R : 0) | ((prot & 2) !== 0 ? F_W : 0) | ((prot & 4) !== 0 ? F_X : 0);
    return { start, end, flags, offset: 0, cap: INVALID_CAP };
  }

  private reserve(call: Call): Outcome {
    const { state } = this;
    if (call.words < 4) return reply(-A.EMSGTOOSHORT);
    const size = pageUp(call.mru(2));
    if (!(size > 0 && size < USER_TOP)) return reply(-A.EINVAL);
    const flags = call.low(3);
    const at = this.choose(
      call,
      pageDown(call.mru(1)),
      size,
      flags & ~F_IN_AREA,
      state.words.high(call.at(3)) & 0xff,
    );
    if (at < 0) return reply(at);
    const n = state.w(call.obj + AREA_COUNT);
    if (n >= AREA_MAX) return reply(-A.ENOMEM);
    state.f64.set([at, size], (state.w(call.obj + AREAS) + n * AREA_SIZE) >>> 3);
    state.setW(call.obj + AREA_COUNT, n + 1);
    call.setMr(0, at);
    return reply(0, 1);
  }

  private freeArea(call: Call): Outcome {
    const { state } = this;
    const addr = call.mru(1);
    const area = this.areas(call.obj).find((a) => a.start <= addr && addr < a.end);
    if (area === undefined) return reply(-A.ENOENT);
    const n = state.w(call.obj + AREA_COUNT) - 1;
    const last = state.w(call.obj + AREAS) + n * AREA_SIZE;
    if (last !== area.at) state.words.copy(area.at, last, AREA_SIZE / 8);
    state.setW(call.obj + AREA_COUNT, n);
    return reply(0);
  }

  /** Records {start, last byte, flags} from an address on. */
  private list(call: Call, all: readonly (Span & { flags: number })[]): Outcome {
    const from = call.mru(1);
    const found = all
      .filter((r) => r.end > from)
      .sort((a, b) => a.start - b.start)
      .slice(0, LIST_MAX);
    found.forEach((r, i) => {
      call.setMr(i * 3, r.start);
      call.setMr(i * 3 + 1, r.end - 1);
      call.setMr(i * 3 + 2, r.flags & 0xffff);
    });
    return reply(found.length, found.length * 3);
  }

  /** Name (none is kept) and backing offset of a region. */
  private info(call: Call): Outcome {
    const addr = call.mru(1);
    const found =
      this.regions(call.obj).find((r) => r.start <= addr && addr < r.end) ?? this.loaded(call, addr);
    if (found === undefined) return reply(-A.ENOENT);
    call.setMr(0, 1);
    call.setMr(1, 0);
    call.setMr(2, found.offset);
    return reply(0, 3);
  }

  /** Where a thread goes on whose fault in a piece of code nobody resolves: user-level copies that may fail. */
  private addJump(call: Call): Outcome {
    const { state } = this;
    if (call.words < 4) return reply(-A.EMSGTOOSHORT);
    if (state.w(call.obj + JUMPS) === 0) state.setW(call.obj + JUMPS, state.pages(1));
    const n = state.w(call.obj + JUMP_COUNT);
    if (state.w(call.obj + JUMPS) === 0 || n >= JUMP_MAX) return reply(-A.ENOMEM);
    state.f64.set([call.mru(1), call.mru(2), call.mru(3)], (state.w(call.obj + JUMPS) + n * JUMP_SIZE) >>> 3);
    state.setW(call.obj + JUMP_COUNT, n + 1);
    return reply(0);
  }

  private removeJump(call: Call): Outcome {
    const { state } = this;
    const at = this.jumpAt(call.obj, call.mru(1));
    if (at === 0) return reply(-A.ENOENT);
    const n = state.w(call.obj + JUMP_COUNT) - 1;
    state.words.copy(at, state.w(call.obj + JUMPS) + n * JUMP_SIZE, JUMP_SIZE / 8);
    state.setW(call.obj + JUMP_COUNT, n);
    return reply(0);
  }

  private jumpAt(rm: number, pc: number): number {
    const { state } = this;
    for (let k = 0; k < state.w(rm + JUMP_COUNT); k++) {
      const at = state.w(rm + JUMPS) + k * JUMP_SIZE;
      if (state.f64[at >>> 3]! <= pc && pc < state.f64[(at >>> 3) + 1]!) return at;
    }
    return 0;
  }

  /** Where a thread goes on after a fault at pc that nobody resolves; 0 for nowhere. */
  rescue(rm: number, pc: number): number {
    const at = this.jumpAt(rm, pc);
    return at === 0 ? 0 : this.state.f64[(at >>> 3) + 2]!;
  }

  /** A fault message that a program sends itself: the page is put there, nothing has to be mapped. */
  private pageFault(call: Call): Outcome {
    if (call.words < 2) return reply(-A.EMSGTOOSHORT);
    const word = call.mru(0);
    const access = (word & 2) !== 0 ? ACCESS_WRITE : (word & 4) !== 0 ? ACCESS_EXEC : ACCESS_READ;
    const addr = word - (word % 8);
    if (!(addr < USER_TOP)) return failed(A.IPC_OVERFLOW);
    return reply(this.memory.resolve(call.task, addr, access) ? 0 : -A.ENOENT);
  }
}

function pageDown(a: number): number {
  return a - (a % PAGE_SIZE);
}

function pageUp(a: number): number {
  return pageDown(a + PAGE_SIZE - 1);
}
