/**
 * Byte layout of the simulated Fiasco.OC's own shared structures. All of it belongs to the kernel lock
 * (state.ts, rank l4Kernel) except words marked atomic, which their thread sleeps on or reads without it.
 */
import { L4_AREA, T_STATS } from '../core/layout.js';

// --- global words ----------------------------------------------------------------------------------------------
export const A_LOCK = L4_AREA;
/** Object table: its host address, first free object, end of the part ever used, end of the table. */
export const A_OBJECTS = L4_AREA + 0x40;
export const A_FREE = L4_AREA + 0x44;
export const A_TOP = L4_AREA + 0x48;
export const A_END = L4_AREA + 0x4c;
/** Last object id given. */
export const A_SERIAL = L4_AREA + 0x50;
/** Objects whose slots are gone and whose insides wait to be taken down. */
export const A_DYING = L4_AREA + 0x54;
/** Engine threads that wait without a time limit for another one. */
export const A_ASLEEP = L4_AREA + 0x58;
/** Memory mappings: host address of the node table, first free node, next never used, end; hash table. */
export const A_NODES = L4_AREA + 0x60;
export const A_NODE_FREE = L4_AREA + 0x64;
export const A_NODE_TOP = L4_AREA + 0x68;
export const A_NODE_END = L4_AREA + 0x6c;
export const A_HASH = L4_AREA + 0x70;
/** Segment of the kernel info page: file id. */
export const A_KIP = L4_AREA + 0x74;
/** 1 once whoever watches was told of everything that was there at the start. Atomic. */
export const A_OBSERVED = L4_AREA + 0x78;
/** What guests' own region managers have attached (shadow.ts): host address of the table, number of records. */
export const A_SHADOW = L4_AREA + 0x80;
export const A_SHADOW_COUNT = L4_AREA + 0x84;
/** Threads by engine slot: object of the thread that runs there, 1024 words. */
export const A_THREAD_OF = L4_AREA + 0x1000;
/** Tasks by engine slot: object, or 0; and how many engine threads still use the slot. 64 pairs. */
export const A_TASK_OF = L4_AREA + 0x2000;

/** Word of an engine thread that holds its L4 thread object. Written before the thread is spawned. */
export const T_L4 = T_STATS + 512;

// --- objects: 256 bytes each -----------------------------------------------------------------------------------
export const OBJECT_SIZE = 256;
export const OBJECT_MAX = 65536;
export const O_KIND = 0;
/** Counted slots that refer to the object. */
export const O_REFS = 4;
/** First slot of the list of all slots that refer to the object. */
export const O_SLOTS = 8;
/** Number of the object, never used again: what a stale address is found out by. */
export const O_ID = 12;
/** Factory that was charged (object, id) and how much. */
export const O_FACTORY = 16;
export const O_FACTORY_ID = 20;
export const O_CHARGE = 24;
/** Free list, or list of dying objects. */
export const O_NEXT = 28;
/** Name for people: 16 bytes, NUL-padded. */
export const O_NAME = 32;
export const NAME_BYTES = 16;

export const KIND_NONE = 0;
export const KIND_TASK = 1;
export const KIND_THREAD = 2;
export const KIND_GATE = 3;
export const KIND_IRQ = 4;
export const KIND_SEMAPHORE = 5;
export const KIND_FACTORY = 6;
export const KIND_SCHEDULER = 7;
export const KIND_ICU = 8;
export const KIND_LOG = 9;
export const KIND_DEBUGGER = 10;
/** Served by capgrind itself in place of moe and ITAS. */
export const KIND_RM = 16;
export const KIND_DATASPACE = 17;
export const KIND_MEM_ALLOC = 18;
export const KIND_NAMESPACE = 19;
export const KIND_PARENT = 20;

// --- whatever can stand in a queue of senders (threads, IRQs): same offsets in both ---------------------------------
export const Q_NEXT = 48;
export const Q_PREV = 52;
/** Address of the word that heads the queue the object stands in; 0 = none. */
export const Q_HEAD = 56;
export const Q_PRIO = 60;

// --- thread ---------------------------------------------------------------------------------------------------------
/** Engine thread state, 0 before the start and after the end. */
export const H_TS = 64;
/** Task object, and its id. */
export const H_TASK = 68;
export const H_TASK_ID = 72;
/** Host address of the UTCB, 0 = not bound. */
export const H_UTCB = 76;
/** Guest address of the UTCB, f64. */
export const H_UTCB_ADDR = 80;
/** Atomic. STATE_*: what the thread waits for; it sleeps on this word. */
export const H_STATE = 88;
export const H_FLAGS = 92;
/** Pager and exception handler: selector words as the guest gave them. */
export const H_PAGER = 96;
export const H_HANDLER = 104;
/** Head of the queue of those that wait to send to the thread. */
export const H_SENDERS = 112;
/** Whom the thread waits for (closed receive) or sends to; 0 = anybody. */
export const H_PARTNER = 116;
/** The message being sent: operation bits, tag, label for the receiver. */
export const H_OP = 120;
export const H_TAG = 128;
export const H_LABEL = 136;
/** Rights of the capability that the thread sends through. */
export const H_RIGHTS = 144;
/** Implicit reply capability: thread object or-ed with W and S; see Reply caps in ipc.ts. */
export const H_REPLY = 148;
/** Word that holds the reply capability to this thread; 0 = none. */
export const H_REPLY_AT = 152;
/** Where an open wait wants the reply capability: explicit slot + 1, 0 = implicit. */
export const H_REPLY_SLOT = 156;
/** What came of the wait: IPC error, tag and label received. */
export const H_ERROR = 160;
export const H_RTAG = 168;
export const H_RLABEL = 176;
/** Atomic. PEND_* bits that the thread applies at its next way back to guest code. */
export const H_PENDING = 184;
/** Pending (or initial) instruction and stack pointer, f64; NaN keeps. */
export const H_IP = 192;
export const H_SP = 200;
/** IRQ hit when a gate bound to the thread goes: object, id. */
export const H_DEL_IRQ = 208;
export const H_DEL_IRQ_ID = 212;
/** Deadline of the receive phase in monotonic ms, f64. */
export const H_DEADLINE = 216;
/** When it started, monotonic ms, f64. */
export const H_SINCE = 224;

export const STATE_READY = 0;
export const STATE_SENDING = 1;
export const STATE_RECEIVING = 2;
/** Waits on a semaphore. */
export const STATE_DOWN = 3;

export const HF_BOUND = 1;
export const HF_HAS_IP = 2;
export const HF_SCHEDULED = 4;
export const HF_KILLED = 8;
/** Counted in A_ASLEEP. */
export const HF_ASLEEP = 16;
/** In exception or page-fault handling. */
export const HF_IN_FAULT = 32;
export const HF_STARTED = 64;
/** The message of a queued call has been taken: what is waited for now is the answer. */
export const HF_SENT = 128;

export const PEND_EX_REGS = 1;
export const PEND_EXCEPTION = 2;

// --- task ---------------------------------------------------------------------------------------------------------
/** Engine task slot. */
export const K_SLOT = 48;
/** Host address of the directory of the capability table (CAP_DIR entries of page addresses). */
export const K_CAPS = 52;
export const CAP_PAGE_SLOTS = 128;
export const CAP_DIR = 8192;
/** Host address of the directory of reply slots (512 entries of pages of 1024 words), made on first use. */
export const K_REPLIES = 56;
/** Kernel-user memory: host address of a page of records {guest f64, bytes u32, host u32}, and their number. */
export const K_KU = 60;
export const K_KU_COUNT = 64;
export const KU_MAX = 256;

// --- capability slot: 32 bytes ------------------------------------------------------------------------------------
export const SLOT_SIZE = 32;
export const S_OBJ = 0;
/** Rights W S R D in bits 0..3, object rights in bits 5..7, SLOT_COUNTED. */
export const S_ATTR = 4;
export const S_NEXT = 8;
export const S_PREV = 12;
/** Bumped at every fill. */
export const S_GEN = 16;
export const S_TASK = 20;
export const S_INDEX = 24;
export const SLOT_COUNTED = 0x100;

// --- gate -----------------------------------------------------------------------------------------------------------
export const G_THREAD = 48;
export const G_THREAD_ID = 52;
export const G_LABEL = 56;
/** Senders that wait for a thread to be bound. */
export const G_SENDERS = 64;

// --- IRQ (queue words at Q_*) ---------------------------------------------------------------------------------------
export const I_THREAD = 64;
export const I_THREAD_ID = 68;
export const I_LABEL = 72;
/** 1: hit and not delivered. */
export const I_PENDING = 80;

// --- semaphore -------------------------------------------------------------------------------------------------------
export const M_COUNT = 48;
export const M_WAITERS = 52;

// --- factory: bytes, f64 ----------------------------------------------------------------------------------------------
export const F_LIMIT = 48;
export const F_USED = 56;

// --- dataspace ----------------------------------------------------------------------------------------------------------
/** Segment id (see core/segments.ts), host address, pages, size in bytes (f64), flags, 1 + index of the segment. */
export const D_FILE = 48;
export const D_HOST = 52;
export const D_PAGES = 56;
export const D_FLAGS = 60;
export const D_SIZE = 64;
export const D_SEGMENT = 72;
