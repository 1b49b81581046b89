/**
 * Layout of --audit-atomicity (src/rt/audit.ts, src/jit/audit.ts). Plain constants, compiled by tsc and by the
 * AssemblyScript compiler. All words are atomic; nothing here is locked, and no thread waits.
 *
 * - A *mark* per 8 bytes of host memory, as far as they do not share one: who wrote them last {slot + 1, count of that
 *   thread's writes} and which thread has read them since {slot + 1}. Bytes share a mark only if they share a line of
 *   ownership.ts, so that policy protects marks as well as what they stand for.
 * - A log per thread slot, its own: the marks that the running block has touched, and the writer that it expects there.
 * - Blocks that were broken into, by address: an open hash table. What does not find room in it is only counted.
 */

/** Marks of 8 bytes {writer u32, reader u32}. */
export const AUDIT_MARKS = 0x00200000;
export const AUDIT_MARKS_SIZE = AUDIT_MARKS * 8;
/** Logs {entries u32, broken u32, writes u32, 1 where the block goes on behind a fault; entries {mark u32, writer u32, wrote u32, pad}}. */
export const AUDIT_LOG = 0x00010000;
export const AUDIT_LOG_MAX = 4000;
export const AUDIT_LOGS = AUDIT_MARKS_SIZE;
/** Block executions broken into, and behind that word, at 16, the table {pc u64, count u32, pad}. */
export const AUDIT_COUNTS = AUDIT_LOGS + 128 * AUDIT_LOG;
export const AUDIT_BLOCKS = 1024;
export const AUDIT_AREA_SIZE = AUDIT_COUNTS + 0x00010000;
