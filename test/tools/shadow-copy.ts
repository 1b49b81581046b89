/**
 * Keeps a copy of every stored byte in shadow, and compares at each load: any two blocks that run into each other on the
 * same bytes leave a copy that differs. Per page of frames the shadow has the copies first and then, byte by byte, whether
 * there is one (255) or not. Accesses that cross a page are beyond it.
 */
import { FRAMES, PAGE_SIZE } from '../../kernel/core/layout.js';
import { type Block, c32, c64, type Opnd, type Stmt } from '../../src/ir/ir.js';
import { LOADS, STORES } from '../../src/ir/ops.js';
import type { Tool, ToolHost, ToolInstance } from '../../src/tools/api.js';
import { BlockEditor } from '../../src/tools/edit.js';

const LOADED = 0;
const DIFFERENT = 1;

const shadowCopy: Tool = {
  name: 'shadow-copy',
  title: 'Shadow copy, which compares memory with a copy of it',
  copyright: 'capgrind',
  atomicity: 'block',
  shadowScale: 2,
  findsErrors: false,
  options: {},
  create: (host) => new ShadowCopy(host),
};
export default shadowCopy;

/** Loads and stores of integers by size. */
const LOAD = { 1: 'i64.load8_u', 2: 'i64.load16_u', 4: 'i64.load32_u', 8: 'i64.load' } as const;
const STORE = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' } as const;
type Size = keyof typeof LOAD;

class ShadowCopy implements ToolInstance {
  private readonly base: number;

  constructor(private readonly host: ToolHost) {
    this.base = host.machine.framesEnd;
  }

  instrument(block: Block): Block {
    const e = new BlockEditor(block);
    return e.rewrite((s) => {
      e.add(s);
      if (s.s === 'load' && s.guest) this.compare(e, s.h, s.off, LOADS.get(s.op)!.size as Size);
      else if (s.s === 'store' && s.guest) this.copy(e, s.h, s.off, STORES.get(s.op)!.size as Size);
      else if (s.s === 'call') this.atomic(e, s);
    });
  }

  /** An atomic instruction has changed memory; which value is there now is read back. */
  private atomic(e: BlockEditor, s: Extract<Stmt, { s: 'call' }>): void {
    const m = /^(amo|sc)_([wd])$/.exec(s.fn);
    if (m) this.copy(e, s.a[m[1] === 'amo' ? 1 : 0]!, 0, m[2] === 'd' ? 8 : 4);
  }

  private copy(e: BlockEditor, h: Opnd, off: number, size: Size): void {
    const at = e.host(h, off);
    const shadow = this.shadow(e, at);
    const v = e.load(LOAD[size], 'i64', at);
    e.add({ s: 'store', op: STORE[size], h: shadow, off: 0, v, guest: false });
    e.add({ s: 'store', op: STORE[size], h: shadow, off: PAGE_SIZE, v: c64(-1), guest: false });
  }

  private compare(e: BlockEditor, h: Opnd, off: number, size: Size): void {
    const at = e.host(h, off);
    const shadow = this.shadow(e, at);
    const both = e.op('i64.xor', 'i64', e.load(LOAD[size], 'i64', at), e.load(LOAD[size], 'i64', shadow));
    const differ = e.op('i64.and', 'i64', both, e.load(LOAD[size], 'i64', shadow, PAGE_SIZE));
    e.count(this.host.counterOffset(LOADED), 1);
    e.countIf(this.host.counterOffset(DIFFERENT), e.op('i64.ne', 'i32', differ, c64(0)));
  }

  /** Address of the copy of the byte at host address h: both parts of a page lie at twice the page's distance. */
  private shadow(e: BlockEditor, h: Opnd): Opnd {
    const page = e.op('i32.and', 'i32', h, c32(-PAGE_SIZE));
    return e.op('i32.add', 'i32', e.op('i32.add', 'i32', h, page), c32(this.base - 2 * FRAMES));
  }

  /** What the kernel writes has no copy. */
  beforeWrite(host: number, length: number): void {
    const { machine } = this.host;
    for (let h = host; h < host + length; ) {
      const end = Math.min(host + length, h - (h % PAGE_SIZE) + PAGE_SIZE);
      const known = h + (h - (h % PAGE_SIZE)) + this.base - 2 * FRAMES + PAGE_SIZE;
      machine.u8.fill(0, known, known + end - h);
      h = end;
    }
  }

  finish(): void {
    const { host } = this;
    const n = host.counter(DIFFERENT);
    host.log.user(`shadow copy: ${n} of ${host.counter(LOADED)} loads differ`);
  }
}
