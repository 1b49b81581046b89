/**
 * Byte layout of the Linux face's own shared structures: the process area in G_FILES, and the words of a thread
 * that only this face knows. Numbers only; who may touch what is said at each word.
 */
import { G_FILES, G_FILES_SIZE, T_STATS } from '../core/layout.js';

// --- process area ------------------------------------------------------------------------------------------------
/** File creation mask. Atomic. */
export const P_UMASK = G_FILES + 4;
/** Bumped and notified at every change that may make a descriptor ready; pollers wait on it. Atomic. */
export const P_READY = G_FILES + 8;
/** Process id, parent's id; written at start-up only. */
export const P_PID = G_FILES + 12;
export const P_PPID = G_FILES + 16;
/** Next descriptor generation. Files lock. */
export const P_GENERATION = G_FILES + 20;
/** Wall clock minus monotonic clock, seconds and nanoseconds (f64 each); written at start-up only. */
export const P_WALL_SEC = G_FILES + 24;
export const P_WALL_NSEC = G_FILES + 32;
/** Monotonic seconds (f64) when the process started; written at start-up only. */
export const P_START = G_FILES + 40;
/** Last number given to a fault that a region manager is asked about. Region lock. */
export const P_FAULTS = G_FILES + 48;
/** Signal dispositions, 24 bytes each {handler u64, flags u64, mask u64}, signal 1 first. Files lock. */
export const P_SIGACTIONS = G_FILES + 0x100;
export const SIGACTION_SIZE = 24;
/** Working directory on the host: length u32, then UTF-8 bytes. Files lock. */
export const P_CWD = G_FILES + 0x800;
export const P_CWD_SIZE = 0x1000;
/** Guest descriptors, OPEN_MAX words: 0 = free, else description index + 1 and FD_CLOSE. Files lock. */
export const P_FDS = G_FILES + 0x1800;
export const FD_CLOSE = 0x8000_0000 | 0;
/** Open file descriptions, DESC_MAX x 32 bytes. Files lock. */
export const P_DESCS = G_FILES + 0x2800;
export const DESC_MAX = 1024;
export const DESC_SIZE = 32;
/** Pipes, PIPE_MAX x 64 bytes. Files lock. */
export const P_PIPES = G_FILES + 0xa800;
export const PIPE_MAX = 256;
export const PIPE_SIZE = 64;
/** Mapped files, MAPPED_MAX x 24 bytes; see mapped-files.ts. Files lock for changes. */
export const P_MAPPED = P_PIPES + PIPE_MAX * PIPE_SIZE;
export const MAPPED_MAX = 240;
export const MAPPED_SIZE = 24;
export const P_END = P_MAPPED + MAPPED_MAX * MAPPED_SIZE;

/** Words of a description. */
export const D_KIND = 0;
export const D_REFS = 4;
/** Guest O_* flags, without the creation flags. */
export const D_FLAGS = 8;
/** Host descriptor, or pipe index. */
export const D_HOST = 12;
/** File offset, eventfd counter: f64. */
export const D_OFFSET = 16;
/** DA_* bits; the low byte holds a byte read ahead when DA_PEEKED is set. */
export const D_AUX = 24;
export const D_GENERATION = 28;

/** Regular file or block device: positioned I/O at our own offset. */
export const KIND_FILE = 1;
/** Terminal, device, FIFO, socket: whatever comes next in the host's stream. */
export const KIND_STREAM = 2;
export const KIND_DIR = 3;
export const KIND_PIPE_READ = 4;
export const KIND_PIPE_WRITE = 5;
export const KIND_EVENT = 6;

export const DA_PEEKED = 0x100;
/** Inherited from the host: the offset is the host descriptor's own, until the guest seeks. */
export const DA_HOST_OFFSET = 0x200;
/** The host descriptor does not block: EAGAIN is answered by waiting unless the guest asked for O_NONBLOCK. */
export const DA_POLLED = 0x400;
/** Never close the host descriptor (standard streams). */
export const DA_KEEP = 0x800;
/** eventfd: reads take 1 (EFD_SEMAPHORE). */
export const DA_SEMAPHORE = 0x1000;
/** Shows itself as a pipe, whatever it is on the host. */
export const DA_AS_PIPE = 0x2000;

/** Words of a pipe. Counters of bytes ever read and written wrap at 2^32. */
export const PP_USED = 0;
export const PP_READERS = 4;
export const PP_WRITERS = 8;
export const PP_HEAD = 12;
export const PP_TAIL = 16;
/** Host address of the buffer, 0 = none yet; kept for the next pipe in this place. */
export const PP_BUFFER = 20;
/** Bumped and notified at every change. */
export const PP_EVENT = 24;
export const PIPE_CAPACITY = 65536;

if (P_END > G_FILES + G_FILES_SIZE) throw new Error('kernel/linux/process.ts: the process area does not fit');

// --- words of a thread, behind its statistics ------------------------------------------------------------------------
export const T_LINUX = T_STATS + 512;
/** Signal mask: two 32-bit words. The thread itself writes, under the signals lock; senders read. */
export const L_SIGMASK = T_LINUX;
/** Alternate signal stack: {sp u64, flags i32, pad, size u64}. The thread itself. */
export const L_ALTSTACK = T_LINUX + 8;
/** Thread name, 16 bytes with a final 0. */
export const L_NAME = T_LINUX + 32;
/** Host address the thread sleeps on, 0 for none: whoever sends it a signal notifies that word. Atomic. */
export const L_SLEEP = T_LINUX + 48;
/** Signals that rt_sigtimedwait waits for although they are blocked: two 32-bit words. Signals lock to write. */
export const L_SIGWAIT = T_LINUX + 56;
/** A fault that a region manager is asked about (region-manager.ts): its state, access, number and address. Region lock. */
export const L_FAULT = T_LINUX + 64;
export const L_FAULT_ACCESS = T_LINUX + 68;
export const L_FAULT_NUMBER = T_LINUX + 72;
export const L_FAULT_ADDR = T_LINUX + 80;
