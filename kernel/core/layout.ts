/**
 * Byte layout of the one shared linear memory, and of every fixed structure in it.
 *
 * Plain numeric constants only: this file is compiled twice, by tsc and by the AssemblyScript compiler for
 * `src/rt`, so both sides of every structure read the same numbers.
 *
 * | range                   | what                                              | owner, protection                     |
 * | ----------------------- | ------------------------------------------------- | ------------------------------------- |
 * | 0 .. 64 KiB             | never handed out (null page, wasm statics)        | nobody                                |
 * | GLOBALS                 | process-wide words, `G_*`                         | see each word                         |
 * | THREADS                 | thread states, `T_*`, 64 KiB each                 | the thread itself, but for words marked shared |
 * | RESERVATIONS            | LR/SC line filter and versions                    | stripe locks; filter bytes are sticky |
 * | JUMPS, COLD             | what cold code did, and what tools want done to it | hints; words written as a whole      |
 * | TASKS                   | task blocks, `K_*`: page map root, region table   | region lock of the task               |
 * | CODEMAP                 | guest pc -> table slot                            | written under the translation lock    |
 * | HEAT                    | how often cold code was reached                   | racy counters, never wrong by much    |
 * | RVC_TABLE               | compressed instructions expanded                  | written at start-up only              |
 * | FRAME_TABLES            | frame bitmaps and reference counts                | frames lock                           |
 * | L4_AREA                 | the L4 face's own words                           | its kernel lock                       |
 * | TOOL_AREA               | the running tool's own tables                     | the tool                              |
 * | SYNC_AREA               | helgrind's synchronisation objects                | see src/tools/helgrind/sync-area.ts   |
 * | FRAMES .. end           | frames; with a tool, shadow behind them           | allocated under the frames lock       |
 */

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Wasm pages (64 KiB) of the shared memory: 4 GiB, the most Node 20 allows. */
export const WASM_PAGES = 65536;

// --- process-wide words -------------------------------------------------------------------------------------
export const GLOBALS = 0x00010000;
/** Shared, atomic. Set to the exit status + 1 by the first exit_group or fatal end; 0 while running. */
export const G_EXITING = 0x00010000;
/** Shared, atomic. Signal number + 1 when the process ends by a signal. */
export const G_EXIT_SIGNAL = 0x00010004;
/** Shared, atomic counter: translation epoch; bumped when translated code becomes invalid. */
export const G_CODE_EPOCH = 0x00010008;
/** Number of live guest threads. Shared, atomic. */
export const G_LIVE_THREADS = 0x0001000c;
/** 1 once a second thread was ever created: stores then test the reservation filter. Written once. */
export const G_MULTI = 0x00010010;
/** Highest number of guest threads alive at once, and of workers used. Shared, atomic. */
export const G_PEAK_THREADS = 0x00010014;
export const G_TOTAL_THREADS = 0x00010018;
/** Bytes of shadow per guest byte; 0 without a shadow. Written at start-up only. */
export const G_SHADOW_SCALE = 0x0001001c;
/** First byte behind the frames (and first byte of the shadow). Written at start-up only. */
export const G_FRAMES_END = 0x00010020;
/** 1 under --atomicity=serial: guest code runs only with the big lock held. Written at start-up only. */
export const G_SERIAL = 0x0001002c;
/** Back edges between two polls. Written at start-up only. */
export const G_FUEL = 0x00010030;
/** Futex-like word bumped whenever the thread table changes; joiners and stoppers wait on it. */
export const G_THREAD_EVENT = 0x00010034;
/**
 * How often code is interpreted before it is translated (src/rt/interpret.ts); 0 = translate at once. Written at
 * start-up only.
 */
export const G_HEAT_LIMIT = 0x00010048;
/**
 * Guest threads that are about to end, or have ended and still occupy a worker: the main thread then lets a new one wait for
 * that worker. Shared, atomic.
 */
export const G_ENDING = 0x00010040;
/** 1 when the tool is asked about cold code (COLD) and wants the shadow call stack kept. Written at start-up only. */
export const G_COLD = 0x00010044;
/**
 * Changes of one window cell after which code is translated anew, with windows as they are then; 0 = never.
 * Translation lock.
 */
export const G_THRASH_LIMIT = 0x0001004c;
/** Windows that translated code has cells for, by slot: number of the first page, 0 = free. 32 words. Translation lock. */
export const G_WINDOWS = 0x00010800;
export const WINDOW_SLOTS = 32;
/** STEPS_*: what guest code counts in T_STEPS (src/jit/steps.ts). Written at start-up only. */
export const G_STEPS = 0x00010050;
/** Line ownership of --atomicity=restart (kernel/core/ownership.ts): address of its area, 0 under other policies. Written
 * at start-up only. */
export const G_OWN_AREA = 0x00010054;
/** The same address once a second thread exists, 0 before: guest code then owns lines. Written once. */
export const G_OWN = 0x00010058;
/** Slot + 1 of the thread that runs alone, 0 for none. Shared, atomic. */
export const G_OWN_ALONE = 0x0001005c;
/** Address of the area of --audit-atomicity (kernel/core/audit.ts), 0 without. Written at start-up only. */
export const G_AUDIT_AREA = 0x00010070;
/** 1 when the host orders plain accesses at least as strongly as TSO. Written at start-up only. */
export const G_TSO = 0x0001003c;
/** Shared, atomic: bumped when a file was mapped, so that every worker looks for its symbols. */
export const G_IMAGES = 0x00010060;
/** Threads that wait without a time limit, events that change who waits, and 1 once all were found waiting: see
 * kernel/linux/stuck.ts. Shared, atomic. */
export const G_STUCK = 0x00010064;
export const G_STUCK_EVENT = 0x00010068;
export const G_STUCK_FOUND = 0x0001006c;
/** Monotonic ms (f64) at which the machine was made: what guest clocks count from. Written at start-up only. */
export const G_CLOCK_BASE = 0x000100f8;
/** Next free node of the tool's interned stacks; see the tool. */
export const G_TOOL_WORDS = 0x00010100;
export const G_TOOL_WORDS_SIZE = 0x400;
/** Locks: each is a few words, see sync/. */
export const G_LOCKS = 0x00011000;
export const G_LOCK_BIG = 0x00011000;
export const G_LOCK_TRANSLATION = 0x00011100;
export const G_LOCK_FRAMES = 0x00011140;
export const G_LOCK_THREADS = 0x00011180;
export const G_LOCK_TOOL = 0x000111c0;
export const G_LOCK_LOG = 0x00011200;
export const G_LOCK_FILES = 0x00011240;
/** Helgrind's synchronisation tables: see src/tools/helgrind/sync-area.ts. */
export const G_LOCK_SYNC = 0x00011280;
/** Futex buckets: 256 x 64 bytes. */
export const G_FUTEX_BUCKETS = 0x00012000;
/** Pending signals and timers of the Linux face (kernel/linux/signal-queue.ts), and their lock. */
export const G_LOCK_SIGNALS = 0x000112c0;
export const G_SIGNALS = 0x00016000;
export const G_SIGNALS_SIZE = 0x0000a000;
/** Open file table of the Linux face: 64 KiB. Files lock. */
export const G_FILES = 0x00020000;
export const G_FILES_SIZE = 0x00010000;
/** The schedule of --schedule: threads, chance, time (src/engine/schedule/state.ts). Whoever has the turn. */
export const G_SCHEDULE = 0x00080000;
export const G_SCHEDULE_SIZE = 0x00004000;
/** Statistics counters, 8 bytes each, added to with atomics. */
export const G_STATS = 0x00030000;

// --- thread states --------------------------------------------------------------------------------------------
export const THREADS = 0x00100000;
export const THREAD_STRIDE = 0x00010000;
export const MAX_THREADS = 1024;

/** x0..x31, 8 bytes each; x0 is never read. */
export const T_X = 0;
/** f0..f31, 8 bytes each, NaN-boxed. */
export const T_F = 256;
export const T_PC = 512;
/** fflags in bits 0..4, frm in bits 5..7. */
export const T_FCSR = 520;
/** Non-zero: every region and dispatcher returns to the thread's JavaScript loop. UNWIND_* */
export const T_UNWIND = 524;
/** Shared, atomic. Regions entered at a depth not below this return at once; 0 asks the thread to poll. */
export const T_LIMIT = 528;
/** Shared, atomic. STOP_* bits: why the thread is asked to poll. */
export const T_STOP = 532;
export const T_TID = 536;
export const T_TASK = 540;
/** Address of the task block. */
export const T_TASKPTR = 544;
/** 1 when stores must test the reservation filter (copy of G_MULTI, refreshed on leaving the kernel). */
export const T_MULTI = 548;
/** Shared, atomic. MODE_*: where the thread is. Others wait on it. */
export const T_MODE = 552;
/** Shared, atomic. Map epoch of the task that the thread has seen. */
export const T_MAP_SEEN = 556;
/** Window handed out by the last address translation: first guest address, last usable offset, host minus guest. */
export const T_WIN_LO = 560;
export const T_WIN_LIM = 568;
export const T_WIN_DELTA = 576;
/** Fault being raised: address, FAULT_* access, size. */
export const T_FAULT_ADDR = 584;
export const T_FAULT_KIND = 592;
export const T_FAULT_SIZE = 596;
/** LR/SC reservation: host address (0 = none), version of the line seen, value seen, size. */
export const T_RES_HOST = 600;
export const T_RES_VERSION = 604;
export const T_RES_VALUE = 608;
export const T_RES_SIZE = 616;
/** Thread slot index. */
export const T_SLOT = 620;
/** Guest clear_child_tid address, robust list head. */
export const T_CLEAR_TID = 624;
export const T_ROBUST = 632;
/** Shared, atomic. 1 while the thread waits for a futex without a time limit. */
export const T_STUCK = 640;
/** Guest instructions executed, counted when the tool or --stats asks for it. */
export const T_INSNS = 648;
/** LIFE_* state of the slot. Thread table lock for changes, read atomically. */
export const T_LIFE = 656;
/** Exit code of the thread. */
export const T_EXIT = 660;
/** Futex wait: address waited on, bitset, list links; bucket lock. */
export const T_FUTEX_ADDR = 664;
export const T_FUTEX_KEY = 672;
export const T_FUTEX_BITSET = 676;
export const T_FUTEX_NEXT = 680;
export const T_FUTEX_STATE = 684;
/** tid address stores for CLONE_PARENT_SETTID etc. happen in the parent; the rest of the clone arguments: */
export const T_STACK_LO = 688;
export const T_STACK_HI = 696;
/** Parent's thread slot and creation stack (interned by the tool), for announcements. */
export const T_PARENT = 704;
/** Depth of the shadow call stack: address of the next free entry; see T_CALLS. */
export const T_CALL_TOP = 712;
/** SP when the thread started; used by unwinders to stop. */
export const T_SP_START = 720;
/** Scratch for 64-bit values crossing between wasm and JavaScript. */
export const T_SCRATCH = 728;
/** Shared, atomic. Code epoch of the generation of code that the thread runs. */
export const T_CODE_SEEN = 748;
/** Record of the thread in the area of line ownership, and guest instructions of the block that it last gave up. */
export const T_OWN = 752;
export const T_BLOCK_INSNS = 756;
/** Word for full barriers: an atomic add on it costs less than atomic.fence. */
export const T_BARRIER = 760;
/** The running tool's own per-thread words: 256 bytes. */
export const T_TOOL = 768;
/** Clock of csr reads; from T_STATS + 512 on 128 bytes of the Linux face (kernel/linux/process.ts). */
export const T_STATS = 1024;
/** 1 while the thread may run under a schedule; it sleeps on this word. Shared, atomic. */
export const T_TURN = 1792;
/** Steps, and behind them points, that the thread may still pass before it asks the schedule: generated code counts
 * both down, as one 64-bit word (jit/steps.ts). */
export const T_STEPS = 1800;
export const T_POINTS = 1804;
/** Running hash of the addresses at which its steps ended, 64 bits. */
export const T_STEP_HASH = 1808;
/** The schedule's other words of a thread: 64 bytes, see src/engine/schedule/state.ts. */
export const T_SCHEDULE = 1816;
/**
 * Window cache of two levels, all entries of TLB_ENTRY bytes {page tag i64, lo i64, length i64, delta i32, pad i32}.
 * First, by ACCESS_* bits, the TLB_WAYS windows used last, replaced in turn (the pad of a set's first entry says
 * which is next); behind them, at T_TLB_PAGES, TLB_ENTRIES windows by page, for whoever uses many small ones.
 */
export const T_TLB = 2048;
export const T_TLB_SIZE = 8192;
export const TLB_WAYS = 8;
export const TLB_ENTRY = 32;
export const T_TLB_PAGES = 6144;
export const TLB_ENTRIES = 128;
/** Jump cache: JC_ENTRIES x 16 bytes {pc i64, slot i32, pad}. */
export const T_JC = 10240;
export const JC_ENTRIES = 1024;
/** Shadow call stack: entries of 16 bytes {return address i64, sp i64}. */
export const T_CALLS = 26624;
export const CALLS_MAX = 2048;
/**
 * Window cells: entry n * REGWIN_ENTRY {lo i64, lim i64, delta i32, changes i32, near i64}; even ones for reading, odd
 * ones for writing. lim is the first offset that is not usable for a 16-byte access, near the same for GROUP_SPAN bytes;
 * both are 0 for no window. Which access uses which: src/jit/windows.ts.
 */
export const T_REGWIN = 59392;
export const REGWIN_ENTRY = 32;
/** Bytes that a group of accesses under one check may span (src/jit/groups.ts); less than a page. */
export const GROUP_SPAN = 240;
/** Bit of xlat's parameter: a load through a window for writing, so only one that permits writing goes there. */
export const XLAT_THROUGH = 0x800;
/** Rest of the 64 KiB block: free for the tool, from here on. */
export const T_TOOL_AREA = 61440;

export const STEPS_NONE = 0;
export const STEPS_TRANSFERS = 1;
export const STEPS_ACCESSES = 2;

/** Wasm frames nested by guest calls before the stack is unwound and started anew: T_LIMIT of a thread nobody asks. */
export const DEPTH_LIMIT = 1500;

export const MODE_KERNEL = 0;
export const MODE_GUEST = 1;

export const LIFE_FREE = 0;
export const LIFE_STARTING = 1;
export const LIFE_RUNNING = 2;
export const LIFE_EXITED = 3;

export const STOP_EPOCH = 1;
export const STOP_EXIT = 2;
export const STOP_YIELD = 4;
/** Another thread wants a line (src/rt/own.ts). */
export const STOP_OWN = 16;
/** A signal may have to be delivered; stays set until the thread has looked (kernel/linux/signals.ts). */
export const STOP_SIGNAL = 8;

export const UNWIND_NONE = 0;
/** The wasm stack is deep: start again from the bottom at T_PC. */
export const UNWIND_DEPTH = 1;
/** Thread or process ends. */
export const UNWIND_EXIT = 2;
/** State was changed under the frames (signal, execve, code invalidated): restart at T_PC. */
export const UNWIND_RESTART = 3;

/** Bits of T_FAULT_KIND besides the access: it lies in two windows; the instruction must start over. */
export const FAULT_STRADDLES = 0x100;
export const FAULT_STALE = 0x200;

export const ACCESS_READ = 1;
export const ACCESS_WRITE = 2;
export const ACCESS_EXEC = 4;

// --- LR/SC ------------------------------------------------------------------------------------------------------
/** One byte per line hash: 1 = some thread has ever reserved such a line, so stores take the careful path. */
export const RES_FILTER = 0x04100000;
export const RES_LINES = 65536;
/** One i32 version per line hash. Even = free, odd = locked (a stripe lock in place). Atomic. */
export const RES_VERSIONS = 0x04110000;

// --- tasks ------------------------------------------------------------------------------------------------------
export const TASKS = 0x04200000;
export const TASK_STRIDE = 0x00200000;
/**
 * Outermost pc of a stack trace of a task that is not the first one, plus its slot: no code lies there, behind the end of user
 * space. Stack traces of several tasks share one tree.
 */
export const TASK_FRAME = 0x4000000000;
export const MAX_TASKS = 64;
/** Page map root: one i32 per 4 GiB of guest address, 2^15 of them: address of a leaf table or 0. Region lock. */
export const K_ROOT = 0;
export const K_ROOT_ENTRIES = 32768;
/** A leaf table has one u32 entry per page of its 4 GiB: host page address | PTE_* flags; 0 = not present. */
export const LEAF_BYTES = 0x00400000;
/** Task words. */
export const K_ID = 0x00020000;
/** Seqlock of the page map: odd while entries change. */
export const K_MAP_SEQ = 0x00020004;
/** Atomic: bumped when mappings were taken away or narrowed. */
export const K_MAP_EPOCH = 0x00020008;
export const K_REGION_COUNT = 0x0002000c;
export const K_BRK_START = 0x00020010;
export const K_BRK = 0x00020018;
export const K_BRK_MAX = 0x00020020;
export const K_MMAP_TOP = 0x00020028;
export const K_COMMIT_PAGES = 0x00020030;
export const K_TOUCHED_PAGES = 0x00020034;
/** Region lock of the task (sync/mutex). */
export const K_LOCK = 0x00020040;
/** Ranges that guest threads manage (managed.ts): how many, how many of them ask somebody, and the records. Region lock. */
export const K_MANAGED_COUNT = 0x00020080;
export const K_MANAGED_ASKED = 0x00020084;
export const K_MANAGED = 0x00020100;
/** Region table: sorted by start, K_REGION_MAX entries of REGION_SIZE bytes. Region lock. */
export const K_REGIONS = 0x00040000;
export const REGION_SIZE = 64;
export const K_REGION_MAX = 24576;
/** Interned region names of the task, append only (see names.ts). Region lock for writing. */
export const K_NAMES = 0x001c0000;
export const K_NAMES_SIZE = 0x00040000;

export const PTE_R = 1;
export const PTE_W = 2;
export const PTE_X = 4;
/** Shared by several owners: the first write copies the frame. */
export const PTE_COW = 8;
/** Bits 4..7: order. All pages of the aligned block of 2^order pages are present, contiguous in host memory,
 * and have equal flags. */
export const PTE_ORDER_SHIFT = 4;
export const PTE_ORDER_MASK = 0xf0;
export const PTE_FLAGS = 0xf;

// --- code map ---------------------------------------------------------------------------------------------------
/** Open addressing hash, CODEMAP_ENTRIES x 16 bytes {pc i64, slot i32, task i32}; pc 0 = free. */
export const CODEMAP = 0x0c200000;
export const CODEMAP_ENTRIES = 262144;

// --- frames -----------------------------------------------------------------------------------------------------
export const FRAME_TABLES = 0x0c600000;
/** Bitmap of used frames (1 bit per 4 KiB of linear memory), bitmap of frames that are not zero. */
export const FRAME_USED = 0x0c600000;
export const FRAME_DIRTY = 0x0c620000;
/** u16 reference count per frame. */
export const FRAME_REFS = 0x0c640000;
/** Words of the allocator and records of shared segments (frames.ts, segments.ts): 0x21000 bytes. */
export const FRAME_WORDS = 0x0c840000;

// --- cold code --------------------------------------------------------------------------------------------------
/** HEAT_ENTRIES x 8 bytes {low half of pc, arrivals there}, direct mapped by pc. Racy: a lost count delays translation. */
export const HEAT = 0x0c870000;
export const HEAT_ENTRIES = 8192;
/** u32 by halfword: the 32-bit instruction that a compressed one stands for, all ones where there is none. */
export const RVC_TABLE = 0x0c880000;
export const RVC_TABLE_SIZE = 0x00040000;
/**
 * Windows that interpreted loads and stores went through: SITE_ENTRIES x 8 bytes {low half of pc, number of the
 * window's first page}, direct mapped by pc. Racy hints.
 */
export const SITES = 0x0c8c0000;
export const SITE_ENTRIES = 16384;
/**
 * Targets of indirect jumps that the interpreter has seen: JUMP_ENTRIES of JUMP_ENTRY bytes {low half of the jump's pc,
 * count, low halves of up to JUMP_TARGETS targets}, direct mapped by pc. Racy hints.
 */
export const JUMPS = 0x04160000;
export const JUMP_ENTRIES = 512;
export const JUMP_ENTRY = 512;
export const JUMP_TARGETS = 126;
/**
 * How the running tool wants cold code to be treated: COLD_ENTRIES words of 64 bits {pc << 16 | task << 8 | COLD_* bits},
 * direct mapped by pc. Each is read and written as a whole. Emptied when what they were told from has changed.
 */
export const COLD = 0x041a0000;
export const COLD_ENTRIES = 8192;
/** The tool looks at plain accesses; only where the program's own code called; not at those through sp. */
export const COLD_CHECKED = 1;
export const COLD_FOR_CALLER = 2;
export const COLD_NO_STACK = 4;
/** Atomic instructions, fences and loads right in front of a fence are translated. */
export const COLD_EDGES = 8;
/** A wrapped function begins here. */
export const COLD_WRAPPED = 16;
/** The entry says something. */
export const COLD_KNOWN = 128;

/** The L4 face's own words: see kernel/l4/layout.ts. Its lock. */
export const L4_AREA = 0x0c900000;
export const TOOL_AREA = 0x0ca00000;
export const TOOL_AREA_END = 0x0f800000;
/** Helgrind's synchronisation objects, lock order and sets of locks: src/tools/helgrind/sync-area.ts. */
export const SYNC_AREA = 0x0f800000;
export const SYNC_AREA_END = 0x10000000;
export const FRAMES = 0x10000000;
/** The last 64 KiB stay unused, so host + immediate never wraps. */
export const LINEAR_END = 0xffff0000;
