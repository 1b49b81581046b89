/**
 * Byte layout of what helgrind's algorithm keeps in shared memory. Plain numbers only: compiled by tsc and by the
 * AssemblyScript compiler for `src/rt/hg-*.ts`, which says who owns what.
 *
 * | range        | what                                                                                   |
 * | ------------ | -------------------------------------------------------------------------------------- |
 * | TOOL_AREA    | nodes of calling contexts, 16 MiB (src/rt/callstack.ts)                                |
 * | HG_CLOCKS    | vector clock of each clock index: HG_INDEXES rows of HG_ROW bytes                      |
 * | HG_FENCED    | the same rows as they were at the owner's last release fence                           |
 * | HG_PENDING   | rows of what relaxed loads have seen and no acquire fence has made known yet           |
 * | HG_INDEX     | HG_INDEXES entries of HG_INDEX_ENTRY bytes: state, last clock, owners so far, age      |
 * | HG_OWNERS    | per index a ring of HG_OWNERS_KEPT {first clock, thread number, trace of its creation} |
 * | HG_SEGMENTS  | per index a ring of HG_SEGMENTS_KEPT {clock, trace where that clock began}             |
 * | HG_CALLERS   | cache of return addresses: address << 1, and 1 if the program's own code is there       |
 * | HG_BUCKETS   | hash buckets of synchronisation objects {lock, first object}                           |
 * | HG_POOL      | the objects                                                                            |
 * | HG_HEAP      | blocks of the heap (src/tools/heap.ts)                                                 |
 */

/** G_TOOL_WORDS, T_TOOL, TOOL_AREA and TOOL_AREA_END of kernel/core/layout.ts, which the two compilers would have to
 * import in two ways; a test holds them together. */
const GLOBAL_WORDS = 0x00010100;
const OWN_WORDS = 768;
const AREA = 0x0ca00000;
const AREA_END = 0x0f800000;
/** Blocks of the heap, at the end of the area: src/tools/heap.ts. */
export const HG_HEAP = 0x0f000000;
export const HG_HEAP_BYTES = AREA_END - HG_HEAP;

/** Clock indexes: what a cell calls its thread by. At most this many threads live at once. */
export const HG_INDEXES = 256;
export const HG_ROW = 1024;
export const HG_CLOCKS = AREA + 0x01000000;
export const HG_FENCED = HG_CLOCKS + 0x40000;
export const HG_PENDING = HG_CLOCKS + 0x80000;
export const HG_INDEX = HG_CLOCKS + 0xc0000;
export const HG_INDEX_ENTRY = 16;
export const HG_OWNERS = HG_CLOCKS + 0x100000;
export const HG_OWNERS_KEPT = 64;
export const HG_OWNER_ENTRY = 16;
export const HG_SEGMENTS = HG_CLOCKS + 0x140000;
export const HG_SEGMENTS_KEPT = 512;
export const HG_CALLERS = HG_CLOCKS + 0x240000;
export const HG_CALLERS_COUNT = 4096;
export const HG_BUCKETS = HG_CLOCKS + 0x250000;
export const HG_BUCKET_COUNT = 65536;
export const HG_POOL = HG_BUCKETS + 0x80000;
export const HG_POOL_END = HG_HEAP;

/** Index states: never used, a thread's, its thread has ended, used up. */
export const INDEX_FRESH = 0;
export const INDEX_LIVE = 1;
export const INDEX_ENDED = 2;
export const INDEX_SPENT = 3;

/** Process-wide words: lock of the indexes, indexes used so far, count of ends; lock of the pool, its next free
 * byte, 1 once it was full; history level (0 none, 1 approx, 2 full); contexts that accesses may make; free lists by size. */
export const HG_G_INDEX_LOCK = GLOBAL_WORDS;
export const HG_G_INDEXES = GLOBAL_WORDS + 4;
export const HG_G_AGE = GLOBAL_WORDS + 8;
export const HG_G_POOL_LOCK = GLOBAL_WORDS + 12;
export const HG_G_POOL_NEXT = GLOBAL_WORDS + 16;
export const HG_G_POOL_FULL = GLOBAL_WORDS + 20;
export const HG_G_HISTORY = GLOBAL_WORDS + 24;
export const HG_G_CONTEXTS = GLOBAL_WORDS + 28;
export const HG_G_FREE = GLOBAL_WORDS + 32;

/** A thread's own words: tag of its cells (i64: index << 24 | clock), number of the set of locks it holds, host of
 * shadow minus 4 * host of data for its home cells, clock index, 1 when a cell carries the present clock,
 * 1 when its HG_FENCED row holds something, 1 when its HG_PENDING row does, its number and creation trace. */
export const HG_TAG = OWN_WORDS;
export const HG_LOCKSET = OWN_WORDS + 8;
export const HG_HOME = OWN_WORDS + 12;
export const HG_OWN_INDEX = OWN_WORDS + 16;
export const HG_DIRTY = OWN_WORDS + 20;
export const HG_HAS_FENCED = OWN_WORDS + 24;
export const HG_HAS_PENDING = OWN_WORDS + 28;
export const HG_NUMBER = OWN_WORDS + 32;
export const HG_CREATED = OWN_WORDS + 36;
/** Key of the object locked by an atomic operation in progress. */
export const HG_ATOMIC_KEY = OWN_WORDS + 40;
/** How many times the thread has asked for its reads, its writes to be ignored. */
export const HG_IGNORED_READS = OWN_WORDS + 48;
export const HG_IGNORED_WRITES = OWN_WORDS + 52;

/**
 * A cell: one access. Bits 0..23 clock, 24..31 clock index, 32..52 trace, 53 atomic, 54 stale (a later access must
 * look again), 55 read, 56..63 one bit per byte of the aligned 8 that was not touched. 0 is no access.
 */
export const CELL_ATOMIC_BIT = 53;
export const CELL_STALE_BIT = 54;
export const CELL_READ_BIT = 55;
export const CELL_BYTES_BIT = 56;
/** Trace of an access that takes part in synchronisation but races with nothing. */
export const TRACE_SILENT = 1;
/** Traces below are no nodes of calling contexts. */
export const TRACE_FIRST = 16;
