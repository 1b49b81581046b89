/**
 * Layout of line ownership, the protocol under --atomicity=restart (src/rt/own.ts). Plain constants, compiled by tsc and
 * by the AssemblyScript compiler.
 *
 * Host memory falls into lines of 64 bytes, which hash to OWN_LINES. Each thread slot has a record with its *rights*: per
 * line one byte for reading and one for writing, 1 = allowed. A thread may write a line only if no other has a right to
 * it, so what a block does with lines that it has rights to is atomic as long as it gives none up; rights are given up
 * between blocks only. A directory has one word per line that says who has rights.
 *
 * | structure       | owner, protection, ordering                                                                     |
 * | --------------- | ----------------------------------------------------------------------------------------------- |
 * | directory word  | atomic; OWN_LOCKED is a spin lock for its line: who holds it changes the rights to the line      |
 * | rights of slot  | read by the thread itself, plain. Changed under the line's lock: by the thread itself, or by     |
 * |                 | another one while OWN_BUSY is 0 and OWN_WANTED not 0. These two words order the plain accesses   |
 * | OWN_BUSY        | atomic. 1 = the thread is in guest code, 0 = between blocks for as long as anybody wants         |
 * | OWN_WANTED      | atomic. How many threads want this one to stay between blocks                                    |
 * | undo log        | the thread itself                                                                                |
 *
 * A thread goes on with guest code by setting OWN_BUSY and then reading OWN_WANTED; whoever wants rights of it adds to
 * OWN_WANTED and then reads OWN_BUSY. Both are sequentially consistent, so one of them sees the other.
 *
 * Place in the lock order: behind all of it. A thread that waits for a line or for another thread holds no lock but that
 * line's, and gives up (its block starts over) as soon as anybody asks it for anything. Rights are never cleared when a
 * thread ends: its record says that it is between blocks, and the next thread in the slot takes them over.
 */

/** Lines that host lines hash to. */
export const OWN_LINES = 262144;
/** Records for thread slots: guest threads that can be alive at once. */
export const OWN_SLOTS = 128;
/** The directory, at the start of the area. */
export const OWN_DIRECTORY_SIZE = OWN_LINES * 4;
/** Bit of a directory word: its line's lock. The rest: 0 = nobody, slot + 1 = that one alone, OWN_SHARED. */
export const OWN_LOCKED = 0x80000000;
/** Some threads may read, none may write. */
export const OWN_SHARED = 0x7fffffff;

/** A record: rights {read, write} per line, then the words below, then the undo log. */
export const OWN_RECORD = OWN_LINES * 2 + 0x20000;
export const OWN_BUSY = OWN_LINES * 2;
/** In a cache line of its own. */
export const OWN_WANTED = OWN_LINES * 2 + 64;
/** Entries of UNDO_ENTRY bytes {host address u32, size u32, old bytes u64}; a block has numbered them. */
export const OWN_UNDO = OWN_LINES * 2 + 0x10000;
export const UNDO_ENTRY = 16;
export const UNDO_MAX = 4096;

/** Bytes of the whole area; it lies behind the frames. */
export const OWN_AREA_SIZE = OWN_DIRECTORY_SIZE + OWN_SLOTS * OWN_RECORD;
