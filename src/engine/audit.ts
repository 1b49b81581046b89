/** What --audit-atomicity has counted (kernel/core/audit.ts). */
import { AUDIT_BLOCKS, AUDIT_COUNTS } from '../../kernel/core/audit.js';
import { G_AUDIT_AREA } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';

/** Block executions that were broken into, and of which blocks, by address, the most frequent first. */
export function readAudit(machine: Machine): { total: number; blocks: { pc: number; count: number }[] } {
  const { u32 } = machine;
  const counts = (u32[G_AUDIT_AREA >>> 2]! + AUDIT_COUNTS) >>> 2;
  const blocks: { pc: number; count: number }[] = [];
  for (let i = 0; i < AUDIT_BLOCKS; i++) {
    const at = counts + 4 + i * 4;
    const pc = u32[at + 1]! * 2 ** 32 + u32[at]!;
    if (pc !== 0) blocks.push({ pc, count: u32[at + 2]! });
  }
  return { total: u32[counts]!, blocks: blocks.sort((a, b) => b.count - a.count) };
}
