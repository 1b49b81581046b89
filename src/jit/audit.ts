/**
 * --audit-atomicity: has blocks tell src/rt/audit.ts of their accesses. A block execution counts as broken into when
 * another thread's block accesses the same 8 bytes between an access of it and its end, and one of the two writes. To be
 * done behind a tool's instrumentation and before line ownership.
 */
import { type Block, c32, c64, type Opnd, type Stmt } from '../ir/ir.js';

export function auditBlock(block: Block): Block {
  if (!block.stmts.some((s) => s.s === 'xlat')) return block;
  const stmts: Stmt[] = [call('audit_begin')];
  let temps = block.temps;
  for (const s of block.stmts) {
    stmts.push(s);
    if (s.s !== 'xlat') continue;
    let at: Opnd = s.d;
    if (s.off !== 0) {
      const d = { k: 't', id: temps++, ty: 'i32' } as const;
      stmts.push({ s: 'op', d, op: 'i32.add', a: [s.d, c32(s.off)] });
      at = d;
    }
    stmts.push(call('audit_access', at, c32(s.size | (s.acc === 'r' ? 0 : 256))));
  }
  stmts.push(call('audit_end', c64(block.pc)));
  return { ...block, stmts, temps };
}

function call(fn: string, ...a: Opnd[]): Stmt {
  return { s: 'call', d: null, fn, a, sync: false };
}
