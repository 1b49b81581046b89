/**
 * Numbers of the Fiasco.OC system call interface on rv64: selectors, tags, flexpages, errors, UTCB offsets.
 * Source of every fact: the fact sheet's sections 1 to 4 (kernkonzept/fiasco `src/abi`, l4re-core `l4sys/include`).
 */

// --- selector (a1) ---------------------------------------------------------------------------------------------
export const OP_SEND = 1;
export const OP_RECV = 2;
export const OP_OPEN = 4;
export const OP_REPLY = 8;
/** Selector names the invoking thread (or, with OP_REPLY, its implicit reply capability). */
export const SEL_SPECIAL = 0x800;
/** Selector names a slot of the reply capability space. */
export const SEL_REPLY = 0x400;
export const CAP_SHIFT = 12;
/** Slots of a capability table. */
export const CAP_SLOTS = 1 << 20;
/** Slots for explicit reply capabilities of a task. */
export const REPLY_SLOTS = 512 * 512;

// --- tag (a0) --------------------------------------------------------------------------------------------------
export const TAG_FPU = 0x1000;
export const TAG_ERROR = 0x8000;

// --- protocols (labels) ----------------------------------------------------------------------------------------
export const PROTO_IRQ = -1;
export const PROTO_PAGE_FAULT = -2;
export const PROTO_EXCEPTION = -5;
export const PROTO_SIGMA0 = -6;
export const PROTO_KOBJECT = -10;
export const PROTO_TASK = -11;
export const PROTO_THREAD = -12;
export const PROTO_LOG = -13;
export const PROTO_SCHEDULER = -14;
export const PROTO_FACTORY = -15;
export const PROTO_IRQ_SENDER = -18;
export const PROTO_SEMAPHORE = -20;
export const PROTO_META = -21;
export const PROTO_DEBUGGER = -23;

// --- errors in labels (negated there) --------------------------------------------------------------------------
export const EPERM = 1;
export const ENOENT = 2;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ERANGE = 34;
export const ENOSYS = 38;
export const EBADPROTO = 39;
export const EADDRNOTAVAIL = 99;
export const EMSGTOOSHORT = 1001;
export const EMSGTOOLONG = 1002;

// --- errors of IPC (UTCB error word); bit 0 set means the receive phase -------------------------------------------
export const IPC_TIMEOUT = 2;
export const IPC_NOT_EXISTENT = 4;
export const IPC_CANCELED = 6;
export const IPC_OVERFLOW = 8;
export const IPC_ABORTED = 0xe;
export const IPC_MAP_FAILED = 0x10;
export const IPC_NO_REPLY_CAP = 0x13;
export const IPC_RECEIVE = 1;

// --- rights ------------------------------------------------------------------------------------------------------
/** Object rights as in a flexpage. */
export const CAP_W = 1;
export const CAP_S = 2;
export const CAP_R = 4;
export const CAP_D = 8;
/** Object-specific right 1, as an attribute of send items and slots: the server side of a gate. */
export const CAP_SERVER = 0x20;
export const CAP_OBJECT_RIGHTS = 0xe0;
/** Attribute of a send item: the copy is not counted. */
export const ATTR_WEAK = 0x10;
/** Memory rights as in a flexpage. */
export const MEM_X = 1;
export const MEM_W = 2;
export const MEM_R = 4;

// --- flexpages ---------------------------------------------------------------------------------------------------
export const FP_SPECIAL = 0;
export const FP_MEMORY = 1;
export const FP_IO = 2;
export const FP_OBJECT = 3;
export const FP_WHOLE = 63;

// --- send items and receive buffers ---------------------------------------------------------------------------
export const ITEM_COMPOUND = 1;
export const ITEM_GRANT = 2;
export const ITEM_MAP = 8;
/** Result types in bits 1..2 of a received item. */
export const RESULT_MAPPED = 0;
export const RESULT_NOTHING = 2;
export const RESULT_GATE_ID = 4;
export const RESULT_FPAGE = 6;
export const BUF_FORWARD = 1;
export const BUF_SMALL = 2;
export const BUF_LOCAL_ID = 4;

// --- UTCB ----------------------------------------------------------------------------------------------------------
export const UTCB_SIZE = 1024;
export const UTCB_MR = 0;
export const MR_WORDS = 63;
export const UTCB_SELF = 0x1f8;
export const UTCB_BDR = 0x200;
export const UTCB_BR = 0x208;
export const BR_WORDS = 58;
export const UTCB_ERROR = 0x3d8;
export const UTCB_FREE = 0x3e0;
export const BDR_FPU = 0x1000000;
/** tp of a fresh thread, from its UTCB: the word at tp - 24 holds the UTCB's address. */
export const UTCB_TP = 0x210;

// --- initial slots -------------------------------------------------------------------------------------------------
export const CAP_TASK = 1;
export const CAP_FACTORY = 2;
export const CAP_THREAD = 3;
export const CAP_PAGER = 4;
export const CAP_LOG = 5;
export const CAP_ICU = 6;
export const CAP_SCHEDULER = 7;
export const CAP_DEBUGGER = 10;
